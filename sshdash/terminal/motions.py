"""The motions of copy mode: from a cell of a terminal's rows to another, as vi(1) moves."""

from collections.abc import Callable
from typing import NamedTuple

from sshdash.terminal.grid import Rows

FURTHEST = 1500
"""Rows that a motion goes over at most: it holds up everything else."""
_BLOCK = 32
"""Rows read at a time."""


class Place(NamedTuple):
    """A cell: the number of its row, and its column."""

    row: int
    column: int


class Lines:
    """The rows as cells, as they are for the length of one motion."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._cells: dict[int, list[str]] = {}
        self._wraps: dict[int, bool] = {}

    @property
    def first(self) -> int:
        """The number of the oldest row."""
        return self._rows.first

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self._rows.end - 1

    def cells(self, row: int) -> list[str]:
        """Return the cells of a row up to the last that is not blank."""
        self._read(row)
        return self._cells[row]

    def wraps(self, row: int) -> bool:
        """Return whether the line of a row goes on in the next one."""
        self._read(row)
        return self._wraps[row]

    def edge(self, row: int) -> int:
        """Return the column of the last character of a row, 0 where it is empty."""
        return self.snapped(Place(row, max(0, len(self.cells(row)) - 1))).column

    def snapped(self, place: Place) -> Place:
        """Return the place, or where the wide character begins that it is the tail of."""
        cells = self.cells(place.row)
        row, column = place
        while 0 < column < len(cells) and not cells[column]:
            column -= 1
        return Place(row, column)

    def blank(self, row: int) -> bool:
        """Return whether nothing is to be seen in a row."""
        return not any(cell.strip() for cell in self.cells(row))

    def line_start(self, row: int) -> int:
        """Return the first row of the line that a row is part of."""
        furthest = row - FURTHEST
        while row > max(self.first, furthest) and self.wraps(row - 1):
            row -= 1
        return row

    def line_end(self, row: int) -> int:
        """Return the last row of the line that a row is part of."""
        furthest = row + FURTHEST
        while row < min(self.last, furthest) and self.wraps(row):
            row += 1
        return row

    def _read(self, row: int) -> None:
        if row in self._cells:
            return
        start = row - row % _BLOCK
        found = self._rows.rows(start, start + _BLOCK)
        start = max(start, self._rows.first)
        for number, (text, wraps) in enumerate(found, start):
            # The blanks at the end of a row that wraps are part of its line.
            text = text if wraps else text.rstrip(" ")
            self._cells[number] = list(text) if text.isascii() else self._wide(number, text)
            self._wraps[number] = wraps
        self._cells.setdefault(row, [])
        self._wraps.setdefault(row, False)

    def _wide(self, row: int, text: str) -> list[str]:
        """Return the cells of a row with other than ASCII, as far as its text goes."""
        cells, length = [], 0
        for cell in self._rows.cells(row):
            if length >= len(text) and cell:
                break
            cells.append(cell)
            length += len(cell)
        return cells


Motion = Callable[[Lines, Place], Place]


def left(lines: Lines, at: Place) -> Place:
    """Go one character to the left."""
    return lines.snapped(Place(at.row, max(0, at.column - 1)))


def right(lines: Lines, at: Place) -> Place:
    """Go one character to the right."""
    cells = lines.cells(at.row)
    column = at.column + 1
    while column < len(cells) and not cells[column]:
        column += 1
    return Place(at.row, min(column, lines.edge(at.row)))


def line_start(lines: Lines, at: Place) -> Place:
    """Go to the first character of the line, however it is wrapped."""
    return Place(lines.line_start(at.row), 0)


def line_end(lines: Lines, at: Place) -> Place:
    """Go to the last character of the line."""
    row = lines.line_end(at.row)
    return Place(row, lines.edge(row))


def line_text(lines: Lines, at: Place) -> Place:
    """Go to the first character of the line that is not blank."""
    row, end = lines.line_start(at.row), lines.line_end(at.row)
    while row < end and lines.blank(row):
        row += 1
    cells = lines.cells(row)
    return Place(row, next((x for x, cell in enumerate(cells) if cell.strip()), 0))


def paragraph_up(lines: Lines, at: Place) -> Place:
    """Go to the empty row above the paragraph."""
    return Place(_empty_row(lines, at.row, -1), 0)


def paragraph_down(lines: Lines, at: Place) -> Place:
    """Go to the empty row below the paragraph."""
    return Place(_empty_row(lines, at.row, 1), 0)


def _empty_row(lines: Lines, row: int, step: int) -> int:
    furthest = min(max(row + step * FURTHEST, lines.first), lines.last)
    while row != furthest and lines.blank(row):
        row += step
    while row != furthest and not lines.blank(row):
        row += step
    return row


# Words. Where a line ends is a blank, where a row wraps is nothing at all.

_BLANK, _PUNCTUATION, _WORD = range(3)


def _kind(cell: str, big: bool) -> int:
    if not cell.strip():
        return _BLANK
    return _WORD if big or cell[0].isalnum() or cell[0] == "_" else _PUNCTUATION


class _Walk:
    """Goes over the characters one at a time, for words of one of the two sorts."""

    def __init__(self, lines: Lines, at: Place, big: bool, step: int) -> None:
        self.lines = lines
        self.at = at
        self._big = big
        self._step = step

    @property
    def kind(self) -> int:
        """What the character is that it is on."""
        cells = self.lines.cells(self.at.row)
        if self.at.column >= len(cells):
            return _BLANK
        return _kind(cells[self.at.column], self._big)

    def ahead(self) -> tuple[Place, int] | None:
        """Return the next character and what it is; None at the end. A line's end is blank."""
        here = self.at
        moved = (right if self._step > 0 else left)(self.lines, here)
        if moved != here:
            walk = _Walk(self.lines, moved, self._big, self._step)
            return moved, walk.kind
        row = here.row + self._step
        if not self.lines.first <= row <= self.lines.last:
            return None
        place = Place(row, 0 if self._step > 0 else self.lines.edge(row))
        joined = self.lines.wraps(min(row, here.row))
        return place, _Walk(self.lines, place, self._big, self._step).kind if joined else _BREAK


_BREAK = 3
"""Another line begins: never part of the same word."""


def _go(walk: _Walk) -> int | None:
    """Go one character on; return what it is, `_BREAK` where another line began."""
    found = walk.ahead()
    if found is None:
        return None
    walk.at = found[0]
    return found[1]


def _next_word(big: bool) -> Motion:
    def motion(lines: Lines, at: Place) -> Place:
        walk = _Walk(lines, at, big, 1)
        kind: int | None = walk.kind
        started = kind
        while kind == started and kind != _BLANK:
            kind = _go(walk)
        while kind is not None and walk.kind == _BLANK:
            kind = _go(walk)
        return walk.at

    return motion


def _word_end(big: bool) -> Motion:
    def motion(lines: Lines, at: Place) -> Place:
        walk = _Walk(lines, at, big, 1)
        more = _go(walk)
        while more is not None and walk.kind == _BLANK:
            more = _go(walk)
        _to_edge(walk)
        return walk.at

    return motion


def _word_start(big: bool) -> Motion:
    def motion(lines: Lines, at: Place) -> Place:
        walk = _Walk(lines, at, big, -1)
        more = _go(walk)
        while more is not None and walk.kind == _BLANK:
            more = _go(walk)
        _to_edge(walk)
        return walk.at

    return motion


def _to_edge(walk: _Walk) -> None:
    """Go on as long as it is the same word."""
    kind = walk.kind
    while kind != _BLANK and (found := walk.ahead()) is not None and found[1] == kind:
        walk.at = found[0]


next_word, next_big_word = _next_word(False), _next_word(True)
word_end, big_word_end = _word_end(False), _word_end(True)
word_start, big_word_start = _word_start(False), _word_start(True)
