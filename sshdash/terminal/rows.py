"""Reads the rows of the library's render state, one at a time."""

from typing import Any

from sshdash.terminal.cells import PLAIN, CellStyle, Colour, Line
from sshdash.terminal.ghostty import array, call, ffi, lib, new, sized
from sshdash.terminal.glyphs import decode_row


class RowDecoder:
    """Turns the row the iterator is on into runs, through buffers made once."""

    def __init__(self, rows: Any, cells: Any) -> None:
        self._rows = rows
        self._cells = cells
        self._cells_box = new("GhosttyRenderStateRowCells", cells)
        self._view = new("GhosttyCellsView")
        self._style = sized("GhosttyStyle")
        self._style_bytes = ffi.buffer(self._style)
        self._styles: dict[bytes, CellStyle] = {}
        self._chosen = sized("GhosttyRenderStateRowSelection")
        self._at_row = False

    def line(self) -> Line:
        """Return the current row."""
        self._at_row = False
        call(
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view
            ),
            "cells",
        )
        view = self._view
        raw = memoryview(ffi.buffer(view.ptr, view.len * 8)).cast("B").cast("Q")
        runs = decode_row(raw.tolist(), self._style_at, self._extras_at)
        chosen = self._chosen
        if (
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_SELECTION, chosen
            )
            != lib.GHOSTTY_SUCCESS
        ):
            return Line(runs)
        return Line(runs, (chosen.start_x, chosen.end_x))

    def _select(self, column: int) -> None:
        if not self._at_row:
            lib.ghostty_render_state_row_get(
                self._rows, lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells_box
            )
            self._at_row = True
        call(lib.ghostty_render_state_row_cells_select(self._cells, column), "select")

    def _style_at(self, column: int) -> CellStyle:
        # A style's id is only good within one page of the screen, so the style is read again
        # for every run, and what is cached is its meaning.
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
            style = self._styles[key] = _style_of(self._style)
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


def _style_of(style: Any) -> CellStyle:
    if lib.ghostty_style_is_default(style):
        return PLAIN
    return CellStyle(
        foreground=_style_colour(style.fg_color),
        background=_style_colour(style.bg_color),
        bold=style.bold,
        dim=style.faint,
        italic=style.italic,
        underline=style.underline != 0,
        double_underline=style.underline == lib.GHOSTTY_SGR_UNDERLINE_DOUBLE,
        blink=style.blink,
        reverse=style.inverse,
        conceal=style.invisible,
        strike=style.strikethrough,
        overline=style.overline,
    )


def _style_colour(colour: Any) -> Colour:
    if colour.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(colour.value.palette)
    if colour.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = colour.value.rgb
        return (rgb.r, rgb.g, rgb.b)
    return None
