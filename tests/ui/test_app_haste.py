"""Keys that are typed faster than the screen follows."""

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.message_pump import MessagePump
from textual.widgets import Input

from sshdash.config.source import ConfigSource
from sshdash.errors import UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.settings import Settings
from sshdash.ui import questions, typing_ahead
from sshdash.ui.app import SSHDashApp
from sshdash.ui.command import Place
from sshdash.ui.commands import COMMANDS
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.picker import Picker
from sshdash.ui.widgets.opening_panel import OpeningPanel
from tests.patience import PATIENCE
from tests.ui.conftest import Cockpit, FakeBackend, Start

CHARACTERS = {"slash": "/", "colon": ":", "minus": "-", "space": " "}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is typed at once be in haste on a loaded machine as well."""
    monkeypatch.setattr(typing_ahead, "HASTE", 600.0)


def type_at_once(c: Cockpit, *keys: str) -> None:
    """Hand keys to the app as a terminal does that got them in one packet."""
    for key in keys:
        c.app.post_message(events.Key(key, key if len(key) == 1 else CHARACTERS.get(key)))


def written(c: Cockpit) -> list[bytes]:
    """Return what the shell of the first tab got before its terminal."""
    got: list[bytes] = c.tabs[0].session.written
    return got


def filter_of(c: Cockpit) -> str:
    """Return what is typed into the filter of the active pane."""
    return "".join(field.value for field in c.current.panes.active.query(Input))


async def test_keys_behind_a_chord_never_reach_the_terminal(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g")
        type_at_once(c, "h", "down", "n")
        await c.until(lambda: c.backend.opened == ["bastion", "web-1"])
        assert tab.view.keys == []


async def test_two_keys_for_one_chord_do_not_end_the_program(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        await c.press("ctrl+g")
        type_at_once(c, "escape", "escape", "escape")
        await c.until(lambda: c.app.screen is c.app.workspace)


async def test_the_terminal_gets_what_follows_a_chord_that_is_none(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g")
        type_at_once(c, "escape", "a", "b")
        await c.until(lambda: tab.view.keys == ["a", "b"])


async def test_a_filter_and_enter_in_one_packet(cockpit: Start) -> None:
    async with cockpit() as c:
        type_at_once(c, "slash", "d", "b", "minus", "enter")
        await c.until(lambda: c.backend.opened == ["db-1"])
        await c.until(lambda: len(c.tabs) == 1 and c.app.focused is c.tabs[0].view)
        assert c.backend.disconnected == []


async def test_letters_of_a_filter_are_no_commands(cockpit: Start) -> None:
    async with cockpit() as c:
        type_at_once(c, "slash", *"dndnqdn")
        await c.until(lambda: c.app.workspace.cockpit.sidebar.filter_input.value == "dndnqdn")
        assert c.backend.opened == []


async def test_the_palette_and_a_command_in_one_packet(cockpit: Start) -> None:
    async with cockpit() as c:
        dark = c.app.current_theme.dark
        type_at_once(c, "colon", *"theme", "enter")
        await c.until(lambda: c.app.current_theme.dark is not dark)
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert c.backend.opened == []


async def test_the_switcher_and_a_host_in_one_packet(cockpit: Start) -> None:
    async with cockpit() as c:
        key = COMMANDS["host.connect_to"].keys[0]
        type_at_once(c, key, *"dnd", "enter")
        await c.until(lambda: c.backend.opened == ["dnd"])
        assert c.backend.disconnected == []


async def test_a_chord_from_a_terminal_and_a_host_in_one_packet(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        type_at_once(c, "ctrl+g", "space", *"db", "enter")
        await c.until(lambda: c.backend.opened == ["bastion", "db-1"])
        assert tab.view.keys == []


async def test_the_filter_of_a_files_tab_in_one_packet(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("f")
        await c.until(lambda: c.tabs and c.app.workspace.here is Place.FILES)
        await c.until(lambda: c.current.panes.active.listed)
        type_at_once(c, "slash", *"cdecd")
        await c.until(lambda: filter_of(c) == "cdecd")
        assert c.app.screen is c.app.workspace


async def test_letters_behind_opening_files_are_no_commands_of_the_hosts(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing_ahead, "_LONGEST", PATIENCE)
    monkeypatch.setattr(typing_ahead, "_LONGEST_WORK", PATIENCE)
    async with cockpit() as c:
        type_at_once(c, "f", *"nddn")
        await c.until(lambda: c.tabs and not c.app._ahead.busy)
        assert c.backend.opened == c.backend.disconnected == []


async def test_letters_wait_for_a_tab_that_takes_its_time(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing_ahead, "_LONGEST", 0.05)
    monkeypatch.setattr(typing_ahead, "_LONGEST_WAY", PATIENCE)
    async with cockpit() as c:
        await c.app.workspace.panels.files.memory.load()  # read before there is a tab
        type_at_once(c, "f", *"nddn")
        await c.until(lambda: c.tabs and not c.app._ahead.busy)
        assert c.backend.opened == c.backend.disconnected == []


async def test_letters_for_a_tab_that_takes_too_long_run_nothing(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing_ahead, "_LONGEST", 0.05)
    monkeypatch.setattr(typing_ahead, "_LONGEST_WAY", 0.05)
    async with cockpit() as c:
        c.app.workspace.cockpit._focus_due = object()
        type_at_once(c, "down", *"nddn")
        await c.until(lambda: any(told.startswith("Keys were dropped") for told in c.told))
        await c.until(lambda: not c.app._ahead.busy)
        assert c.backend.opened == c.backend.disconnected == []
        assert c.tabs == []


async def test_waiting_for_what_is_gone_lets_everything_else_run() -> None:
    class Gone(MessagePump):
        def call_later(self, *_: object) -> bool:
            return False

    async def endless() -> None:
        gone = Gone()
        for _ in range(1_000_000):
            await typing_ahead._passed(gone)
        raise AssertionError("nothing else had its turn")

    waiting = asyncio.create_task(endless())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_paste_waits_for_the_field_it_is_meant_for(cockpit: Start) -> None:
    async with cockpit() as c:
        type_at_once(c, "slash")
        c.app.post_message(events.Paste("web"))
        type_at_once(c, "minus")
        await c.until(lambda: c.app.workspace.cockpit.sidebar.filter_input.value == "web-")


async def test_many_moves_at_once_wait_for_nothing(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for longest in ("_LONGEST", "_LONGEST_WAY", "_LONGEST_WORK"):
        monkeypatch.setattr(typing_ahead, longest, 600.0)
    async with cockpit() as c:
        type_at_once(c, *"jk" * 25, "j")
        await c.until(lambda: not c.app._ahead.busy and c.hosts.host == "web-1")


async def test_what_is_typed_while_a_shell_opens_is_for_the_shell(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.held = asyncio.Event()
        type_at_once(c, "enter")
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        type_at_once(c, *"lxd", "enter")
        await c.until(lambda: "4 keys for the shell" in c.drawn)
        c.backend.held.set()
        await c.until(lambda: c.tabs[0].view and written(c) == [b"<l>", b"<x>", b"<d>", b"<enter>"])
        assert c.backend.opened == ["bastion"]


async def test_what_is_typed_for_a_shell_reaches_no_other_tab(cockpit: Start) -> None:
    async with cockpit() as c:
        other = await c.shell("web-1")
        c.backend.held = asyncio.Event()
        c.app.workspace.shells.open("bastion")
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        type_at_once(c, "l", "s")
        c.app.post_message(events.Paste(" -la"))
        c.app.post_message(events.Paste("rm\nall"))  # would be asked about first
        await c.until(lambda: "3 keys for the shell" in c.drawn)
        c.app.workspace.cockpit.go_to_tab(other)
        await c.until(lambda: c.app.focused is other.view)
        c.backend.held.set()
        await c.until(lambda: c.tabs[1].view)
        await c.until(lambda: c.tabs[1].session.written == [b"<l>", b"<s>", b" -la"])
        assert other.view.keys == []


async def test_what_is_typed_before_a_question_is_no_answer_and_no_command(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "PAUSE", 0)
    async with cockpit() as c:
        c.backend.held = asyncio.Event()
        type_at_once(c, "enter")
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        type_at_once(c, *"secret")
        await c.until(lambda: "6 keys for the shell" in c.drawn)
        question = ConfirmQuestion("Really?", "", "Yes")
        asking = asyncio.create_task(c.app.bridge.ask(question))
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("escape")
        await asking
        c.backend.held.set()
        await c.until(lambda: c.tabs[0].view)
        await c.press("a")
        await c.until(lambda: c.tabs[0].view.keys == ["a"])
        assert written(c) == []


async def test_nothing_typed_at_once_is_a_command_where_a_host_was_named(
    config: Path, cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = asyncio.Event()
    monkeypatch.setattr(SSHDashApp, "_read_styles", lambda _: ready.wait())
    source = ConfigSource.standard(str(config))
    screen = SSHDashApp(Settings(), source, host="bastion", make_backend=FakeBackend)
    async with screen.run_test(notifications=True) as pilot:
        c = Cockpit(screen, pilot)
        type_at_once(c, *"qed", "enter")
        await c.until(lambda: len(screen._early or ()) == 4)
        ready.set()
        await c.until(lambda: c.tabs and c.tabs[0].view)
        await c.until(lambda: written(c) == [b"<q>", b"<e>", b"<d>", b"<enter>"])
        assert screen.screen is screen.workspace


async def test_a_split_and_a_line_for_its_shell_in_one_packet(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        first = tab.view
        type_at_once(c, "ctrl+g", "vertical_line", *"ls", "enter")
        await c.until(lambda: len(tab.panes) == 2 and tab.view and tab.view is not first)
        early = [b"<l>", b"<s>", b"<enter>"]  # some may come when the terminal is there already
        await c.until(
            lambda: [*tab.session.written, *(f"<{key}>".encode() for key in tab.view.keys)] == early
        )
        assert first.keys == []
        assert c.app.screen is c.app.workspace


async def test_what_is_typed_while_the_focus_goes_to_the_new_terminal_is_not_lost(
    cockpit: Start,
) -> None:
    async with cockpit() as c:
        c.backend.held = asyncio.Event()
        c.app.workspace.shells.open("bastion")
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        panel = c.app.focused
        assert isinstance(panel, OpeningPanel)
        type_at_once(c, "l")
        await c.until(lambda: len(panel.typed) == 1)
        c.backend.held.set()
        await c.until(lambda: c.tabs[0].view and written(c) == [b"<l>"])
        panel.on_key(events.Key("s", "s"))
        assert written(c) == [b"<l>", b"<s>"]


async def test_what_is_typed_in_one_go_with_a_refused_command_runs_nothing(cockpit: Start) -> None:
    async with cockpit() as c:
        c.app.action_command("files.rename")  # nothing shows files here
        type_at_once(c, *"nda", "enter")
        await c.until(lambda: any(told.startswith("Keys were dropped") for told in c.told))
        await c.until(lambda: not c.app._ahead.busy)
        assert (c.tabs, c.backend.opened, c.backend.disconnected) == ([], [], [])
        assert c.app.screen is c.app.workspace


async def test_a_key_after_a_moment_runs_its_command(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing_ahead, "HASTE", 0.0)
    async with cockpit() as c:
        c.app._ahead.refuse()
        await c.press("colon")
        await c.until(lambda: isinstance(c.app.screen, Picker))


async def test_moves_and_fields_take_keys_after_a_refusal(cockpit: Start) -> None:
    async with cockpit() as c:
        before = c.hosts.host
        c.app._ahead.refuse()
        type_at_once(c, "down")
        await c.until(lambda: c.hosts.host != before)
        c.app.workspace.cockpit.sidebar.action_host_filter()
        await c.until(lambda: isinstance(c.app.focused, Input))
        c.app._ahead.refuse()
        type_at_once(c, *"web")
        await c.until(lambda: c.app.workspace.cockpit.sidebar.filter_input.value == "web")


async def test_a_terminal_gets_what_is_typed_after_a_refused_chord(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        c.app._ahead.refuse()
        type_at_once(c, "l", "s")
        await c.until(lambda: tab.view.keys == ["l", "s"])


async def test_keys_behind_work_that_fails_at_once_run_nothing(cockpit: Start) -> None:
    async def fails() -> None:
        raise UsageError("It cannot be renamed")

    async with cockpit() as c:
        c.app.workspace.cockpit.start(fails())
        type_at_once(c, *"nda")
        await c.until(lambda: any(told.startswith("Keys were dropped") for told in c.told))
        await c.until(lambda: not c.app._ahead.busy)
        assert (c.tabs, c.backend.disconnected) == ([], [])
        assert c.app.screen is c.app.workspace
