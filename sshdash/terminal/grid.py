"""The rows a terminal keeps, the oldest of the scrollback first, read as text.

Rows are numbered once: a row keeps its number while older ones are dropped and new ones follow.
Where that cannot be kept up (another width, the other screen, an erased scrollback), `epoch`
changes, and numbers from before mean nothing any more.
"""

from enum import Enum
from typing import Any, NamedTuple, Protocol

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import array, call, ffi, function, lib, new, sized
from sshdash.terminal.glyphs import COMBINED, glyph

_MOST_CODES = 16
"""Characters read of one cell."""


class GridRow(NamedTuple):
    """One row: its text, without what was never written behind it."""

    text: str
    wraps: bool
    """Whether its line goes on in the next row."""


class PromptMark(Enum):
    """What OSC 133 says of a row."""

    NONE = lib.GHOSTTY_ROW_SEMANTIC_NONE
    PROMPT = lib.GHOSTTY_ROW_SEMANTIC_PROMPT
    CONTINUATION = lib.GHOSTTY_ROW_SEMANTIC_PROMPT_CONTINUATION


class Rows(Protocol):
    """What search and copy mode need of a grid."""

    first: int
    """The number of the oldest row."""
    screen: int
    """The number of the first row of the screen, which programs still write to."""
    end: int
    """One more than the number of the last row."""
    epoch: int

    def rows(self, first: int, end: int) -> list[GridRow]:
        """Return the rows from `first` up to `end`, as far as there are such."""

    def cells(self, row: int) -> list[str]:
        """Return the text of each cell of a row; behind a wide one comes an empty one."""


class Grid:
    """The rows of one emulator. `look` has to be called before numbers are used after a feed."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._anchor: Any = None
        self._anchored = 0
        """The place of the anchor from the top: a row of the scrollback, the newest of then."""
        self._next: Any = None
        """An anchor at the row below that one: where its row is erased, the first comes here."""
        self._shape: tuple[int, int, bool] | None = None
        self._ref = sized("GhosttyGridRef")
        self._point = new("GhosttyPointS")
        self._point.tag = lib.GHOSTTY_POINT_TAG_SCREEN
        self._row = new("uint64_t")
        self._cell = new("uint64_t")
        self._flag = new("bool")
        self._prompt = new("GhosttyRowSemanticPrompt")
        self.first = self.screen = self.end = self.top = self.epoch = 0
        self.look()

    def __repr__(self) -> str:
        return f"<Grid {self.first}..{self.end} top={self.top} epoch={self.epoch}>"

    def look(self) -> None:
        """Take note of what has happened to the rows since the last time."""
        emulator = self._emulator
        shape = (emulator.columns, emulator.rows, emulator.modes.alternate_screen)
        scroll = emulator.scroll
        above = max(0, scroll.total - scroll.rows)
        dropped = self._dropped(above) if shape == self._shape else None
        if dropped is None:
            self._shape = shape
            self.epoch += 1
            dropped = 0
        self.first += dropped
        self.screen = self.first + above
        self.end = self.first + scroll.total
        self.top = self.first + scroll.offset
        self._anchored = max(0, above - 1)
        self._anchor = self._track(self._anchored)
        self._next = self._track(above) if above else None

    @property
    def columns(self) -> int:
        """How many cells a row has."""
        return self._emulator.columns

    @property
    def height(self) -> int:
        """How many rows are in view."""
        return self._emulator.rows

    @property
    def cursor(self) -> tuple[int, int]:
        """The row and the column where the program writes next."""
        column, row = self._emulator.position
        return self.screen + row, column

    def show(self, row: int) -> None:
        """Have the viewport begin with a row, as far as there are enough below it."""
        row = min(max(row, self.first), self.screen)
        if row != self.top:
            self._emulator.scroll_to(row - self.first)
            self.top = row

    def rows(self, first: int, end: int) -> list[GridRow]:
        """Return the rows from `first` up to `end`, as far as there are such."""
        first, end = max(first, self.first), min(end, self.end)
        if first >= end:
            return []
        texts = self._text(first, end).split("\n")
        texts += [""] * (end - first - len(texts))
        return [
            GridRow(text, self.wraps(row))
            for row, text in zip(range(first, end), texts, strict=True)
        ]

    def cells(self, row: int) -> list[str]:
        """Return the text of each cell of a row; behind a wide one comes an empty one."""
        if not self._find(row):
            return []
        ref, cell = self._ref, self._cell
        texts = []
        for column in range(self.columns):
            ref.x = column
            lib.ghostty_grid_ref_cell(ref, cell)
            text = glyph(cell[0])
            texts.append(self._combined() if text == COMBINED else text)
        return texts

    def wraps(self, row: int) -> bool:
        """Return whether the line of a row goes on in the next one."""
        if not self._find(row):
            return False
        lib.ghostty_grid_ref_row(self._ref, self._row)
        call(lib.ghostty_row_get(self._row[0], lib.GHOSTTY_ROW_DATA_WRAP, self._flag), "wrap")
        return bool(self._flag[0])

    def prompt(self, row: int) -> PromptMark:
        """Return whether a row is a prompt, as OSC 133 marked it."""
        if not self._find(row):
            return PromptMark.NONE
        lib.ghostty_grid_ref_row(self._ref, self._row)
        key = lib.GHOSTTY_ROW_DATA_SEMANTIC_PROMPT
        call(lib.ghostty_row_get(self._row[0], key, self._prompt), "prompt")
        return PromptMark(self._prompt[0])

    def _combined(self) -> str:
        """Return the characters of a cell that holds several."""
        length = new("size_t")
        codes = array("uint32_t", _MOST_CODES)
        lib.ghostty_grid_ref_graphemes(self._ref, codes, _MOST_CODES, length)
        return "".join(map(chr, list(codes)[: length[0]])) or " "

    def _find(self, row: int, column: int = 0) -> bool:
        if not self.first <= row < self.end:
            return False
        point = self._point
        point.value.x, point.value.y = column, row - self.first
        grid_ref = function("ghostty_terminal_grid_ref")
        return bool(grid_ref(self._emulator.handle, point[0], self._ref) == lib.GHOSTTY_SUCCESS)

    def _text(self, first: int, end: int) -> str:
        chosen = sized("GhosttySelection")
        if not self._find(first):
            return ""
        chosen.start = self._ref[0]
        if not self._find(end - 1, self.columns - 1):
            return ""
        chosen.end = self._ref[0]
        return formatted(self._emulator, chosen, unwrap=False, trim=False)

    def _dropped(self, above: int) -> int | None:
        """Return how many rows are gone from the top, None where nobody can tell."""
        place = self._place(self._anchor)
        if place is None:
            return None
        if self.screen == self.first:  # the anchor is on the screen, where rows move about
            return 0
        # A row of the scrollback that is on the screen, or on another, is the trace of one that
        # was erased.
        if place >= above or place == self._place(self._next):
            return None
        return max(0, self._anchored - place)

    def _place(self, anchor: Any) -> int | None:
        """Return how far an anchor is from the top, None where it is nowhere any more."""
        if anchor is None:
            return None
        where = new("GhosttyPointCoordinate")
        screen = lib.GHOSTTY_POINT_TAG_SCREEN
        found = lib.ghostty_tracked_grid_ref_point(anchor, screen, where)
        return int(where.y) if found == lib.GHOSTTY_SUCCESS else None

    def _track(self, above: int) -> Any:
        """Return an anchor that stays with the row that has so many above it, None if it cannot."""
        point = self._point
        point.value.x, point.value.y = 0, above
        box = new("GhosttyTrackedGridRef")
        track = function("ghostty_terminal_grid_ref_track")
        if track(self._emulator.handle, point[0], box) != lib.GHOSTTY_SUCCESS:
            return None
        return ffi.gc(box[0], lib.ghostty_tracked_grid_ref_free)


def formatted(emulator: Emulator, selection: Any, *, unwrap: bool, trim: bool) -> str:
    """Return the text of one of the library's selections."""
    options = sized("GhosttyTerminalSelectionFormatOptions")
    options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN
    options.unwrap, options.trim = unwrap, trim
    options.selection = selection
    length = new("size_t")
    encode = lib.ghostty_terminal_selection_format_buf
    encode(emulator.handle, options[0], ffi.NULL, 0, length)
    buffer = array("uint8_t", max(1, length[0]))
    call(encode(emulator.handle, options[0], buffer, len(buffer), length), "selected text")
    return bytes(ffi.buffer(buffer, length[0])).decode("utf-8", "replace")
