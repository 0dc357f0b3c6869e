"""A terminal one goes about in with a cursor, by the keys of vi(1), to select and copy."""

import re
from collections.abc import Callable
from functools import partial

from sshdash.terminal.cells import Cursor
from sshdash.terminal.copy_mode import CopyMode, Span, Wish
from sshdash.terminal.motions import Place
from sshdash.ui.messages import OffersChanged
from sshdash.ui.widgets.terminal_finder import Query
from sshdash.ui.widgets.terminal_prompts import TerminalPrompts

_HINTS = (
    ("h j k l", "Move"),
    ("v", "Select"),
    ("y", "Copy"),
    ("/", "Search"),
    ("n N", "Matches"),
    ("q", "Leave"),
)
_ROOMY = 80
"""Columns from which on there is room for words."""


class TerminalCopyMode(TerminalPrompts):
    """Has a cursor of its own while `copying`."""

    copying: CopyMode | None = None
    _entered = False
    """Whether no key was pressed yet, so that a word on the keys is in order."""
    _cursor_before: Place | None = None
    """Where a search begins that the cursor does not: where it was as the bar opened."""

    @property
    def hints(self) -> tuple[tuple[str, str], ...]:
        """The keys that are not the remote's now, and what they do."""
        return () if self.copying is None else _HINTS

    # -- what is drawn

    def settle_view(self) -> None:
        """Keep the cursor and the view in their place."""
        if self.copying is not None:
            self.grid.look()
            self.copying.keep_up(self.grid.columns, self.grid.height)
            self.held = self.copying.top
        super().settle_view()

    def cursor_to_draw(self) -> Cursor:
        """Return the cursor of copy mode, else the program's."""
        if self.copying is None:
            return super().cursor_to_draw()
        row, column = self.copying.at
        return Cursor(column, row - self.grid.top, visible=True)

    def _cursor_at(self, y: int) -> Cursor | None:
        if self.copying is not None:
            return self._cursor if y == self._cursor.y else None
        return super()._cursor_at(y)

    def _rule_row(self) -> int | None:
        if self.copying is not None and not self.notice:
            return None
        return super()._rule_row()

    def position_words(self) -> str:
        """Say where one is, what is being selected, which match it is."""
        words = super().position_words()
        if self.copying is None:
            return words
        if self._entered:
            hint = "copy mode: v selects, q leaves" if self.size.width >= _ROOMY else "q leaves"
            return f"{hint} {words}".rstrip()
        shape = self.copying.shape.value if self.copying.selecting else ""
        found = self.finder.status if self.finder is not None and not self.bar_open else ""
        return " ".join(filter(None, (self.copying.count, found, shape, words or "[copy]")))

    # -- in and out

    def action_terminal_copy_mode(self) -> None:
        """Go about what is shown with a cursor; a second time, leave."""
        if self.copying is not None:
            self.leave_copy_mode()
            return
        if self.bar_open:
            self.close_bar()
        self.grid.look()
        row, column = self.grid.cursor
        if not self.grid.top <= row < self.grid.top + self.grid.height:
            row, column = self.grid.top + self.grid.height - 1, 0
        self._enter(Place(row, column))

    def _enter(self, at: Place) -> None:
        self.session.selection.clear()
        grid = self.grid
        self.copying = CopyMode(grid, at, grid.top, grid.columns, grid.height)
        self.held = self.copying.top
        self._entered = self.finder is None
        self.post_message(OffersChanged())
        self.redraw()

    def leave_copy_mode(self) -> None:
        """Go back to where the program writes."""
        self.copying = self.held = None
        self.post_message(OffersChanged())
        self.drop_search()
        self.session.selection.clear()
        self.session.emulator.scroll_to_bottom()
        self.draw_all()

    # -- keys

    def copy_mode_key(self, key: str, char: str = "") -> None:
        """Do what a key means in copy mode, which types `char`."""
        if self.copying is None:
            return
        self.grid.look()
        self.copying.keep_up(self.grid.columns, self.grid.height)
        self._entered = False
        wish = self.copying.press(key, char)
        self._show_selection()
        self.held = self.copying.top
        self.redraw()
        if wish in (Wish.NOTHING, Wish.UNKNOWN):
            return
        wishes: dict[Wish, Callable[[], object]] = {
            Wish.COPY: self._copy_selected,
            Wish.COPY_LINE: self._copy_line,
            Wish.LEAVE: self.leave_copy_mode,
            Wish.SEARCH_DOWN: partial(self.open_bar, upwards=False),
            Wish.SEARCH_UP: partial(self.open_bar, upwards=True, sign="?"),
            Wish.NEXT_MATCH: partial(self._another_match, onwards=True),
            Wish.PREVIOUS_MATCH: partial(self._another_match, onwards=False),
            Wish.WORD_DOWN: partial(self._find_word, upwards=False),
            Wish.WORD_UP: partial(self._find_word, upwards=True),
            Wish.PROMPT_UP: self.action_terminal_previous_prompt,
            Wish.PROMPT_DOWN: self.action_terminal_next_prompt,
        }
        wishes[wish]()

    def _show_selection(self) -> None:
        span = self.copying.span if self.copying is not None else None
        if span is None:
            self.session.selection.clear()
        else:
            self._select(span)

    def _select(self, span: Span) -> None:
        first = self.grid.first
        start, end = ((place.row - first, place.column) for place in (span.start, span.end))
        self.session.selection.select(start, end, rectangle=span.rectangle)

    def _copy_selected(self) -> None:
        if self.copying is not None and not self.copying.selecting:
            self.say("nothing is selected: v begins, Y takes the line")
            return
        self._copy_and_leave()

    def _copy_line(self) -> None:
        if self.copying is not None:
            self._select(self.copying.line_span(self.copying.at.row, self.copying.at.row))
            self._copy_and_leave()

    def _copy_and_leave(self) -> None:
        text = self.session.selection.text()
        self.leave_copy_mode()
        if text:
            self.post_message(self.CopyRequested(text))

    # -- search

    def open_bar(self, upwards: bool, sign: str = "/") -> None:
        """Ask what to search for; `sign` stands before it."""
        if self.copying is not None and not self.bar_open:
            self._cursor_before = self.copying.at
        super().open_bar(upwards, sign)

    def search_origin(self) -> Place:
        """Return where a search begins: in copy mode at the cursor."""
        if self.copying is None:
            return super().search_origin()
        return self._cursor_before or self.copying.at

    def submit_search(self) -> None:
        """Go to the next match; in copy mode, stay at this one."""
        if self.copying is None:
            super().submit_search()
        elif self.finder is not None:
            self.confirmed = True
            self.close_bar()

    def left_bar(self) -> None:
        """Go back to where one was, or stay at the match, in copy mode."""
        place = self.finder.place if self.finder is not None else None
        if self.copying is not None:
            if not self.confirmed:
                self.drop_search()
                self.copying.go_to(self._cursor_before or self.copying.at)
        elif self.confirmed and place is not None:
            self._enter(place)
        else:
            super().left_bar()
        self._cursor_before = None

    def go_to_match(self, place: Place) -> None:
        """Have a match in view, in copy mode under the cursor."""
        if self.copying is None:
            super().go_to_match(place)
        else:
            self.put_cursor(place)

    def _another_match(self, onwards: bool) -> None:
        upwards = None
        if self.finder is not None:
            upwards = self.finder.query.upwards is onwards
        if not self.find_next(upwards):
            self.say("nothing was found" if self.finder else "/ and ? search")

    def _find_word(self, upwards: bool) -> None:
        """Go to the next place where the word under the cursor stands."""
        if self.copying is None:
            return
        place, word = self.copying.word()
        if not word:
            self.say("no word here")
            return
        self._cursor_before = Place(place.row, place.column + (-1 if upwards else 1))
        self.find(Query(rf"\b{re.escape(word)}\b", regex=True, upwards=upwards))
        self._cursor_before = None

    # -- prompts

    def prompt_origin(self) -> int:
        """Return the row that a jump to another prompt begins at: in copy mode the cursor's."""
        return super().prompt_origin() if self.copying is None else self.copying.at.row

    def output_origin(self) -> int:
        """Return the row from which on upwards a command is looked for."""
        return super().output_origin() if self.copying is None else self.copying.at.row

    def show_prompt(self, row: int) -> None:
        """Have a prompt at the top of the view, in copy mode under the cursor."""
        if self.copying is None:
            super().show_prompt(row)
        else:
            self.put_cursor(Place(row, 0))

    # -- scrolling

    def scroll_rows(self, rows: int) -> None:
        """Move the view; the cursor of copy mode stays in it."""
        if self.copying is None:
            super().scroll_rows(rows)
            return
        self.grid.look()
        self.copying.scroll(rows)
        self._moved()

    def put_cursor(self, place: Place) -> None:
        """Have the cursor of copy mode on a cell."""
        if self.copying is not None:
            self.copying.go_to(place)
            self._moved()

    def _moved(self) -> None:
        if self.copying is not None:
            self._entered = False
            self.held = self.copying.top
            self._show_selection()
            self.redraw()
