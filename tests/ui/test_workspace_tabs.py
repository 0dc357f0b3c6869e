"""Tabs: opening, going between them, closing, and shells that fail or end."""

import asyncio

from sshdash.errors import UnreachableError
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.opening_panel import OpeningPanel
from sshdash.ui.widgets.tabs import TabBar
from tests.ui.conftest import Start


async def test_enter_opens_a_shell_and_gives_it_the_focus(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("enter")
        await c.until(lambda: c.tabs and c.tabs[0].view and c.app.focused is c.tabs[0].view)
        assert c.backend.opened == ["bastion"]
        await c.until(lambda: c.tabs[0].tab_mark is Mark.UP)


async def test_enter_goes_to_the_shell_that_is_open(cockpit: Start) -> None:
    async with cockpit() as c:
        first = await c.shell("bastion")
        await c.shell("web-1")
        await c.press("ctrl+g", "h")
        await c.until(lambda: c.app.focused is c.hosts)
        c.hosts.go_to("bastion")
        await c.press("enter")
        await c.until(lambda: c.app.focused is first.view)
        assert c.backend.opened == ["bastion", "web-1"]


async def test_another_shell_opens_on_request(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        await c.press("ctrl+g", "h", "n")
        await c.until(lambda: c.backend.opened == ["bastion", "bastion"])


async def test_every_key_but_the_prefix_goes_to_the_terminal(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        sent = ["ctrl+q", "ctrl+p", "ctrl+c", "tab", "shift+tab", "escape", "colon", "q"]
        await c.press(*sent)
        assert tab.view.keys == sent
        assert c.app.screen is c.app.workspace


async def test_the_prefix_twice_sends_itself(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "ctrl+g")
        assert tab.session.written == [b"<ctrl+g>"]
        assert c.app.screen is c.app.workspace


async def test_numbers_and_neighbours(cockpit: Start) -> None:
    async with cockpit() as c:
        one, two, three = [await c.shell(host) for host in ("bastion", "web-1", "db-1")]
        await c.press("ctrl+g", "1")
        await c.until(lambda: c.current is one)
        await c.press("ctrl+g", "p")
        await c.until(lambda: c.current is three)
        await c.press("ctrl+g", "n", "ctrl+g", "n")
        await c.until(lambda: c.current is two and c.app.focused is two.view)
        await c.press("ctrl+g", "9")
        assert any("no tab 9" in words for words in c.told)


async def test_closing_asks_while_a_shell_runs(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "x")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("enter")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert c.tabs == [tab]
        await c.press("ctrl+g", "x")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: not c.tabs)
        assert c.backend.closed == [tab.session.id]
        assert c.app.focused is c.hosts


async def test_closing_an_ended_shell_does_not_ask(cockpit: Start) -> None:
    async with cockpit() as c:
        first = await c.shell("bastion")
        tab = await c.shell("web-1")
        c.backend.move(tab.session.id, SessionState.EXITED)
        await c.until(lambda: tab.tab_mark is Mark.IDLE)
        await c.press("ctrl+g", "x")
        await c.until(lambda: c.tabs == [first])
        await c.until(lambda: c.app.focused is first.view)


async def test_a_failure_stays_in_its_tab_and_can_be_tried_again(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.refusal = UnreachableError(
            "Connection refused", "192.0.2.1 port 22", "is sshd running there?", "bastion"
        )
        await c.press("enter")
        await c.until(lambda: c.tabs and c.tabs[0].tab_mark is Mark.FAILED)
        panel = c.tabs[0].query_one(OpeningPanel)
        words = str(panel.content)
        assert "Connection refused" in words
        assert "192.0.2.1 port 22" in words
        assert "is sshd running there?" in words
        await c.until(lambda: c.app.focused is panel)
        c.backend.refusal = None
        await c.press("enter")
        await c.until(lambda: c.tabs[0].view)
        await c.until(lambda: c.tabs[0].tab_mark is Mark.UP)


async def test_a_defect_while_opening_leaves_no_tab_waiting_for_ever(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.refusal = ValueError("a defect")
        await c.press("enter")
        await c.until(lambda: c.tabs and c.tabs[0].tab_mark is Mark.FAILED)
        assert "Something in sshdash went wrong" in str(c.tabs[0].query_one(OpeningPanel).content)


async def test_escape_cancels_an_attempt(cockpit: Start) -> None:
    async with cockpit() as c:
        c.backend.held = asyncio.Event()
        await c.press("enter")
        await c.until(lambda: c.backend.opened)
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        await c.press("escape")
        await c.until(lambda: not c.tabs)
        assert c.app.focused is c.hosts
        assert not c.backend.sessions


async def test_a_lost_shell_is_marked_and_reconnects(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        c.backend.move(tab.session.id, SessionState.LOST)
        c.backend.connect("bastion", ConnectionState.LOST, "no answer for 60 s")
        await c.until(lambda: tab.tab_mark is Mark.FAILED)
        assert c.told[-1].startswith("bastion: Connection lost: no answer for 60 s")
        await c.press("ctrl+g", "r")
        await c.until(lambda: c.backend.reopened == [tab.session.id])
        await c.until(lambda: tab.tab_mark is Mark.UP)


async def test_the_bar_is_used_with_the_mouse(cockpit: Start) -> None:
    async with cockpit() as c:
        one = await c.shell("bastion")
        await c.shell("web-1")
        await c.pilot.click(TabBar, offset=(4, 0))
        await c.until(lambda: c.current is one and c.app.focused is one.view)
        c.backend.move(one.session.id, SessionState.EXITED)
        cross = len(" 1 ○ bastion ")
        await c.pilot.click(TabBar, offset=(cross, 0))
        await c.until(lambda: one not in c.tabs)


async def test_a_bar_too_narrow_keeps_the_current_tab_in_sight(cockpit: Start) -> None:
    async with cockpit(size=(60, 24)) as c:
        for number in range(6):
            await c.shell(f"host-{number}.example.org")
        bar = c.app.workspace.query_one(TabBar)
        await c.until(lambda: "host-5.example.org" in bar.render_line(0).text)
        assert bar.render_line(0).text.startswith("‹")
        await c.press("ctrl+g", "1")
        await c.until(lambda: "host-0.example.org" in bar.render_line(0).text)
        assert bar.render_line(0).text.rstrip().endswith("›")


async def test_disconnecting_asks_first(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.shell("bastion")
        await c.press("ctrl+g", "d")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        assert c.backend.disconnected == []
        await c.press("y")
        await c.until(lambda: c.backend.disconnected == ["bastion"])


async def test_a_command_that_cannot_run_says_why(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+g", "z")
        assert c.told[-1] == "Zoom: No tab is open"
        await c.press("d")
        assert c.told[-1] == "Disconnect: bastion is not connected"
        await c.press("ctrl+g", "j")
        assert "ctrl+g j is not a command" in c.told[-1]


async def test_the_host_of_the_command_line_opens_at_once(cockpit: Start) -> None:
    async with cockpit(host="web-1") as c:
        await c.until(lambda: c.tabs and c.tabs[0].view and c.app.focused is c.tabs[0].view)
        assert c.backend.opened == ["web-1"]


async def test_any_of_many_tabs_is_gone_to_by_number_or_title(cockpit: Start) -> None:
    async with cockpit() as c:
        tabs = [await c.shell("bastion") for _ in range(11)]
        await c.press("ctrl+g", "apostrophe", "1", "0", "enter")
        await c.until(lambda: c.app.focused is tabs[9].view)
        await c.press("ctrl+g", "tab")
        await c.until(lambda: c.app.focused is tabs[10].view)
        await c.press("ctrl+g", "tab")
        await c.until(lambda: c.app.focused is tabs[9].view)


async def test_a_tab_is_moved_beside_others_and_not_around_the_ends(cockpit: Start) -> None:
    async with cockpit() as c:
        first = await c.shell("bastion")
        second = await c.shell("web-1")
        await c.press("ctrl+g", "less_than_sign")
        await c.until(lambda: c.tabs == [second, first])
        await c.press("ctrl+g", "less_than_sign")
        await c.press("ctrl+g", "1")
        await c.until(lambda: c.app.focused is second.view)
        assert c.tabs == [second, first]
        await c.press("ctrl+g", "greater_than_sign")
        await c.until(lambda: c.tabs == [first, second])


async def test_a_number_goes_to_its_tab_though_titles_have_it_too(cockpit: Start) -> None:
    async with cockpit() as c:
        first = await c.shell("web-1")
        await c.shell("web-1")
        await c.shell("web-1")
        first.tab_title = "web-2"
        await c.press("ctrl+g", "apostrophe", "2", "enter")
        await c.until(lambda: c.app.focused is c.tabs[1].view)
