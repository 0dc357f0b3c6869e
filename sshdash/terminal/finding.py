"""What copy mode looks for nearby: vi's f, F, t, T, the other bracket, the word of * and #.

All keep to the line, however it is wrapped, but for a bracket, whose other half may be far away.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import islice

from sshdash.terminal.motions import Lines, Place, left, right

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_OPENING = {closing: opening for opening, closing in _PAIRS.items()}
_BOTH = frozenset(_PAIRS) | frozenset(_OPENING)
_MOST = 40_000
"""Cells that are looked at on the way: a motion holds up everything else."""
_MOST_BRACKETS = 4000
"""Brackets between a bracket and its other half."""
_MOST_BLANKS = 1000
_LONGEST_WORD = 400
_ROW = 25
"""Cells that a row takes as long as, besides its own."""


class Find(Enum):
    """Which way to look, and whether to stop before what is found; by vi's keys."""

    ON = "f"
    BACK_ON = "F"
    BEFORE = "t"
    BACK_BEFORE = "T"

    @property
    def forwards(self) -> bool:
        """Return whether it looks to the right."""
        return self in (Find.ON, Find.BEFORE)

    @property
    def short(self) -> bool:
        """Return whether it stops one character before."""
        return self in (Find.BEFORE, Find.BACK_BEFORE)

    @property
    def reversed(self) -> "Find":
        """Return the same the other way."""
        return Find(self.value.swapcase())


def find(
    lines: Lines, at: Place, how: Find, char: str, times: int = 1, again: bool = False
) -> Place | None:
    """Return where the `times`-th such character of the line is, None where there are fewer.

    `again` does not stop before the one that the cursor is before already.
    """
    for here in _found(lines, at, frozenset({char}), how.forwards, in_line=True):
        before = _neighbour(lines, here, not how.forwards) if how.short else here
        if again and before == at:
            continue
        times -= 1
        if not times:
            return before
    return None


def other_bracket(lines: Lines, at: Place) -> Place | None:
    """Return where the other half is of the bracket at or behind a cell in its line.

    None where there is no bracket, or its other half is too far away.
    """
    ahead = _found(lines, at, _BOTH, True, in_line=True)
    here = at if _char(lines, at) in _BOTH else next(ahead, None)
    if here is None:
        return None
    this = _char(lines, here)
    forwards = this in _PAIRS
    other = _PAIRS[this] if forwards else _OPENING[this]
    depth = 1
    both = _found(lines, here, frozenset({this, other}), forwards, in_line=False)
    for place in islice(both, _MOST_BRACKETS):
        depth += 1 if _char(lines, place) == this else -1
        if not depth:
            return place
    return None


def _char(lines: Lines, at: Place) -> str:
    cells = lines.cells(at.row)
    return cells[at.column] if at.column < len(cells) else ""


def _found(
    lines: Lines, at: Place, wanted: frozenset[str], forwards: bool, *, in_line: bool
) -> Iterator[Place]:
    """Return the cells after another, or before it, that hold what is wanted; not endlessly."""
    for row in _rows(lines, at.row, forwards, in_line):
        cells = lines.cells(row)
        if wanted.isdisjoint(cells):
            continue
        columns = [column for column, cell in enumerate(cells) if cell in wanted]
        for column in columns if forwards else reversed(columns):
            place = Place(row, column)
            if place > at if forwards else place < at:
                yield place


def _rows(lines: Lines, row: int, forwards: bool, in_line: bool) -> Iterator[int]:
    """Return a row and those that follow it or come before it, of the same line or of all."""
    step = 1 if forwards else -1
    room = _MOST
    while lines.first <= row <= lines.last and room > 0:
        yield row
        room -= len(lines.cells(row)) + _ROW
        if in_line and not lines.wraps(row if forwards else row - 1):
            return
        row += step


def _neighbour(lines: Lines, at: Place, forwards: bool) -> Place:
    """Return the character beside one in its line, itself at the end of that."""
    moved = (right if forwards else left)(lines, at)
    if moved != at:
        return moved
    row = at.row + (1 if forwards else -1)
    if not lines.first <= row <= lines.last or not lines.wraps(min(row, at.row)):
        return at
    return Place(row, 0 if forwards else lines.edge(row))


def word(lines: Lines, at: Place) -> tuple[Place, str]:
    """Return the word under a cell or behind it in its line, and where that begins.

    Empty where there is none. Of a word without an end only the first hundreds of characters.
    """
    start = _until(lines, at, True, _in_word, _MOST_BLANKS)
    if not _in_word(_char(lines, start)):
        return at, ""
    if start == at:
        start = _until(lines, at, False, _ends_word, _LONGEST_WORD)
        if not _in_word(_char(lines, start)):
            start = _neighbour(lines, start, True)
    text, here = "", start
    while _in_word(_char(lines, here)) and len(text) < _LONGEST_WORD:
        text += _char(lines, here)
        ahead = _neighbour(lines, here, True)
        if ahead == here:
            break
        here = ahead
    return start, text


def _until(
    lines: Lines, at: Place, forwards: bool, wanted: Callable[[str], bool], most: int
) -> Place:
    """Go on in the line up to a character that is wanted, or to where the line ends."""
    for _ in range(most):
        ahead = at if wanted(_char(lines, at)) else _neighbour(lines, at, forwards)
        if ahead == at:
            break
        at = ahead
    return at


def _in_word(char: str) -> bool:
    return char[:1].isalnum() or char[:1] == "_"


def _ends_word(char: str) -> bool:
    return not _in_word(char)
