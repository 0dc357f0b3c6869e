"""The content of a file on lines: text with its syntax, bytes, members of an archive."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from textual.binding import Binding, BindingType
from textual.message import Message

from sshdash.sftp.preview import ROWS, dump_cells, dump_row, dump_width
from sshdash.ui.format import size_text
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.ui.workbench import LOOKS

Matches = Callable[[str], list[tuple[int, int]]]
"""Returns where in a line something is found."""
_FOUND = "m"
_LOOKS = {**LOOKS, _FOUND: "match"}
BLOCK = 64 * 1024
"""Bytes of a dump that are read at once."""
_BLOCKS = 64
"""Blocks of a dump that are kept."""


class ContentRows(RowList):
    """Lines that can be scrolled sideways, and searched."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "content--number",
        "content--detail",
        *(f"content--{look}" for look in _LOOKS.values()),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "shift(-16)", "Left", show=False),
        Binding("right,l", "shift(16)", "Right", show=False),
        Binding("space", "page(1)", "Page down", show=False),
        Binding("b", "page(-1)", "Page up", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shift = 0
        self._longest = 0
        self._found: dict[int, list[tuple[int, int]]] = {}

    def action_shift(self, delta: int) -> None:
        """Scroll along the lines."""
        self._shift = max(0, min(self._shift + delta, max(self._longest - 20, 0)))
        self.refresh()

    def names(self) -> Sequence[str]:
        """Return what can be searched, a text for each line."""
        return ()

    async def find(self, matches: Matches, back: bool) -> bool:
        """Go to the next line that `matches` finds something in, round the end; mark all.

        Returns whether there is one.
        """
        lines = self.names()
        self._found = await asyncio.to_thread(_all_found, lines, matches)
        self.refresh()
        numbers = list(self._found)
        if not numbers:
            return False
        here = self.line_under(self.cursor)
        at = bisect_left(numbers, here) - 1 if back else bisect_left(numbers, here + 1)
        self.cursor = self.item_for(numbers[at % len(numbers)])
        return True

    def line_under(self, item: int) -> int:
        """Return the line that an item is of."""
        return item

    def item_for(self, line: int) -> int:
        """Return the first item of a line."""
        return line


class TextRows(ContentRows):
    """Lines of a text or of one end of it, folded at the width where that is wanted.

    They are numbered where nothing is left out above them.
    """

    class OtherEnd(Message):
        """The end, or the beginning, of a text is wanted of which only the other one is here."""

        def __init__(self, end: bool) -> None:
            super().__init__()
            self.end = end

    def __init__(
        self, lines: Sequence[str], *, cut_above: bool = False, cut_below: bool = False
    ) -> None:
        super().__init__()
        self._cut_above = cut_above
        self._cut_below = cut_below
        self.lines = lines
        self._syntax: Sequence[str] = ()
        self.wraps = False
        self._rows: list[tuple[int, int, int]] = []
        self._rows_width = 0
        self._digits = 0 if cut_above else len(str(len(lines)))
        self._longest = max(map(len, lines), default=0)

    def colour(self, syntax: Sequence[str]) -> None:
        """Show the syntax, which is known now."""
        self._syntax = syntax
        self.refresh()

    def wrap(self, wanted: bool) -> None:
        """Fold long lines, or cut them off; the line under the cursor stays under it."""
        self.run_worker(self._wrap(wanted), group="wrap", exclusive=True)

    async def _wrap(self, wanted: bool) -> None:
        room = self._room
        rows = await asyncio.to_thread(_folded, self.lines, room) if wanted else []
        line = self.line_under(self.cursor)
        self.wraps, self._rows, self._rows_width = wanted, rows, room
        self._shift = 0
        self.reset_lines()
        self.cursor = self.item_for(line)

    def item_count(self) -> int:
        """Return how many rows there are."""
        return len(self._rows) if self.wraps else len(self.lines)

    def on_resize(self) -> None:
        """Fold anew."""
        if self.wraps and self._room != self._rows_width:
            self.wrap(True)
        super().on_resize()

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the number and the text of a row."""
        number, start, end = self._row(line)
        first = start == 0 or not self.wraps
        words = f"{number + 1:>{self._digits}}" if first and self._digits else " " * self._digits
        margin = f" {words}  " if self._digits else " "
        return [(margin, self.look("content--number")), *self._text(number, start, end)]

    def action_last(self) -> None:
        """Go to the last line of the text."""
        if self._cut_below:
            self.post_message(self.OtherEnd(end=True))
        else:
            super().action_last()

    def action_first(self) -> None:
        """Go to the first line of the text."""
        if self._cut_above:
            self.post_message(self.OtherEnd(end=False))
        else:
            super().action_first()

    def names(self) -> Sequence[str]:
        """Return the lines."""
        return self.lines

    def line_under(self, item: int) -> int:
        """Return the line that a row is of."""
        return self._rows[item][0] if self.wraps and self._rows else item

    def item_for(self, line: int) -> int:
        """Return the first row of a line."""
        return bisect_left(self._rows, (line, 0, 0)) if self.wraps else line

    def _text(self, number: int, start: int, end: int) -> list[Piece]:
        line = self.lines[number]
        looks = self._syntax[number] if number < len(self._syntax) else ""
        looks = looks.ljust(len(line))
        for first, last in self._found.get(number, ()):
            looks = looks[:first] + _FOUND * (last - first) + looks[last:]
        pieces: list[Piece] = []
        at = start
        while at < end:
            look = looks[at]
            until = at + 1
            while until < end and looks[until] == look:
                until += 1
            named = _LOOKS.get(look)
            style = self.look(f"content--{named}") if named else self.look()
            pieces.append((line[at:until], style))
            at = until
        return pieces

    def _row(self, item: int) -> tuple[int, int, int]:
        if self.wraps:
            return self._rows[item]
        end = self._shift + self.scrollable_content_region.width
        return item, self._shift, min(len(self.lines[item]), end)

    @property
    def _room(self) -> int:
        return max(self.scrollable_content_region.width - self._digits - 3, 10)


class DumpRows(ContentRows):
    """Offset, bytes and characters, as far as they are there; the others are asked for."""

    class Wanted(Message):
        """A block of bytes is in sight and not there."""

        def __init__(self, rows: DumpRows, block: int) -> None:
            super().__init__()
            self.rows = rows
            self.block = block

    def __init__(self, size: int) -> None:
        super().__init__()
        self._bytes = size
        self._match = range(0)
        """Where the bytes are that were found."""
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._asked: set[int] = set()
        self._row_bytes = ROWS[0]
        """Bytes of a row."""

    def item_count(self) -> int:
        """Return how many rows there are."""
        return -(-self._bytes // self._row_bytes)

    def on_resize(self) -> None:
        """Put as many bytes on a row as there is room for, with the same ones under the cursor."""
        room = self.scrollable_content_region.width - 1
        size = next((one for one in ROWS if dump_width(one) <= room), ROWS[-1])
        if size != self._row_bytes:
            place, self._row_bytes, self._shift = self.place, size, 0
            self.reset_lines()
            self.cursor = place // size
        super().on_resize()

    def put(self, block: int, data: bytes) -> None:
        """Show a block, of which at the end of a file that shrank there may be less."""
        self._asked.discard(block)
        self._blocks[block] = data
        while len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        self.refresh()

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return one row."""
        offset = line * self._row_bytes
        block, inside = divmod(offset, BLOCK)
        data = self._blocks.get(block)
        if data is None:
            if block not in self._asked:
                self._asked.add(block)
                self.post_message(self.Wanted(self, block))
            return [(f" {offset:08x}  …", self.look("content--number"))]
        self._blocks.move_to_end(block)
        text = dump_row(offset, data[inside : inside + self._row_bytes], self._row_bytes)
        head, rest = text[:8], text[8 + self._shift :]
        number = (f" {head}", self.look("content--number"))
        if self._match.start < offset + self._row_bytes and offset < self._match.stop:
            return [number, *self._marked(offset, text)]
        return [number, (rest, self.look())]

    def _marked(self, offset: int, text: str) -> list[Piece]:
        """Return what is behind the offset, with the bytes that were found marked."""
        within = [at for at in range(self._row_bytes) if offset + at in self._match]
        cells = {cell for at in within for cell in dump_cells(at, self._row_bytes)}
        plain, found = self.look(), self.look("content--match")
        shown = range(8 + self._shift, len(text))
        return [(text[cell], found if cell in cells else plain) for cell in shown]

    @property
    def place(self) -> int:
        """The offset of what was found where that is under the cursor, else of the cursor."""
        here = self.cursor * self._row_bytes
        found = self._match.start
        return found if self._match and here <= found < here + self._row_bytes else here

    @property
    def is_on_match(self) -> bool:
        """Whether what was found is under the cursor."""
        return bool(self._match) and self.cursor == self._match.start // self._row_bytes

    def show_match(self, offset: int, length: int) -> None:
        """Go to bytes that were found and mark them."""
        self._match = range(offset, offset + length)
        self.cursor = offset // self._row_bytes
        self.refresh()


class MemberRows(ContentRows):
    """Size, time and name of what is in an archive."""

    def __init__(self, members: Sequence[tuple[str, int, str]]) -> None:
        super().__init__()
        self._members = members
        self._longest = max((len(name) for name, _, _ in members), default=0)

    def item_count(self) -> int:
        """Return how many members there are."""
        return len(self._members)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return one member."""
        name, size, when = self._members[line]
        words = "" if name.endswith("/") else size_text(size)
        detail = f" {words:>9}  {when:<16}  "
        look = self.look("content--match") if line in self._found else self.look()
        return [(detail, self.look("content--detail")), (name[self._shift :], look)]

    def names(self) -> Sequence[str]:
        """Return the names of the members."""
        return [name for name, _, _ in self._members]


def _all_found(lines: Sequence[str], matches: Matches) -> dict[int, list[tuple[int, int]]]:
    return {number: hit for number, line in enumerate(lines) if (hit := matches(line))}


def _folded(lines: Sequence[str], room: int) -> list[tuple[int, int, int]]:
    """Return rows of at most `room` cells: the line, where in it they begin and end."""
    rows = []
    for number, line in enumerate(lines):
        at = 0
        for part in _chopped(line, room):
            rows.append((number, at, at + len(part)))
            at += len(part)
    return rows


def _chopped(line: str, room: int) -> list[str]:
    """Return a line in parts of at most `room` cells."""
    if line.isascii():
        return [line[at : at + room] for at in range(0, len(line), room)] or [line]
    return [line] if cell_len(line) <= room else chop_cells(line, room)
