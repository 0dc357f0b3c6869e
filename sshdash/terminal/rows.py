"""Reads the rows of the library's render state, one at a time."""

import struct
from typing import Any

from sshdash.terminal.cells import PLAIN, CellStyle, Colour, Line, Row, Run, Underline
from sshdash.terminal.ghostty import array, call, ffi, lib, new, sized
from sshdash.terminal.glyphs import decode_row
from sshdash.terminal.written_rows import WrittenRow

_STYLE = struct.Struct("@N iQ iQ iQ 8? i 4x")
"""A GhosttyStyle: its size, three colours (tag and value), eight flags and the underline."""
_UNDERLINES = {
    lib.GHOSTTY_SGR_UNDERLINE_NONE: Underline.NONE,
    lib.GHOSTTY_SGR_UNDERLINE_SINGLE: Underline.SINGLE,
    lib.GHOSTTY_SGR_UNDERLINE_DOUBLE: Underline.DOUBLE,
    lib.GHOSTTY_SGR_UNDERLINE_CURLY: Underline.CURLY,
    lib.GHOSTTY_SGR_UNDERLINE_DOTTED: Underline.DOTTED,
    lib.GHOSTTY_SGR_UNDERLINE_DASHED: Underline.DASHED,
}

_NEVER_WRITTEN = bytes(8)


class RowDecoder:
    """Turns the row the iterator is on into runs, through buffers made once."""

    def __init__(self, rows: Any, cells: Any) -> None:
        self._rows = rows
        self._cells = cells
        self._cells_box = new("GhosttyRenderStateRowCells", cells)
        self._view = new("GhosttyCellsView")
        self._style = sized("GhosttyStyle")
        self._style_bytes = ffi.buffer(self._style)
        if len(self._style_bytes) != _STYLE.size:
            raise RuntimeError("libghostty's style has another layout than the one known here")
        self._row_styles: dict[int, CellStyle] = {}
        self._styles: dict[bytes, CellStyle] = {}
        self._chosen = sized("GhosttyRenderStateRowSelection")
        self._at_row = False
        self._row = new("uint64_t")
        self._linked = new("bool")

    def line(self, written: Row | None = None) -> Line:
        """Return the current row; `written` is how the library wrote it, if it did."""
        view = self._view
        call(
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, view
            ),
            "cells",
        )
        cells = memoryview(ffi.buffer(view.ptr, view.len * 8))
        runs = None if written is None or self._has_links() else _whole(written, cells)
        if runs is None:
            runs = self._read(cells)
        chosen = self._chosen
        if (
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_SELECTION, chosen
            )
            != lib.GHOSTTY_SUCCESS
        ):
            return Line(runs)
        return Line(runs, (chosen.start_x, chosen.end_x))

    def _has_links(self) -> bool:
        """Return whether there may be a link (OSC 8) in the row: those are not written."""
        row = self._row
        get = lib.ghostty_render_state_row_get
        call(get(self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, row), "row")
        call(lib.ghostty_row_get(row[0], lib.GHOSTTY_ROW_DATA_HYPERLINK, self._linked), "links")
        return bool(self._linked[0])

    def _read(self, cells: memoryview) -> Row:
        self._at_row = False
        self._row_styles.clear()
        return decode_row(cells.cast("B").cast("Q").tolist(), self._style_at, self._extras_at)

    def _select(self, column: int) -> None:
        if not self._at_row:
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells_box
            )
            self._at_row = True
        call(lib.ghostty_render_state_row_cells_select(self._cells, column), "select")

    def _style_at(self, column: int, number: int) -> CellStyle:
        # A style's number is only good within one page of the screen, and a row is in one page.
        if not number:
            return PLAIN
        style = self._row_styles.get(number)
        if style is None:
            style = self._row_styles[number] = self._read_style(column)
        return style

    def _read_style(self, column: int) -> CellStyle:
        self._select(column)
        call(
            lib.ghostty_render_state_row_cells_get(
                self._cells, lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE, self._style
            ),
            "style",
        )
        key = self._style_bytes[:]
        style = self._styles.get(key)
        if style is None:
            if len(self._styles) > 4096:
                self._styles.clear()
            style = self._styles[key] = _style_of(key)
        return style

    def _extras_at(self, column: int) -> str:
        self._select(column)
        length = new("uint32_t")
        get = lib.ghostty_render_state_row_cells_get
        data = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN
        call(get(self._cells, data, length), "graphemes")
        if length[0] < 2:
            return ""
        buffer = array("uint32_t", length[0])
        data = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF
        call(get(self._cells, data, buffer), "graphemes")
        return "".join(map(chr, list(buffer)[1:]))


def _whole(written: Row, cells: memoryview) -> Row | None:
    """Return `written` in the full width; None where it is not what is in the cells.

    The library writes blanks in the style of what is left of them where nothing was ever
    written, and may leave out cells at the end that are only painted.
    """
    used = cells.tobytes().rstrip(b"\0")
    width = written.width if isinstance(written, WrittenRow) else sum(run.width for run in written)
    missing = len(cells) // 8 - width
    if _NEVER_WRITTEN in used or missing != (len(cells) - len(used)) // 8:
        return None
    if not missing:
        return written
    if isinstance(written, WrittenRow):
        return written.padded(missing)
    return (*written, Run(" " * missing, missing, PLAIN))


def _style_of(packed: bytes) -> CellStyle:
    """Return what a style in the library's memory means."""
    (_, fg_tag, fg, bg_tag, bg, line_tag, line, *flags, underline) = _STYLE.unpack(packed)
    bold, italic, dim, blink, reverse, conceal, strike, overline = flags
    return CellStyle(
        foreground=_colour(fg_tag, fg),
        background=_colour(bg_tag, bg),
        bold=bold,
        dim=dim,
        italic=italic,
        underline=_UNDERLINES.get(underline, Underline.SINGLE),
        blink=blink,
        reverse=reverse,
        conceal=conceal,
        strike=strike,
        overline=overline,
        underline_colour=_colour(line_tag, line),
    )


def _colour(tag: int, value: int) -> Colour:
    if tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return value & 0xFF
    if tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        return (value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF)
    return None
