"""Searching a terminal: the bar, the marks, where the view goes, and where it comes back to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import events
from textual.widgets import Input, Static

from sshdash.ui.widgets.terminal_search_bar import SearchBar
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.ui.terminal_stage import ROWS, Stage, on_stage

LINES = b"\r\n".join(b"line %d %s" % (n, b"hit" if n % 10 == 0 else b"miss") for n in range(100))


class Searching:
    """A terminal with its search bar open."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def status(self) -> str:
        return str(self.stage.view.query_one("#search-status", Static).render())

    @property
    def field(self) -> Input:
        return self.stage.view.query_one(SearchBar).query_one(Input)

    async def type(self, text: str) -> None:
        self.field.value = text
        await self.settle()

    async def press(self, *keys: str) -> None:
        await self.stage.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        await self.stage.settle()
        while (finder := self.stage.view.finder) is not None and finder._turn is not None:
            await self.stage.pilot.pause(0.005)
        await self.stage.settle()

    def shown(self) -> list[str]:
        """Return the rows of the terminal that the bar does not hide."""
        return self.stage.rows()[: ROWS - 1]

    def marked(self) -> list[tuple[str, bool]]:
        """Return the text of each mark in view, and whether it is the current match."""
        view = self.stage.view
        match = view.get_component_rich_style("terminal--match", partial=True).bgcolor
        current = view.get_component_rich_style("terminal--current", partial=True).bgcolor
        found = []
        for y in range(ROWS - 1):
            for segment in self.stage.strip(y):
                assert segment.style is not None
                if segment.style.bgcolor in (match, current):
                    found.append((segment.text, segment.style.bgcolor == current))
        return found


@asynccontextmanager
async def searching(data: bytes = LINES, text: str = "") -> AsyncIterator[Searching]:
    async with on_stage() as stage:
        await stage.shows(data)
        stage.view.action_terminal_search()
        await stage.pilot.pause()
        one = Searching(stage)
        if text:
            await one.type(text)
        yield one


async def test_every_match_is_marked_and_the_nearest_is_gone_to() -> None:
    async with searching(text="hit") as one:
        assert one.status == "10/10"
        assert one.marked() == [("hit", True)]
        assert one.stage.session.taken() == b""
        await one.type("miss")
        assert one.status == "90/90"
        assert [current for _, current in one.marked()] == [False] * 8 + [True]


async def test_up_down_and_around_the_end() -> None:
    async with searching(text="hit") as one:
        await one.press("enter")
        assert one.status == "9/10"
        assert any("line 80 hit" in row for row in one.shown())
        await one.press("up", "up", "down")
        assert one.status == "8/10"
        await one.press("shift+enter", "down", "down")
        assert one.status == "1/10 wrapped"
        assert one.shown()[0].startswith("line 0 hit")
        assert one.marked() == [("hit", True)]


async def test_escape_goes_back_to_where_one_was() -> None:
    async with searching(text="line 3 ") as one:
        assert any("line 3 miss" in row for row in one.shown())
        await one.press("escape")
        assert one.stage.rows()[-1] == "line 99 miss"
        assert one.stage.view.has_focus
        assert not one.stage.view.query(SearchBar)
        assert one.marked() == []
        await one.stage.pilot.press("shift+home")
        one.stage.view.action_terminal_search()
        await one.settle()
        assert one.field.value == "line 3 "
        await one.type("line 60 ")
        await one.press("escape")
        assert one.stage.rows()[1] == "line 1 miss"


async def test_after_going_to_a_match_escape_stays_there() -> None:
    async with searching(text="hit") as one:
        await one.press("enter", "enter", "escape")
        assert one.stage.view.copying is not None
        assert any("line 70 hit" in row for row in one.stage.rows())
        assert one.marked() == [("h", True), ("it", True)]  # the cursor is on its first character
        await one.press("n")
        assert any("line 60 hit" in row for row in one.stage.rows())
        await one.press("N", "N")
        assert any("line 80 hit" in row for row in one.stage.rows())
        await one.press("q")
        assert one.stage.rows()[-1] == "line 99 miss"
        assert one.marked() == []


async def test_regular_expressions_and_their_errors() -> None:
    async with searching(text=r"line \d0 (hit|no)") as one:
        assert one.status == "not found"
        await one.press("alt+r")
        assert one.status == "9/9"
        await one.type("(hit")
        assert "unterminated" in one.status
        assert one.marked() == []
        await one.press("enter")
        await one.type("")
        assert one.status == ""
        await one.type("(a+)+$")
        assert one.stage.app.is_running


async def test_matches_across_a_soft_wrap() -> None:
    async with searching(b"x" * 38 + b"needle" + b"y" * 20, "needle") as one:
        assert one.marked() == [("ne", True), ("edle", True)]
        assert one.status == "1/1"


async def test_wide_characters_are_marked_where_they_are() -> None:
    async with searching("世界 needle 世".encode(), "needle 世") as one:
        row = one.stage.strip(0 if "needle" in one.shown()[0] else 1)
        assert [text for text, _ in one.marked()] == ["needle 世"]
        assert row.text.startswith("世界 needle 世")


async def test_new_output_moves_neither_the_view_nor_the_marks() -> None:
    async with searching(text="line 42") as one:
        before = one.shown()
        for _ in range(20):
            one.stage.session.feed(b"\r\nmore\r\nline 42 again")
            await one.settle()
        assert [row.split()[:2] for row in one.shown()] == [row.split()[:2] for row in before]
        assert one.marked() == [("line 42", True)]
        assert one.status == "1/21"


async def test_at_the_end_too_the_view_stays() -> None:
    async with searching(text="miss") as one:
        before = one.shown()[1:]
        one.stage.session.feed(b"\r\nmore" * 30)
        await one.settle()
        assert one.shown()[1:-1] == before[:-1]
        assert one.shown()[-1].split("↓") == [before[-1].ljust(25), " 30 new below"]
        assert one.status == "90/90"


async def test_no_key_and_no_paste_reaches_the_remote() -> None:
    async with searching() as one:
        await one.press("a", "enter", "ctrl+c", "f5", "backspace", "pageup", "tab")
        assert one.stage.session.taken() == b""


async def test_a_row_is_not_hidden_behind_the_bar() -> None:
    async with searching(b"first\r\n" + b"\r\n" * (ROWS - 2) + b"last") as one:
        assert one.shown()[-1] == "last"
        await one.type("first")
        assert one.shown()[0] == "first"
        await one.type("last")
        assert one.shown()[-1] == "last"


@pytest.mark.parametrize("ending", ["\x1b[3J", "\x1bc", "\x1b[?1049h"])
async def test_what_is_gone_is_not_found(ending: str) -> None:
    async with searching(text="hit") as one:
        await one.press("enter", "enter")
        one.stage.session.feed(ending.encode() + b"\x1b[2J")
        await one.settle()
        assert one.status == "not found"
        await one.press("enter", "escape")
        assert one.stage.view.has_focus


async def test_it_is_found_as_it_comes() -> None:
    async with searching(b"nothing", "late") as one:
        assert one.status == "not found"
        one.stage.session.feed(b"\r\nlate arrival")
        await one.settle()
        assert one.status == "1/1"
        assert one.marked() == [("late", True)]


async def test_the_view_goes_away_while_searching() -> None:
    async with searching(LINES * 50, "hit") as one:
        await one.stage.view.remove()
        assert not one.stage.app.query(TerminalView)


async def test_keys_typed_as_the_focus_comes_back_are_meant_for_the_bar() -> None:
    async with on_stage() as stage:
        await stage.shows(b"77 78\r\n")
        stage.view.action_terminal_search()
        await stage.settle()
        stage.view.screen.set_focus(stage.view)
        for key in "77":
            stage.view.app.post_message(events.Key(key, key))
        await stage.settle()
        assert stage.view.query_one(Input).value == "77"
        assert stage.session.taken() == b""
        assert "not sent" not in "\n".join(stage.rows())


@pytest.mark.parametrize(
    ("columns", "text", "status"),
    [
        (10, "miss", "90/90"),
        (10, "nowhere", "none"),
        (7, "nowhere", "0"),
        (20, "nowhere", "not found"),
        (10, "miss-wrapped", "1/90"),
        (20, "miss-wrapped", "1/90 wrapped"),
        (24, "miss", "90/90"),
    ],
)
async def test_a_narrow_bar_shows_the_count_in_whole(columns: int, text: str, status: str) -> None:
    async with on_stage() as stage:
        await stage.shows(LINES)
        await stage.pilot.resize_terminal(columns, 20)
        stage.view.action_terminal_search()
        await stage.pilot.pause()
        one = Searching(stage)
        await one.type(text.removesuffix("-wrapped"))
        if text.endswith("-wrapped"):
            one.stage.view._show_status("1/90 wrapped")
            await one.settle()
        label = stage.view.query_one("#search-status", Static)
        assert one.status == status
        assert label.content_size.width == len(status)
        assert one.field.size.width >= 3
        bar = stage.view.query_one(SearchBar)
        assert label.region.right <= bar.region.right
