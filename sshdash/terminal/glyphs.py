"""From packed cells to runs of text: the hot path of drawing, and the last gate for characters.

A remote decides what is in a cell. What must not reach the terminal sshdash itself runs in
(C1 controls, bidirectional overrides, separators) is replaced here; private-use characters stay,
prompts are drawn with them.
"""

import unicodedata
from collections.abc import Callable
from itertools import groupby

from sshdash.terminal.cells import CellStyle, Row, Run
from sshdash.terminal.ghostty import CELL, lib

REPLACEMENT = "\ufffd"
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset("\u200b\u2060\u2061\u2062\u2063\u2064\ufeff")
"""Drawn as nothing, but by some terminals as a blank: left out, for no column is theirs."""
_EXTRAS = 10
"""Combining characters kept on one cell: a kiss of two people with their skin tones has nine."""

_SHIFT = CELL.content_shift
_CODEPOINT = ((1 << CELL.codepoint_width) - 1) << _SHIFT
_SPACER_TAIL = lib.GHOSTTY_CELL_WIDE_SPACER_TAIL << CELL.wide_shift
_SPACER_HEAD = lib.GHOSTTY_CELL_WIDE_SPACER_HEAD << CELL.wide_shift
_GRAPHEME = lib.GHOSTTY_CELL_CONTENT_CODEPOINT_GRAPHEME
_BG_PALETTE = lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE
_PAINTED = _BG_PALETTE & lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB
"""The tag bit that says: no text here, only a background colour."""
_run_key = (CELL.style | CELL.link | _PAINTED).__and__
COMBINED = "\0"
"""Stands in a run's text for a cell whose characters are kept elsewhere."""
_CACHE_LIMIT = 65_536

StyleOf = Callable[[int, int], CellStyle]
"""The style of the cell in a column of the current row, which has this style number."""
ExtrasOf = Callable[[int], str]
"""The characters combined onto the cell in a column of the current row."""


def safe_char(code: int) -> str:
    """Return the character of `code`, or what stands for one that must not be shown."""
    if code == 0:
        return " "
    if 0x20 <= code < 0x7F:
        return chr(code)
    if code > 0x10FFFF:
        return REPLACEMENT
    char = chr(code)
    if char in _BIDI or unicodedata.category(char) in _UNSAFE_CATEGORIES:
        return REPLACEMENT
    return char


class _Glyphs(dict[int, str]):
    """Packed cell to its text; the spacer behind a wide character has none."""

    def __missing__(self, cell: int) -> str:
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        wide = cell & CELL.wide
        if cell & CELL.tag == _GRAPHEME:
            text = COMBINED
        elif wide == _SPACER_TAIL:
            text = ""
        elif wide == _SPACER_HEAD or cell & _PAINTED:
            text = " "
        else:
            text = safe_char((cell & _CODEPOINT) >> _SHIFT)
        self[cell] = text
        return text


glyph = _Glyphs().__getitem__
"""Return the text of a packed cell, `COMBINED` where it holds several characters."""


def decode_row(cells: list[int], style_of: StyleOf, extras_of: ExtrasOf) -> Row:
    """Return the runs of one row; their widths add up to the number of cells."""
    runs: list[Run] = []
    column = 0
    for key, group in groupby(cells, _run_key):
        members = list(group)
        if key & _PAINTED:
            runs += _painted(members)
        else:
            glyphs = list(map(glyph, members))
            text = "".join(glyphs)
            if COMBINED in text:
                _combine(glyphs, members, column, extras_of)
                text = "".join(glyphs)
            parts = () if text.isascii() else tuple(glyphs)
            style = style_of(column, (key & CELL.style) >> CELL.style_shift)
            if key & CELL.link:
                style = style._replace(link=True)
            runs.append(Run(text, len(members), style, parts))
        column += len(members)
    return tuple(runs)


def _painted(members: list[int]) -> list[Run]:
    """Return runs of blank cells that hold only a background colour."""
    runs = []
    for cell, same in groupby(members):
        content = cell >> _SHIFT
        width = len(list(same))
        if cell & CELL.tag == _BG_PALETTE:
            style = CellStyle(background=content & 0xFF)
        else:
            rgb = (content & 0xFF, content >> 8 & 0xFF, content >> 16 & 0xFF)
            style = CellStyle(background=rgb)
        runs.append(Run(" " * width, width, style))
    return runs


def _combine(glyphs: list[str], members: list[int], column: int, extras_of: ExtrasOf) -> None:
    """Put the characters of cells that hold several into `glyphs`."""
    for offset, cell in enumerate(members):
        if glyphs[offset] == COMBINED:
            base = safe_char((cell & _CODEPOINT) >> _SHIFT)
            glyphs[offset] = base + _safe(extras_of(column + offset))


def _safe(extras: str) -> str:
    """Return the combining characters of a cell, without those that must not be shown."""
    return "".join(
        char for char in extras[:_EXTRAS] if char not in _UNSEEN and safe_char(ord(char)) == char
    )
