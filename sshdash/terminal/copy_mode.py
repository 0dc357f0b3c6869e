"""Copy mode: a cursor that goes about what a terminal has shown by the keys of vi(1), and selects.

Rows are numbered as the grid numbers them, so that new output moves neither the cursor nor what
is in view.
"""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from sshdash.terminal import finding, motions
from sshdash.terminal.finding import Find
from sshdash.terminal.grid import Rows
from sshdash.terminal.motions import Lines, Motion, Place

_MOST_DIGITS = 6
_MOST_TIMES = 500
"""How often a motion that reads its way is repeated at most."""
_FAR = 1 << 16


class Shape(Enum):
    """What a selection takes between its two ends."""

    CELLS = "cells"
    LINES = "lines"
    BLOCK = "block"


class Wish(Enum):
    """What a key asks for that the cursor alone cannot do."""

    NOTHING = "nothing"
    COPY = "copy"
    COPY_LINE = "copy line"
    LEAVE = "leave"
    SEARCH_DOWN = "search down"
    SEARCH_UP = "search up"
    NEXT_MATCH = "next match"
    PREVIOUS_MATCH = "previous match"
    WORD_DOWN = "word down"
    WORD_UP = "word up"
    PROMPT_UP = "prompt up"
    PROMPT_DOWN = "prompt down"
    UNKNOWN = "unknown"


class Span(NamedTuple):
    """What is selected: from a cell to another, both included."""

    start: Place
    end: Place
    rectangle: bool = False


_MOTIONS: dict[str, Motion] = {
    "h": motions.left,
    "left": motions.left,
    "backspace": motions.left,
    "l": motions.right,
    "right": motions.right,
    "w": motions.next_word,
    "W": motions.next_big_word,
    "b": motions.word_start,
    "B": motions.big_word_start,
    "e": motions.word_end,
    "E": motions.big_word_end,
    "left_curly_bracket": motions.paragraph_up,
    "right_curly_bracket": motions.paragraph_down,
}
_LINE_PLACES: dict[str, Motion] = {
    "0": motions.line_start,
    "home": motions.line_start,
    "circumflex_accent": motions.line_text,
    "dollar_sign": motions.line_end,
    "end": motions.line_end,
}
_FINDS = {find.value: find for find in Find}
_ROWS = {"j": 1, "down": 1, "ctrl+n": 1, "k": -1, "up": -1, "ctrl+p": -1}
_PAGES = {
    "ctrl+d": 0.5,
    "ctrl+u": -0.5,
    "ctrl+f": 1.0,
    "pagedown": 1.0,
    "ctrl+b": -1.0,
    "pageup": -1.0,
}
_SCROLLS = {"ctrl+e": 1, "ctrl+y": -1}
_SHAPES = {"v": Shape.CELLS, "space": Shape.CELLS, "V": Shape.LINES, "ctrl+v": Shape.BLOCK}
_WISHES = {
    "y": Wish.COPY,
    "enter": Wish.COPY,
    "ctrl+shift+c": Wish.COPY,
    "super+c": Wish.COPY,
    "Y": Wish.COPY_LINE,
    "q": Wish.LEAVE,
    "ctrl+c": Wish.LEAVE,
    "slash": Wish.SEARCH_DOWN,
    "question_mark": Wish.SEARCH_UP,
    "n": Wish.NEXT_MATCH,
    "N": Wish.PREVIOUS_MATCH,
    "asterisk": Wish.WORD_DOWN,
    "number_sign": Wish.WORD_UP,
    "ctrl+up": Wish.PROMPT_UP,
    "left_square_bracket": Wish.PROMPT_UP,
    "ctrl+down": Wish.PROMPT_DOWN,
    "right_square_bracket": Wish.PROMPT_DOWN,
}


class CopyMode:
    """A cursor over `rows`, of which `height` are in view, each of `columns` cells."""

    def __init__(self, rows: Rows, at: Place, top: int, columns: int, height: int) -> None:
        self._rows = rows
        self._epoch = rows.epoch
        self._lines = Lines(rows)
        self._count = ""
        self._wanted = at.column
        """The column that going up and down keeps to."""
        self._anchor: Place | None = None
        self._finding: tuple[Find, int] | None = None
        """A key that waits for the character to look for, and how often."""
        self._found: tuple[Find, str] | None = None
        """What was looked for last."""
        self.shape = Shape.CELLS
        self.columns = columns
        self.height = height
        self.at = at
        self.top = top
        self.keep_up(columns, height)

    def __repr__(self) -> str:
        return f"<CopyMode {tuple(self.at)} top={self.top} {self._anchor and self.shape.value}>"

    def keep_up(self, columns: int, height: int) -> None:
        """Stay where it is after new output, or as near as what is left allows."""
        self._lines = Lines(self._rows)
        self.columns, self.height = columns, height
        if self._rows.epoch != self._epoch:
            self._epoch = self._rows.epoch
            self._anchor = None
        if self._anchor is not None and self._anchor.row < self._rows.first:
            self._anchor = Place(self._rows.first, 0)
        self._go(self.at)

    def press(self, key: str, char: str = "") -> Wish:
        """Do what a key means, which types `char`; return what is left to be done."""
        self._lines = Lines(self._rows)
        if self._finding is not None:
            (how, times), self._finding = self._finding, None
            if char.isprintable() and char:
                self._found = (how, char)
                self._find(how, char, times)
            return Wish.NOTHING
        if key.startswith("shift+"):  # as they scroll outside of copy mode
            key = key.removeprefix("shift+")
            key = {"home": "g", "end": "G"}.get(key, key)
        if key.isdigit() and len(key) == 1 and (key != "0" or self._count):
            self._count = (self._count + key)[-_MOST_DIGITS:]
            return Wish.NOTHING
        given, self._count = self._count, ""
        times = max(1, int(given or 1))
        if key in _WISHES:
            return _WISHES[key]
        if key == "escape":
            return self._escape(bool(given))
        if (
            self._move(key, times)
            or self._jump(key, times if given else None)
            or self._look_for(key, times)
        ):
            return Wish.NOTHING
        if key in _SHAPES:
            self._select(_SHAPES[key])
        elif key == "o" and self._anchor is not None:
            self.at, self._anchor = self._anchor, self.at
            self._go(self.at)
        else:
            return Wish.UNKNOWN
        return Wish.NOTHING

    def go_to(self, place: Place) -> None:
        """Put the cursor on a cell, in the middle of the view where it was not in view."""
        self._lines = Lines(self._rows)
        if not self.top <= place.row < self.top + self.height:
            self.top = place.row - self.height // 2
        self._go(place)
        self._wanted = self.at.column

    def word(self) -> tuple[Place, str]:
        """Return the word under the cursor, else the next one of its row, and where it begins."""
        return finding.word(Lines(self._rows), self.at)

    def scroll(self, rows: int) -> None:
        """Move the view; the cursor stays in it."""
        self._lines = Lines(self._rows)
        self.top = self._bounded_top(self.top + rows)
        row = min(max(self.at.row, self.top), self.top + self.height - 1)
        self._go(Place(row, self._wanted))

    @property
    def count(self) -> str:
        """The digits typed so far, or the key that waits for a character."""
        if self._finding is None:
            return self._count
        how, times = self._finding
        return f"{times if times > 1 else ''}{how.value}"

    @property
    def selecting(self) -> bool:
        """Whether anything is selected."""
        return self._anchor is not None

    @property
    def span(self) -> Span | None:
        """What is selected."""
        if self._anchor is None:
            return None
        start, end = sorted((self._anchor, self.at))
        if self.shape is Shape.LINES:
            return self.line_span(start.row, end.row)
        if self.shape is Shape.BLOCK:
            columns = sorted((start.column, end.column))
            return Span(Place(start.row, columns[0]), Place(end.row, columns[1]), True)
        return Span(start, end)

    def line_span(self, first: int, last: int) -> Span:
        """Return whole lines, however they are wrapped."""
        lines = Lines(self._rows)
        start, end = lines.line_start(first), lines.line_end(last)
        return Span(Place(start, 0), Place(end, self.columns - 1))

    def clear(self) -> None:
        """Select nothing."""
        self._anchor = None

    # -- internals

    def _escape(self, counting: bool) -> Wish:
        if self._anchor is None and not counting:
            return Wish.LEAVE
        self._anchor = None
        return Wish.NOTHING

    def _move(self, key: str, times: int) -> bool:
        """Go by characters, words, rows or pages."""
        if key in _MOTIONS:
            self._repeat(_MOTIONS[key], times)
        elif key in _ROWS:
            self._go_rows(_ROWS[key] * times)
        elif key in _PAGES:
            rows = max(1, int(self.height * abs(_PAGES[key])))
            rows = rows * times * (1 if _PAGES[key] > 0 else -1)
            self.top = self._bounded_top(self.top + rows)
            self._go_rows(rows)
        elif key in _SCROLLS:
            self.scroll(_SCROLLS[key] * times)
        else:
            return False
        return True

    def _jump(self, key: str, count: int | None) -> bool:
        """Go to a place of the line, of the view or of everything."""
        if key in _LINE_PLACES:
            self._go(_LINE_PLACES[key](self._lines, self.at))
            self._wanted = _FAR if key in ("dollar_sign", "end") else self.at.column
            return True
        rows: dict[str, Callable[[], int]] = {
            "g": lambda: self._rows.first + (count or 1) - 1,
            "G": lambda: self._rows.end - 1 if count is None else self._rows.first + count - 1,
            "H": lambda: self.top + (count or 1) - 1,
            "M": lambda: self.top + (self.height - 1) // 2,
            "L": lambda: self.top + self.height - (count or 1),
        }
        if key not in rows:
            return False
        self._go(motions.line_text(self._lines, self._inside(Place(rows[key](), 0))))
        self._wanted = self.at.column
        return True

    def _look_for(self, key: str, times: int) -> bool:
        """Go to a character of the line, or to the other half of a bracket."""
        if key in _FINDS:
            self._finding = (_FINDS[key], times)
        elif key in ("semicolon", "comma"):
            if self._found is not None:
                how, char = self._found
                self._find(how if key == "semicolon" else how.reversed, char, times, again=True)
        elif key == "percent_sign":
            self._go_found(finding.other_bracket(self._lines, self.at))
        else:
            return False
        return True

    def _find(self, how: Find, char: str, times: int, again: bool = False) -> None:
        self._go_found(finding.find(self._lines, self.at, how, char, times, again))

    def _go_found(self, place: Place | None) -> None:
        if place is not None:
            self._go(place)
            self._wanted = self.at.column

    def _repeat(self, motion: Motion, times: int) -> None:
        at = self.at
        for _ in range(min(times, _MOST_TIMES)):
            moved = motion(self._lines, at)
            if moved == at:
                break
            at = moved
        if motion is motions.right and self._free:
            at = Place(at.row, min(self.at.column + times, self.columns - 1))
        self._go(at)
        self._wanted = self.at.column

    def _go_rows(self, rows: int) -> None:
        self._go(Place(self.at.row + rows, self._wanted))

    def _select(self, shape: Shape) -> None:
        if self._anchor is None:
            self._anchor = self.at
        elif shape is self.shape:
            self._anchor = None
        self.shape = shape
        self._go(self.at)

    @property
    def _free(self) -> bool:
        """Whether the cursor may stand behind the text, as a block needs it."""
        return self._anchor is not None and self.shape is Shape.BLOCK

    def _go(self, place: Place) -> None:
        """Put the cursor on the nearest cell where it may be, and have that in view."""
        self.at = self._inside(place)
        if self.at.row < self.top:
            self.top = self.at.row
        elif self.at.row >= self.top + self.height:
            self.top = self.at.row - self.height + 1
        self.top = self._bounded_top(self.top)

    def _inside(self, place: Place) -> Place:
        row = min(max(place.row, self._rows.first), self._rows.end - 1)
        last = self.columns - 1 if self._free else self._lines.edge(row)
        return self._lines.snapped(Place(row, min(max(0, place.column), last)))

    def _bounded_top(self, top: int) -> int:
        return max(self._rows.first, min(top, self._rows.end - self.height))
