"""One emulated terminal: bytes in, rows of styled text out, on libghostty-vt.

It does no I/O and knows no event loop. Answers to the remote's queries wait in `replies`;
titles and bells are flags to be looked at after a `feed`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sshdash.terminal.cells import (
    Cursor,
    CursorShape,
    Damage,
    Line,
    Modes,
    Rgb,
    Scroll,
)
from sshdash.terminal.ghostty import call, callback, ffi, function, lib, new, owned, sized
from sshdash.terminal.replies import Replies
from sshdash.terminal.rows import RowDecoder
from sshdash.untrusted import clean

CELL_PIXELS = (8, 16)
"""What a cell is said to measure, for programs that ask in pixels."""
TITLE_LIMIT = 80
SCROLLBACK_BYTES = 64 * 1024 * 1024
"""What the lines above one screen may take, however many were asked for."""
_CELL_BYTES = 10
_PAGE_BYTES = 1024 * 1024
"""The library drops whole pages of lines, so it is told to keep somewhat more than asked for."""

_SHAPES = {
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BAR: CursorShape.BAR,
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BLOCK: CursorShape.BLOCK,
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_UNDERLINE: CursorShape.UNDERLINE,
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BLOCK_HOLLOW: CursorShape.HOLLOW,
}
_FORGET = (
    # What a new program must not inherit from the one that ended: modes, margins, colours.
    b"\x1b[!p\x1b[?1l\x1b>\x1b[?6l\x1b[?7h\x1b[?25h\x1b[?9l\x1b[?1000l"
    b"\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l"
    b"\x1b[?2026l\x1b[?2048l\x1b[4l\x1b[20l\x1b[<99u\x1b[=0u\x1b[>4m\x1b[0 q\x1b[r\x1b[m\x1b(B\x0f"
    b"\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07"
)


class _Effects:
    """What the library calls back with. It must not refer to the emulator: it outlives it."""

    def __init__(self) -> None:
        self.replies = Replies()
        self.bell = False
        self.bells = 0
        self.title_changed = False
        self.size = (0, 0)

    def install(self, terminal: Any) -> list[Any]:
        """Register the callbacks; the list returned keeps them alive."""
        callbacks: list[tuple[int, str, Callable[..., Any]]] = [
            (lib.GHOSTTY_TERMINAL_OPT_WRITE_PTY, "GhosttyTerminalWritePtyFn", self._reply),
            (lib.GHOSTTY_TERMINAL_OPT_BELL, "GhosttyTerminalBellFn", self._bell),
            (lib.GHOSTTY_TERMINAL_OPT_TITLE_CHANGED, "GhosttyTerminalTitleChangedFn", self._title),
            (lib.GHOSTTY_TERMINAL_OPT_SIZE, "GhosttyTerminalSizeFn", self._size),
            (
                lib.GHOSTTY_TERMINAL_OPT_DEVICE_ATTRIBUTES,
                "GhosttyTerminalDeviceAttributesFn",
                self._attributes,
            ),
        ]
        kept = []
        for option, ctype, python in callbacks:
            kept.append(callback(ctype, python))
            call(lib.ghostty_terminal_set(terminal, option, kept[-1]), ctype)
        return kept

    def _reply(self, _terminal: Any, _data: Any, content: Any, length: int) -> None:
        self.replies.add(bytes(ffi.buffer(content, length)))

    def _bell(self, _terminal: Any, _data: Any) -> None:
        self.bell = True
        self.bells += 1

    def _title(self, _terminal: Any, _data: Any) -> None:
        self.title_changed = True

    def _size(self, _terminal: Any, _data: Any, out: Any) -> bool:
        out.columns, out.rows = self.size
        out.cell_width, out.cell_height = CELL_PIXELS
        return True

    def _attributes(self, _terminal: Any, _data: Any, out: Any) -> bool:
        # A VT220 with ANSI colour: what xterm-256color promises and no more.
        out.primary.conformance_level = 62
        out.primary.features[0] = 22
        out.primary.num_features = 1
        out.secondary.device_type = 1
        out.secondary.firmware_version = 10
        out.secondary.rom_cartridge = 0
        out.tertiary.unit_id = 0
        return True


class Emulator:
    """A terminal of `columns` by `rows` that keeps at least `scrollback` lines above them."""

    def __init__(self, columns: int, rows: int, scrollback: int = 10_000) -> None:
        self._terminal = owned(
            self,
            "GhosttyTerminal",
            lambda box: lib.ghostty_terminal_new(ffi.NULL, box, max(1, columns), max(1, rows)),
            lib.ghostty_terminal_free,
        )
        self._state = owned(
            self,
            "GhosttyRenderState",
            lambda box: lib.ghostty_render_state_new(ffi.NULL, box),
            lib.ghostty_render_state_free,
        )
        self._rows = owned(
            self,
            "GhosttyRenderStateRowIterator",
            lambda box: lib.ghostty_render_state_row_iterator_new(ffi.NULL, box),
            lib.ghostty_render_state_row_iterator_free,
        )
        self._cells = owned(
            self,
            "GhosttyRenderStateRowCells",
            lambda box: lib.ghostty_render_state_row_cells_new(ffi.NULL, box),
            lib.ghostty_render_state_row_cells_free,
        )
        self._decoder = RowDecoder(self._rows, self._cells)
        self._effects = _Effects()
        self._callbacks = self._effects.install(self._terminal)
        self._scrollback = scrollback
        self._configure()
        self.columns = self.rows = 0
        self.resize(columns, rows)

    def __repr__(self) -> str:
        return f"<Emulator {self.columns}x{self.rows}>"

    @property
    def handle(self) -> Any:
        """The library's terminal, for the encoders and selections beside this module."""
        return self._terminal

    # -- input

    def feed(self, data: bytes) -> None:
        """Let the terminal read `data`, which may end anywhere, even inside a character."""
        lib.ghostty_terminal_vt_write(self._terminal, data, len(data))

    def resize(self, columns: int, rows: int) -> None:
        """Take a new size, wrapping the lines of the main screen anew."""
        columns, rows = min(max(1, columns), 2000), min(max(1, rows), 1000)
        if (columns, rows) == (self.columns, self.rows):
            return
        self._effects.size = (columns, rows)
        self._bound_scrollback(max(columns, self.columns))
        call(lib.ghostty_terminal_resize(self._terminal, columns, rows, *CELL_PIXELS), "resize")
        self.columns, self.rows = columns, rows
        self._bound_scrollback(columns)

    def forget_program(self) -> None:
        """Undo what the program that ended has set, keeping what the main screen shows."""
        self.feed(b"\x18")
        if self.modes.alternate_screen:
            self.feed(b"\x1b[?1049l\x1b[?1047l")
        column = self.column
        row = self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y, "uint16_t")
        self.feed(_FORGET + b"\x1b[%d;%dH" % (row + 1, column + 1))
        self._effects.replies.take()

    # -- what happened

    def take_replies(self) -> bytes:
        """Return the answers to the remote's queries that are to be sent, once."""
        return self._effects.replies.take()

    @property
    def bells(self) -> int:
        """How often the bell rang in all, whoever took it."""
        return self._effects.bells

    def take_bell(self) -> bool:
        """Return whether the bell rang since the last call."""
        rang, self._effects.bell = self._effects.bell, False
        return rang

    def take_title(self) -> str | None:
        """Return the new title, cleaned, if it was set since the last call."""
        if not self._effects.title_changed:
            return None
        self._effects.title_changed = False
        text = self._get(lib.GHOSTTY_TERMINAL_DATA_TITLE, "GhosttyString")
        return clean(bytes(ffi.buffer(text.ptr, text.len)), TITLE_LIMIT) if text.len else ""

    # -- what is to be drawn

    def take_damage(self) -> Damage:
        """Return the rows that changed since the last call, decoded."""
        call(lib.ghostty_render_state_update(self._state, self._terminal), "update")
        dirty = new("GhosttyRenderStateDirty")
        self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, dirty)
        lines: dict[int, Line] = {}
        if dirty[0] != lib.GHOSTTY_RENDER_STATE_DIRTY_FALSE:
            iterator = new("GhosttyRenderStateRowIterator", self._rows)
            self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, iterator)
            at = new("uint16_t")
            following = lib.ghostty_render_state_row_iterator_next_dirty
            while following(self._rows, at):
                lines[at[0]] = self._decoder.line()
            call(lib.ghostty_render_state_clean(self._state), "clean")
        return Damage(lines, full=dirty[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL)

    @property
    def cursor(self) -> Cursor:
        """The cursor as it was at the last `take_damage`."""
        cursor = sized("GhosttyRenderStateCursor")
        self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_CURSOR, cursor)
        if not cursor.viewport_has_value:
            return Cursor(0, 0, visible=False)
        return Cursor(
            max(0, cursor.viewport_x - bool(cursor.wide_tail)),
            cursor.viewport_y,
            visible=bool(cursor.visible),
            shape=_SHAPES.get(cursor.visual_style, CursorShape.BLOCK),
            blinking=bool(cursor.blinking),
        )

    @property
    def palette(self) -> bytes:
        """The 256 colours, three bytes each, with what programs changed by OSC 4."""
        box = new("SSHDashPalette")
        call(
            lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_COLOR_PALETTE, box),
            "palette",
        )
        return bytes(ffi.buffer(box))

    def set_palette(self, first_sixteen: Sequence[tuple[int, int, int]]) -> None:
        """Take the named colours of the theme; what programs changed stays changed."""
        box = new("SSHDashPalette")
        # The array does not keep its memory: that is freed with the box.
        colours = box[0]
        lib.ghostty_color_palette_default(colours)
        for colour, (red, green, blue) in zip(colours, first_sixteen, strict=False):
            colour.r, colour.g, colour.b = red, green, blue
        call(
            lib.ghostty_terminal_set(
                self._terminal, lib.GHOSTTY_TERMINAL_OPT_COLOR_PALETTE, colours
            ),
            "palette",
        )

    @property
    def default_colours(self) -> tuple[Rgb | None, Rgb | None]:
        """The foreground and background a program set by OSC 10 and 11, None where it did not."""
        return (
            self._colour(lib.GHOSTTY_TERMINAL_DATA_COLOR_FOREGROUND),
            self._colour(lib.GHOSTTY_TERMINAL_DATA_COLOR_BACKGROUND),
        )

    # -- state

    @property
    def modes(self) -> Modes:
        """The modes in force now."""
        return Modes(
            alternate_screen=self._get(
                lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN, "GhosttyTerminalScreen"
            )
            == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE,
            alternate_scroll=self._mode(1007),
            application_cursor=self._mode(1),
            bracketed_paste=self._mode(2004),
            focus_reporting=self._mode(1004),
            mouse_tracking=self._get(lib.GHOSTTY_TERMINAL_DATA_MOUSE_TRACKING, "bool"),
            synchronized=self._mode(2026),
        )

    @property
    def column(self) -> int:
        """The column the next character goes to."""
        return int(self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_X, "uint16_t"))

    @property
    def scroll(self) -> Scroll:
        """Where the viewport is in what can be scrolled through."""
        bar = self._get(lib.GHOSTTY_TERMINAL_DATA_SCROLLBAR, "GhosttyTerminalScrollbar")
        return Scroll(bar.total, bar.offset, bar.len)

    def scroll_by(self, rows: int) -> None:
        """Move the viewport `rows` down, up where negative, as far as there are any."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_DELTA, rows)

    def scroll_to_bottom(self) -> None:
        """Show the newest rows again."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)

    def screen_text(self) -> list[str]:
        """Return the rows of the viewport as text, without trailing blanks."""
        call(lib.ghostty_render_state_update(self._state, self._terminal), "update")
        iterator = new("GhosttyRenderStateRowIterator", self._rows)
        self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, iterator)
        lines = []
        while lib.ghostty_render_state_row_iterator_next(self._rows):
            line = self._decoder.line()
            lines.append("".join(run.text for run in line.runs).rstrip())
        return lines

    # -- internals

    def _configure(self) -> None:
        settings: list[tuple[int, Any]] = [
            (lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_LINES, ffi.NULL),
            (lib.GHOSTTY_TERMINAL_OPT_KITTY_IMAGE_STORAGE_LIMIT, ffi.NULL),
            (lib.GHOSTTY_TERMINAL_OPT_APC_MAX_BYTES, new("size_t", 4096)),
            (lib.GHOSTTY_TERMINAL_OPT_GLYPH_PROTOCOL, new("bool", False)),
            (lib.GHOSTTY_TERMINAL_OPT_TITLE_REPORT, new("bool", False)),
        ]
        for option, value in settings:
            call(lib.ghostty_terminal_set(self._terminal, option, value), f"option {option}")

    def _bound_scrollback(self, columns: int) -> None:
        """Have the lines asked for kept, by their size.

        The library can count lines too, but then it returns the memory of each page it drops,
        and takes text ten times slower than when it may use the page again.
        """
        room = 0
        if self._scrollback:
            wanted = self._scrollback * (columns + 2) * _CELL_BYTES + _PAGE_BYTES
            room = min(SCROLLBACK_BYTES, wanted)
        limit = new("size_t", room)
        option = lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_BYTES
        call(lib.ghostty_terminal_set(self._terminal, option, limit), "scrollback")

    def _get(self, key: int, ctype: str) -> Any:
        out = new(ctype)
        call(lib.ghostty_terminal_get(self._terminal, key, out), f"terminal value {key}")
        return out[0]

    def _state_get(self, key: int, out: Any) -> None:
        call(lib.ghostty_render_state_get(self._state, key, out), f"render value {key}")

    def _mode(self, number: int) -> bool:
        mode = new("GhosttyTerminalModeConfig")
        mode.mode = number
        call(
            lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, mode),
            f"mode {number}",
        )
        return bool(mode.value)

    def _colour(self, key: int) -> Rgb | None:
        out = new("GhosttyColorRgb")
        if lib.ghostty_terminal_get(self._terminal, key, out) != lib.GHOSTTY_SUCCESS:
            return None
        return (out.r, out.g, out.b)

    def _scroll_viewport(self, tag: int, value: int) -> None:
        scroll = function("ghostty_terminal_scroll_viewport")
        where = new("SSHDashScrollViewport", {"tag": tag, "value": value})
        scroll(self._terminal, where[0])
