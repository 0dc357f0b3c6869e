"""A terminal one looks back in: by keys and the wheel, with where one is and what is new below."""

from functools import cached_property

from textual.timer import Timer

from sshdash.terminal.grid import Grid
from sshdash.ui.widgets.terminal_paint import Marked
from sshdash.ui.widgets.terminal_rule import Overlay
from sshdash.ui.widgets.terminal_screen import TerminalScreen

_SAID_SECONDS = 1.0
_PAGE_KEYS = {"shift+pageup": -1, "shift+pagedown": 1}
_ROW_KEYS = {"shift+up": -1, "shift+down": 1}
_EDGE_KEYS = {"shift+home": False, "shift+end": True}


class TerminalScrollback(TerminalScreen):
    """Shows what is above the screen too.

    While `held`, what is in view stays there whatever the program writes.
    """

    held: int | None = None
    """The row of the grid that the view is to begin with."""
    _silencing: Timer | None = None
    _seen_end = 0
    """The row behind the last one when the end went out of view."""

    @cached_property
    def grid(self) -> Grid:
        """The rows, as they were at the last look."""
        return Grid(self.session.emulator)

    @property
    def looks_back(self) -> bool:
        """Whether there is more to it than the screen as the program has it."""
        return self.held is not None or bool(self.session.emulator.scroll.from_bottom)

    # -- what is drawn

    def settle_view(self) -> None:
        """Keep what one looks at in its place."""
        if self.looks_back:
            self.grid.look()
            if self.held is not None:
                self.grid.show(self.held)
                self.held = self.grid.top

    def overlays(self) -> dict[int, Overlay]:
        """Return what is marked, where one is, and what is new below."""
        if not self.looks_back:
            self._seen_end = 0
            return {}
        marks = self.marked()
        badges = {self.lift: self.position_words(), self.grid.height - 1: self._news()}
        return {
            y: Overlay(tuple(marks.get(y, ())), badges.get(y, ""))
            for y in marks.keys() | badges.keys()
        }

    def marked(self) -> dict[int, list[Marked]]:
        """Return what is marked in the rows of the viewport; by default nothing."""
        return {}

    def position_words(self) -> str:
        """Say how far one is from the end, of how many rows."""
        above = self.grid.screen - self.grid.first
        return f"[{self.grid.screen - self.grid.top}/{above}]" if above else ""

    def _news(self) -> str:
        """Say how many rows have come since the end went out of view."""
        grid = self.grid
        if grid.top >= grid.screen or not self._seen_end:
            self._seen_end = grid.end
        new = grid.end - self._seen_end
        return f"↓ {new} new below" if new > 0 else ""

    def say(self, words: str) -> None:
        """Show a few words in the last row for a moment."""
        self.notice = words
        self.refresh()
        if self._silencing is not None:
            self._silencing.stop()
        self._silencing = self.set_timer(_SAID_SECONDS, self._silence)

    def _silence(self) -> None:
        self.notice = ""
        self.refresh()

    # -- scrolling

    def scroll_rows(self, rows: int) -> None:
        """Move the view down, up where negative, as far as there is anything."""
        self.session.emulator.scroll_by(rows)
        if self.held is not None:
            self.grid.look()
            self.held = self.grid.top
        self.redraw()

    def scroll_pages(self, pages: int) -> None:
        """Move the view by pages that overlap by a row."""
        self.scroll_rows(pages * max(1, self.session.emulator.rows - 1))

    def scroll_to_edge(self, *, end: bool) -> None:
        """Go to the newest row, or to the oldest."""
        total = self.session.emulator.scroll.total
        self.scroll_rows(total if end else -total)

    def scroll_to_row(self, row: int) -> None:
        """Have a row of the grid in view, in its middle unless it is there already."""
        grid = self.grid
        if not grid.top < row < grid.top + grid.height - 1:
            grid.show(row - grid.height // 2)
        if self.held is not None:
            self.held = grid.top
        self.redraw()

    def scroll_key(self, key: str) -> bool:
        """Scroll as a key says; return whether it is one of those."""
        if key in _PAGE_KEYS:
            self.scroll_pages(_PAGE_KEYS[key])
        elif key in _ROW_KEYS:
            self.scroll_rows(_ROW_KEYS[key])
        elif key in _EDGE_KEYS:
            self.scroll_to_edge(end=_EDGE_KEYS[key])
        else:
            return False
        return True

    def action_terminal_scroll_up(self) -> None:
        """Go a page back."""
        self.scroll_pages(-1)

    def action_terminal_scroll_down(self) -> None:
        """Go a page forward."""
        self.scroll_pages(1)
