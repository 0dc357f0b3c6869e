"""Typing into several panes at once: who receives what, in which bytes, and who is asked first."""

from pathlib import Path
from typing import Any

import pytest
from textual import events

from sshdash.states import ConnectionState, SessionState
from sshdash.ui.controllers import shells
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.picker import Picker
from sshdash.ui.widgets.tabs import TabBar
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.ui.conftest import Cockpit, FakeBackend, Start
from tests.ui.terminal_stage import FakeSession


@pytest.fixture
def typing(cockpit: Start, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return what starts a cockpit whose panes have real terminals and no network."""

    async def open_shell(self: FakeBackend, host: str, *_: Any, **__: Any) -> FakeSession:
        await self.load()
        self.opened.append(host)
        session = FakeSession()
        session.id, session.host, session.title = f"{host}#{len(self.opened)}", host, host
        self.sessions[session.id] = session  # type: ignore[assignment]
        self.connect(host, ConnectionState.CONNECTED)
        return session

    monkeypatch.setattr(FakeBackend, "open_shell", open_shell)
    monkeypatch.setattr(shells, "_terminal_view", lambda: TerminalView)
    return cockpit


async def tab_of(c: Cockpit, *hosts: str) -> Any:
    """Open a tab split among hosts; return it."""
    tab = await c.shell(hosts[0])
    for count, host in enumerate(hosts[1:], start=2):
        axis = tab.area.longer_axis()
        c.app.workspace.shells.split(tab, axis, host)
        await c.until(lambda: len(tab.panes) == count and tab.view)  # noqa: B023
        await c.until(lambda: c.app.focused is tab.view)
    return tab


async def broadcast(c: Cockpit, *keys: str) -> None:
    """Turn it on for this tab, or for what is reached by these keys in the list."""
    await c.press("ctrl+g", "b")
    await c.until(lambda: isinstance(c.app.screen, Picker))
    await c.press(*keys, "enter")
    await c.until(lambda: not isinstance(c.app.screen, Picker))
    await c.until(
        lambda: c.app.workspace.broadcast.is_on or isinstance(c.app.screen, ConfirmDialog)
    )


def sent(*tabs: Any) -> list[bytes]:
    """Return what each pane was sent since the last call."""
    return [pane.session.taken() for tab in tabs for pane in tab.panes]


async def test_keys_control_keys_and_pastes_reach_every_pane_of_the_tab(typing: Start) -> None:
    async with typing() as c:
        other = await tab_of(c, "stage-1")
        tab = await tab_of(c, "bastion", "web-1", "db-1")
        await broadcast(c)
        await c.press("l", "s", "enter", "ctrl+c")
        c.app.post_message(events.Paste("pasted"))
        await c.until(lambda: b"pasted" in tab.view.session.written)
        assert sent(tab) == [b"ls\r\x03pasted"] * 3
        assert sent(other) == [b""]


async def test_each_pane_gets_the_bytes_of_its_own_modes(typing: Start) -> None:
    async with typing() as c:
        tab = await tab_of(c, "bastion", "web-1")
        tab.panes[0].session.feed(b"\x1b[?1h\x1b[?2004h")
        await broadcast(c)
        await c.press("up")
        c.app.post_message(events.Paste("x"))
        await c.until(lambda: b"x" in tab.view.session.written)
        assert sent(tab) == [b"\x1bOA\x1b[200~x\x1b[201~", b"\x1b[Ax"]


async def test_every_pane_that_receives_is_marked_and_one_chord_ends_it(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        tab = await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        await c.until(lambda: c.drawn.count("⇉ BROADCAST  ●") == 2)
        await c.until(lambda: "⇉ BROADCAST 2 panes · ctrl+g b off" in c.drawn)
        bar = c.app.workspace.query_one(TabBar)
        await c.until(lambda: "⇉" in bar.render_line(0).text)
        await c.press("ctrl+g", "b")
        await c.until(lambda: "⇉" not in c.drawn)
        await c.press("x")
        assert sent(tab) == [b"", b"x"]


async def test_a_pane_alone_is_marked_too_when_all_terminals_receive(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        one = await tab_of(c, "bastion")
        two = await tab_of(c, "web-1")
        await broadcast(c, "down")
        await c.until(lambda: "▶⇉ BROADCAST  ● web-1" in c.drawn)
        await c.until(lambda: two.view.size.height == two.size.height - 1)
        await c.press("x")
        assert sent(one, two) == [b"x", b"x"]
        await c.press("ctrl+g", "b")
        await c.until(lambda: two.view.size.height == two.size.height)


async def test_a_zoomed_pane_keeps_its_mark(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        await c.press("ctrl+g", "z")
        await c.until(lambda: c.drawn.count("⇉ BROADCAST") == 2 and "pane 2/2" in c.drawn)


async def test_a_pane_opts_out_and_in_again(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        tab = await tab_of(c, "bastion", "web-1", "db-1")
        await broadcast(c)
        await c.press("ctrl+g", "B")
        await c.until(lambda: "⇉ left out" in c.drawn and "BROADCAST 2 panes" in c.drawn)
        await c.press("a")
        assert sent(tab) == [b"", b"", b"a"]
        await c.press("ctrl+g", "o")
        await c.until(lambda: c.app.focused is tab.panes[0].view)
        await c.press("b")
        assert sent(tab) == [b"b", b"b", b""]
        await c.press("ctrl+g", "left", "ctrl+g", "p", "ctrl+g", "o", "ctrl+g", "o", "ctrl+g", "B")
        await c.until(lambda: "⇉ left out" not in c.drawn)
        await c.press("c")
        assert sent(tab) == [b"c", b"c", b"c"]


async def test_an_ended_pane_is_skipped_and_says_so(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        tab = await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        c.backend.move(tab.panes[0].session.id, SessionState.EXITED)
        await c.until(lambda: "⇉ skipped" in c.drawn and "BROADCAST 1 pane " in c.drawn)
        await c.press("x")
        assert sent(tab) == [b"", b"x"]
        c.backend.move(tab.panes[0].session.id, SessionState.RUNNING)
        await c.until(lambda: "⇉ skipped" not in c.drawn)


async def test_what_the_pane_with_the_focus_refuses_goes_nowhere(typing: Start) -> None:
    async with typing() as c:
        tab = await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        c.backend.move(tab.session.id, SessionState.LOST)
        await c.press("x", "enter")
        await c.until(lambda: c.backend.reopened)
        assert sent(tab) == [b"", b""]


async def test_a_pane_that_is_read_back_is_skipped_and_says_so(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        tab = await tab_of(c, "bastion", "web-1")
        await c.press("ctrl+g", "left_square_bracket")
        reading = tab.view
        await c.until(lambda: reading.copying is not None)
        await broadcast(c)
        await c.press("ctrl+g", "o")
        await c.until(lambda: c.app.focused is tab.panes[0].view)
        await c.press("x")
        assert sent(tab) == [b"x", b""]
        assert reading.notice == "not sent: this pane is being read back"
        assert reading.copying is not None


async def test_a_paste_of_lines_asks_where_any_pane_would_run_them(typing: Start) -> None:
    async with typing(size=(120, 30)) as c:
        tab = await tab_of(c, "bastion", "web-1")
        tab.session.feed(b"\x1b[?2004h")
        await broadcast(c)
        c.app.post_message(events.Paste("one\ntwo"))
        await c.until(lambda: "in 1 of 2 panes" in c.drawn)
        assert sent(tab) == [b"", b""]
        await c.press("enter")
        await c.until(lambda: tab.view.session.written)
        assert sent(tab) == [b"one\rtwo", b"\x1b[200~one\ntwo\x1b[201~"]


async def test_the_mouse_is_not_broadcast(typing: Start) -> None:
    async with typing() as c:
        tab = await tab_of(c, "bastion", "web-1")
        for pane in tab.panes:
            pane.session.feed(b"\x1b[?1000h\x1b[?1006h")
        await broadcast(c)
        await c.pilot.click(tab.view, offset=(4, 4))
        await c.until(lambda: tab.view.session.written)
        assert sent(tab)[0] == b""


async def test_hosts_of_the_setting_are_asked_for_once(typing: Start) -> None:
    async with typing(prod=["web-*"]) as c:
        tab = await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "In production: web-1" in c.drawn)
        await c.press("y")
        await c.until(lambda: c.app.screen is c.app.workspace)
        await c.until(lambda: "BROADCAST 2 panes" in c.drawn)
        await c.press("x")
        assert sent(tab) == [b"x", b"x"]


async def test_hosts_in_production_are_left_out_where_the_person_says_no(typing: Start) -> None:
    async with typing(prod=["web-*"]) as c:
        tab = await tab_of(c, "web-1", "bastion", "db-1")
        await broadcast(c)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("escape")
        await c.until(lambda: "BROADCAST 2 panes" in c.drawn and "⇉ left out" in c.drawn)
        await c.press("x")
        assert sent(tab)[0] == b""
        c.app.workspace.shells.show(tab.panes[0])
        await c.until(lambda: c.app.focused is tab.panes[0].view)
        await c.press("ctrl+g", "B")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: "BROADCAST 3 panes" in c.drawn)


@pytest.fixture
def tagged(config: Path) -> None:
    config.write_text(f"Host db-1\n    Tag eu-Prod\n{config.read_text()}")


@pytest.mark.usefixtures("tagged")
async def test_the_tag_of_a_host_asks_too_and_a_new_pane_waits_for_the_answer(
    typing: Start,
) -> None:
    async with typing() as c:
        tab = await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        await c.until(lambda: "BROADCAST 2 panes" in c.drawn)
        c.app.workspace.shells.split(tab, tab.area.longer_axis(), "db-1")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "In production: db-1" in c.drawn)
        await c.until(lambda: "BROADCAST 2 panes" in c.drawn)
        await c.press("y")
        await c.until(lambda: "BROADCAST 3 panes" in c.drawn)


async def test_a_pane_that_leaves_the_tab_receives_no_more(typing: Start) -> None:
    async with typing() as c:
        tab = await tab_of(c, "bastion", "web-1", "db-1")
        await broadcast(c)
        await c.press("ctrl+g", "exclamation_mark")
        await c.until(lambda: len(c.tabs) == 2 and c.app.focused is c.tabs[1].view)
        await c.until(lambda: "⇉ BROADCAST  ●" not in c.drawn)
        await c.press("x")
        assert sent(*c.tabs) == [b"", b"", b"x"]
        assert c.tabs[1].view.size == c.tabs[1].size
        c.app.workspace.tab_actions.close(tab)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: len(c.tabs) == 1)
        await c.until(lambda: not c.app.workspace.broadcast.is_on and "⇉" not in c.drawn)


async def test_the_prefix_typed_twice_is_broadcast(typing: Start) -> None:
    async with typing() as c:
        tab = await tab_of(c, "bastion", "web-1")
        await broadcast(c)
        await c.press("ctrl+g", "ctrl+g")
        assert sent(tab) == [b"\x07", b"\x07"]


async def test_commands_say_why_not(typing: Start) -> None:
    async with typing() as c:
        await c.press("ctrl+g", "b")
        assert c.told[-1] == "Broadcast: No terminal is open"
        await tab_of(c, "bastion")
        await c.press("ctrl+g", "B")
        assert c.told[-1] == "Leave out of broadcast: Nothing is broadcast"
