"""Splits: panes are opened, gone to, moved about and closed, each with a shell of its own."""

import asyncio
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from sshdash.errors import UnreachableError
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.screens import prefix
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.picker import Picker
from sshdash.ui.screens.prefix import PrefixScreen
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.opening_panel import OpeningPanel
from sshdash.ui.widgets.pane_landing import Landing
from sshdash.ui.widgets.tabs import TabBar
from tests.ui.conftest import Cockpit, Start

RIGHT, BELOW = "vertical_line", "minus"


async def split(c: Cockpit, *keys: str) -> Any:
    """Split the tab in sight by these keys after the prefix; return it once all is open."""
    tab = c.current
    for key in keys:
        before = len(tab.panes)
        await c.press("ctrl+g", key)
        await c.until(lambda: len(tab.panes) > before and tab.view)  # noqa: B023
        await c.until(lambda: c.app.focused is tab.view)
    return tab


async def three(c: Cockpit) -> Any:
    """Return a tab of three panes, 1 | (2 / 3), the last with the focus."""
    await c.shell("bastion")
    return await split(c, RIGHT, BELOW)


def shape(tab: Any) -> str:
    """Return the splits of a tab with the panes numbered as they were opened."""
    text = repr(tab.area.splits).removeprefix("<SplitTree ").removesuffix(">")
    for index, number in enumerate(sorted(tab.area.panes, reverse=True)):
        text = text.replace(str(number), "abcdefgh"[len(tab.area.panes) - 1 - index])
    return text


async def test_a_split_opens_a_shell_on_the_same_host_and_takes_the_focus(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        assert c.backend.opened == ["bastion"] * 3
        assert len(c.tabs) == 1
        assert shape(tab) == "(a | (b / c))"
        await c.press("l", "s")
        assert tab.panes[2].view.keys == ["l", "s"]
        assert tab.panes[0].view.keys == []


async def test_keys_typed_behind_a_split_wait_for_its_shell(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        first = tab.view
        for key, character in (("ctrl+g", None), (RIGHT, "|")):
            c.app.post_message(events.Key(key, character))
        await c.until(lambda: len(tab.panes) == 2 and tab.view is not first and tab.view)
        await c.press("w")
        await c.until(lambda: tab.view.keys == ["w"])
        assert first.keys == []


async def test_one_pane_has_no_frame_and_several_have_titles(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        tab = await c.shell("bastion")
        assert tab.view.region.height == tab.region.height
        assert "━" not in c.drawn
        await split(c, RIGHT)
        await c.until(lambda: "━ ● bastion" in c.drawn and "┬─ ● bastion" not in c.drawn)
        left, right = (pane.view.region for pane in tab.panes)
        assert (left.width, right.width) == (40, 39)
        assert left.height == right.height == tab.region.height - 1
        await c.press("ctrl+g", "left")
        await c.until(lambda: "┬─ ● bastion" in c.drawn)
        await c.press("ctrl+g", "x")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: len(tab.panes) == 1 and "━" not in c.drawn)
        await c.until(lambda: tab.view.region == tab.region)


async def test_arrows_and_o_move_the_focus(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        one, two, three_ = tab.panes
        for key, there in (
            ("left", one),
            ("right", three_),
            ("up", two),
            ("up", two),
            ("o", three_),
            ("o", one),
            ("down", one),
        ):
            await c.press("ctrl+g", key)
            await c.until(lambda: c.app.focused is there.view)  # noqa: B023
            assert tab.pane is there


async def test_a_click_focuses_a_pane_and_a_title_too(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        one, two, _ = tab.panes
        await c.pilot.click(one.view, offset=(3, 3))
        await c.until(lambda: tab.pane is one)
        title = (two.region.x - tab.region.x + 4, two.region.y - tab.region.y - 1)
        await c.pilot.click(tab.area, offset=title)
        await c.until(lambda: tab.pane is two and c.app.focused is two.view)


async def test_borders_move_by_key_again_and_again(
    cockpit: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefix, "REPEAT_SECONDS", 60.0)
    async with cockpit() as c:
        tab = await three(c)
        one, two, last = tab.panes
        width, height = one.size.width, two.size.height
        await c.press("ctrl+g", "ctrl+right", "alt+right", "shift+left", "ctrl+right")
        await c.until(lambda: one.size.width == width + 4)
        assert isinstance(c.app.screen, PrefixScreen)
        await c.press("ctrl+g", "ctrl+up")
        await c.until(lambda: two.size.height == height - 1)
        await c.press("x")
        await c.until(lambda: last.view.keys == ["x"])
        assert c.app.screen is c.app.workspace
        await c.press("ctrl+g", "equals_sign")
        await c.until(lambda: (one.size.width, two.size.height) == (width, height))


async def test_the_prefix_line_goes_when_no_key_follows_again(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        width = tab.panes[0].size.width
        await c.press("ctrl+g", "ctrl+left")
        await c.until(lambda: tab.panes[0].size.width == width - 2)
        await c.until(lambda: c.app.screen is c.app.workspace)


async def test_a_border_is_dragged(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        one, two, last = tab.panes
        width, height = one.size.width, two.size.height
        start = (one.size.width, 5)
        await c.pilot.mouse_down(tab.area, offset=start)
        await c.pilot.hover(tab.area, offset=(start[0] - 6, 9))
        await c.pilot.mouse_up(tab.area, offset=(start[0] - 6, 9))
        await c.until(lambda: one.size.width == width - 6)
        border = (last.region.x - tab.region.x + 20, last.region.y - tab.region.y - 1)
        await c.pilot.mouse_down(tab.area, offset=border)
        await c.pilot.hover(tab.area, offset=(border[0], border[1] + 4))
        await c.pilot.mouse_up(tab.area, offset=(border[0], border[1] + 4))
        await c.until(lambda: two.size.height == height + 4)
        await c.pilot.hover(tab.area, offset=(border[0], 2))
        assert two.size.height == height + 4


async def test_panes_swap_and_keep_their_shells(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        await c.press("ctrl+g", "left_curly_bracket")
        assert shape(tab) == "(a | (c / b))"
        await c.press("ctrl+g", "right_curly_bracket", "ctrl+g", "right_curly_bracket")
        assert shape(tab) == "(c | (b / a))"
        assert c.app.focused is tab.panes[0].view
        assert len(c.backend.sessions) == 3


async def test_zoom_shows_one_pane_and_the_others_are_out_of_sight(cockpit: Start) -> None:
    async with cockpit(size=(120, 40)) as c:
        tab = await three(c)
        one, _, last = tab.panes
        await c.press("ctrl+g", "z")
        await c.until(lambda: last.view.size == (120, 39))
        assert not one.view.is_on_screen
        await c.until(lambda: "pane 3/3" in c.drawn)
        await c.press("ctrl+g", "left")
        await c.until(lambda: one.view.size == (120, 39) and c.app.focused is one.view)
        assert not last.view.is_on_screen
        await c.press("ctrl+g", "z")
        await c.until(lambda: last.view.is_on_screen and one.view.size.width < 60)


async def test_a_room_too_small_shows_the_pane_with_the_focus(cockpit: Start) -> None:
    async with cockpit(size=(80, 24)) as c:
        tab = await c.shell("bastion")
        await split(c, *([BELOW] * 4))
        await c.pilot.resize_terminal(80, 14)
        await c.until(lambda: not tab.panes[0].view.is_on_screen)
        assert tab.view.is_on_screen
        await c.press("ctrl+g", BELOW)
        await c.until(lambda: any("no room for another pane" in one for one in c.told))
        await c.pilot.resize_terminal(80, 24)
        await c.until(lambda: tab.panes[0].view.is_on_screen)


async def test_the_tab_is_called_after_the_pane_with_the_focus(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        bar = c.app.workspace.query_one(TabBar)
        await c.until(lambda: "● bastion 3▮" in bar.render_line(0).text)
        first, second, _ = tab.panes
        first.session.title = "vim"
        first.show_state()
        await c.press("ctrl+g", "left")
        await c.until(lambda: tab.tab_title == "bastion vim")
        c.backend.move(second.session.id, SessionState.LOST)
        await c.until(lambda: tab.tab_mark is Mark.FAILED)
        c.backend.move(second.session.id, SessionState.EXITED)
        await c.until(lambda: tab.tab_mark is Mark.UP)


async def test_closing_a_tab_asks_for_all_its_shells_and_ends_them(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        sessions = {pane.session.id for pane in tab.panes}
        await c.press("ctrl+g", "X")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.until(lambda: "3 shells on bastion" in c.drawn)
        await c.press("y")
        await c.until(lambda: not c.tabs)
        assert set(c.backend.closed) == sessions


async def test_closing_a_pane_ends_its_shell_alone(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        last = tab.pane
        c.backend.move(last.session.id, SessionState.EXITED)
        await c.until(lambda: not last.is_running)
        await c.press("ctrl+g", "x")
        await c.until(lambda: len(tab.panes) == 2)
        assert c.backend.closed == [last.session.id]
        assert shape(tab) == "(a | b)"
        await c.until(lambda: tab.pane is tab.panes[1] and c.app.focused is tab.view)


async def test_a_split_that_fails_says_so_in_its_pane(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        c.backend.refusal = UnreachableError("Connection refused", host="bastion")
        await c.press("ctrl+g", RIGHT)
        await c.until(lambda: len(tab.panes) == 2 and tab.panes[1].panel.failed)
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        await c.until(lambda: "Connection refused" in c.drawn)
        await c.press("escape")
        await c.until(lambda: len(tab.panes) == 1 and c.app.focused is tab.view)
        assert c.tabs == [tab]


async def test_a_split_given_up_before_it_opens_leaves_nothing(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        c.backend.held = asyncio.Event()
        await c.press("ctrl+g", RIGHT)
        await c.until(lambda: isinstance(c.app.focused, OpeningPanel))
        await c.press("escape")
        await c.until(lambda: len(tab.panes) == 1)
        assert len(c.backend.sessions) == 1


async def test_break_out_and_join_keep_the_shell(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        moved = tab.session
        await c.press("ctrl+g", "exclamation_mark")
        await c.until(lambda: len(c.tabs) == 2 and c.current is c.tabs[1])
        await c.until(lambda: c.app.focused is c.current.view)
        assert c.current.session is moved
        assert shape(tab) == "(a | b)"
        assert c.backend.closed == []
        await c.press("ctrl+g", "at")
        await c.until(lambda: isinstance(c.app.screen, Picker))
        await c.press("enter")
        await c.until(lambda: c.tabs == [tab] and len(tab.panes) == 3)
        await c.until(lambda: c.app.focused is tab.view)
        assert tab.session is moved
        assert c.backend.closed == []
        await c.press("ctrl+g", "X")
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: not c.backend.sessions)


async def test_another_host_opens_in_a_split(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        await c.press("ctrl+g", "plus")
        await c.until(lambda: isinstance(c.app.screen, Picker))
        c.app.screen.query_one(Input).value = "db-1"
        await c.press("enter")
        await c.until(lambda: c.backend.opened == ["bastion", "db-1"])
        await c.until(lambda: len(tab.panes) == 2 and tab.host == "db-1")
        c.hosts.go_to("bastion")
        await c.press("ctrl+g", "h", "enter")
        await c.until(lambda: tab.host == "bastion" and c.app.focused is tab.panes[0].view)
        assert len(c.backend.opened) == 2


async def test_each_pane_of_a_lost_host_counts_down_and_starts_again(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        for pane in tab.panes:
            c.backend.move(pane.session.id, SessionState.LOST)
        await c.until(lambda: tab.tab_mark is Mark.FAILED)
        c.backend.connect("bastion", ConnectionState.LOST, "gone")
        await c.until(lambda: any("Connection lost" in one for one in c.told))
        for pane in tab.panes:
            c.app.workspace.shells.restart(pane)
        await c.until(lambda: len(c.backend.reopened) == 3)
        await c.until(lambda: tab.tab_mark is Mark.UP)


async def test_a_split_starts_in_the_folder_of_the_shell(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("bastion")
        tab.session.directory = "/srv/www"
        await split(c, RIGHT)
        assert c.backend.directories == ["", "/srv/www"]


async def test_commands_of_panes_say_why_not(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+g", RIGHT)
        assert c.told[-1] == "Split: Only in a terminal"
        await c.shell("bastion")
        await c.press("ctrl+g", "o")
        assert c.told[-1] == "Next pane: There is only one pane"
        await c.press("ctrl+g", "at")
        assert c.told[-1] == "Join another tab: There is no other terminal tab"


async def test_a_pane_is_moved_beside_another_by_keys(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        view = tab.view
        await c.press("ctrl+g", "m", "left")
        await c.until(lambda: shape(tab) == "(c | a | b)")
        await c.press("ctrl+g", "m", "left")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert shape(tab) == "(c | a | b)"
        await c.press("ctrl+g", "m", "down")
        await c.until(lambda: shape(tab) == "((a | b) / c)")
        await c.until(lambda: c.app.focused is view)
        await c.press("ctrl+g", "m", "escape", "ctrl+g", "m", "x")
        await c.until(lambda: c.app.screen is c.app.workspace)
        assert shape(tab) == "((a | b) / c)"
        await c.press("l")
        assert view.keys == ["l"]


def title(tab: Any, index: int) -> tuple[int, int]:
    """Return where the words of a pane's title are in the tab."""
    region = tab.panes[index].region
    return region.x - tab.area.region.x + 5, region.y - tab.area.region.y - 1


async def test_a_pane_is_dragged_by_its_title_to_the_half_that_is_lit(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        moved = tab.panes[2]
        target = tab.panes[0].region
        await c.pilot.mouse_down(tab.area, offset=title(tab, 2))
        corner = (target.x - tab.area.region.x, target.y - tab.area.region.y)
        drop = (corner[0] + target.width // 2, corner[1] + target.height - 2)
        await c.pilot.hover(tab.area, offset=drop)
        await c.until(lambda: tab.area.query(Landing))
        lit = tab.area.query_one(Landing)
        await c.until(lambda: lit.region.height == target.height // 2)
        assert lit.region.bottom == target.bottom
        assert lit.region.width == target.width
        await c.pilot.hover(tab.area, offset=(corner[0] + 1, drop[1] - target.height // 3))
        await c.until(lambda: lit.region.width == target.width // 2)
        await c.pilot.hover(tab.area, offset=drop)
        await c.pilot.mouse_up(tab.area, offset=drop)
        await c.until(lambda: shape(tab) == "((a / c) | b)")
        await c.until(lambda: not tab.area.query(Landing))
        await c.until(lambda: c.app.focused is moved.view)


async def test_a_drag_of_a_pane_is_given_up_with_escape(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        view = tab.view
        await c.pilot.mouse_down(tab.area, offset=title(tab, 2))
        await c.pilot.hover(tab.area, offset=(4, 6))
        await c.until(lambda: tab.area.query(Landing))
        await c.until(lambda: isinstance(c.app.focused, Landing))
        await c.press("x", "escape")
        await c.until(lambda: not tab.area.query(Landing))
        await c.pilot.mouse_up(tab.area, offset=(4, 6))
        await c.until(lambda: c.app.focused is view)
        assert shape(tab) == "(a | (b / c))"
        assert view.keys == []


async def test_a_pane_that_is_dragged_nowhere_stays(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        start = title(tab, 2)
        await c.pilot.mouse_down(tab.area, offset=start)
        await c.pilot.hover(tab.area, offset=(start[0], start[1] + 3))
        await c.until(lambda: tab.area.query(Landing))
        await c.pilot.mouse_up(tab.area, offset=(start[0], start[1] + 3))
        await c.until(lambda: not tab.area.query(Landing))
        assert shape(tab) == "(a | (b / c))"
        await c.until(lambda: c.app.focused is tab.panes[2].view)
        await c.pilot.click(tab.area, offset=title(tab, 0))
        await c.until(lambda: c.app.focused is tab.panes[0].view)


async def test_a_pane_that_is_dragged_and_ends_takes_the_light_along(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await three(c)
        pane = tab.panes[2]
        await c.pilot.mouse_down(tab.area, offset=title(tab, 2))
        await c.pilot.hover(tab.area, offset=(4, 6))
        await c.until(lambda: tab.area.query(Landing))
        tab.remove_pane(pane)
        await c.until(lambda: not tab.area.query(Landing))
        await c.pilot.mouse_up(tab.area, offset=(4, 6))
        assert shape(tab) == "(a | b)"
        await pane.close_pane()
