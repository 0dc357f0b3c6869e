"""One emulated terminal: bytes in, rows of styled text out, on libghostty-vt.

It does no I/O and knows no event loop. Answers to the remote's queries, titles, bells and what
else a program tells wait in `effects`, to be looked at after a `feed`.
"""

from collections.abc import Iterator
from typing import Any

from sshdash.terminal.cells import (
    CELL_PIXELS,
    Cursor,
    CursorShape,
    Damage,
    Line,
    Modes,
    Row,
    Scroll,
)
from sshdash.terminal.colours import TerminalColours
from sshdash.terminal.effects import Effects
from sshdash.terminal.ghostty import call, ffi, function, lib, new, owned, sized
from sshdash.terminal.guards import (
    CLOSE_LINK,
    MOST_LINKED,
    SOFT_RESET,
    ColumnModeGuard,
    LinkGuard,
    NumberGuard,
    RepeatGuard,
    SoftResetGuard,
)
from sshdash.terminal.osc import TITLE_LIMIT
from sshdash.terminal.other_keys import OtherKeys
from sshdash.terminal.rows import RowDecoder
from sshdash.terminal.written_rows import WORTH_IT, WrittenRows
from sshdash.untrusted import clean

SCROLLBACK_BYTES = 64 * 1024 * 1024
"""What the lines above one screen may take, however many were asked for."""
_CELL_BYTES = 10
_PAGE_BYTES = 1024 * 1024
"""The library drops whole pages of lines, so it is told to keep somewhat more than asked for."""
_SYNCHRONIZED = 2026
_DELETE = b"\x7f"
"""Means nothing to a terminal (ECMA-48), and would be shown as a character."""

_SHAPES = {
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BAR: CursorShape.BAR,
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BLOCK: CursorShape.BLOCK,
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_UNDERLINE: CursorShape.UNDERLINE,
    lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BLOCK_HOLLOW: CursorShape.HOLLOW,
}
_INITIAL = (
    # What DECSTR makes of modes, margins, style and characters; the saved cursor is the corner.
    b"\x1b[?6l\x1b[4l\x1b[?7h\x1b[?25h\x1b[?1l\x1b>\x1b[?45l\x1b[?69l\x1b[r"
    b'\x1b[m\x1b[0"q\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b7'
)
_FORGET = (
    # What a new program must not inherit from the one that ended: modes, margins, colours.
    b"\x1b[?9l\x1b[?1000l"
    b"\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?2004l"
    b"\x1b[?5l\x1b[?2026l\x1b[?2027l\x1b[?2031l"
    b"\x1b[?2048l\x1b[20l\x1b[<99u\x1b[=0u\x1b[>4m\x1b[0 q"
    b"\x1b]8;;\x07\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07"
)


class Emulator:
    """A terminal of `columns` by `rows` that keeps at least `scrollback` lines above them."""

    def __init__(self, columns: int, rows: int, scrollback: int = 10_000) -> None:
        self._terminal = owned(
            "GhosttyTerminal",
            lambda box: lib.ghostty_terminal_new(ffi.NULL, box, max(1, columns), max(1, rows)),
            lib.ghostty_terminal_free,
        )
        self._state = owned(
            "GhosttyRenderState",
            lambda box: lib.ghostty_render_state_new(ffi.NULL, box),
            lib.ghostty_render_state_free,
        )
        self._rows = owned(
            "GhosttyRenderStateRowIterator",
            lambda box: lib.ghostty_render_state_row_iterator_new(ffi.NULL, box),
            lib.ghostty_render_state_row_iterator_free,
        )
        self._cells = owned(
            "GhosttyRenderStateRowCells",
            lambda box: lib.ghostty_render_state_row_cells_new(ffi.NULL, box),
            lib.ghostty_render_state_row_cells_free,
        )
        self._decoder = RowDecoder(self._rows, self._cells)
        self._written = WrittenRows(self._terminal)
        self.colours = TerminalColours(self._terminal)
        self.effects = Effects(self._state)
        self._callbacks = self.effects.install(self._terminal)
        self._other_keys = OtherKeys()
        self._column_mode = ColumnModeGuard()
        self._repeats = RepeatGuard()
        self._numbers = NumberGuard()
        self._soft_resets = SoftResetGuard()
        self._links = LinkGuard()
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
        data = self._soft_resets.filter(data.replace(_DELETE, b""))
        if b"!" in data:
            *before, data = data.split(SOFT_RESET)
            for part in before:
                self._read(part)
                self._reset_in_place()
        self._read(data)

    def _read(self, data: bytes) -> None:
        data = self._numbers.filter(self._repeats.filter(self._column_mode.filter(data)))
        if self.columns * self.rows > MOST_LINKED:
            data = self._links.filter(data)
        lib.ghostty_terminal_vt_write(self._terminal, data, len(data))
        self._other_keys.read(data)
        self.effects.scan(data)

    def resize(self, columns: int, rows: int) -> None:
        """Take a new size, wrapping the lines of the main screen anew."""
        columns, rows = min(max(1, columns), 2000), min(max(1, rows), 1000)
        if (columns, rows) == (self.columns, self.rows):
            return
        self.effects.size = (columns, rows)
        self._bound_scrollback(max(columns, self.columns))
        call(lib.ghostty_terminal_resize(self._terminal, columns, rows, *CELL_PIXELS), "resize")
        if columns * rows > MOST_LINKED:
            self.feed(CLOSE_LINK)
        self.columns, self.rows = columns, rows
        self._repeats.most = columns
        self._bound_scrollback(columns)

    def forget_program(self) -> None:
        """Undo what the program that ended has set, keeping what the main screen shows."""
        self.feed(b"\x18")
        if self.modes.alternate_screen:
            self.feed(b"\x1b[?1049l\x1b[?1047l")
        self._read(_FORGET)
        self._reset_in_place()
        self.effects.forget()

    def _reset_in_place(self) -> None:
        """Do what DECSTR does; the cursor stays where it is."""
        column, row = self.position
        data = _INITIAL + b"\x1b[%d;%dH" % (row + 1, column + 1)
        # It is nothing that a guard has to see, and a program may send thousands of it.
        lib.ghostty_terminal_vt_write(self._terminal, data, len(data))

    def compress(self) -> bool:
        """Compress some of the lines above the screen; return whether there are more.

        A step is short, as the library bounds it. Nothing is lost: what is looked at later is
        decompressed.
        """
        result = new("GhosttyTerminalCompressionResult")
        step = lib.GHOSTTY_TERMINAL_COMPRESSION_MODE_INCREMENTAL
        call(lib.ghostty_terminal_compress(self._terminal, step, result), "compress")
        return bool(result[0] == lib.GHOSTTY_TERMINAL_COMPRESSION_RESULT_PENDING)

    # -- what happened

    def take_replies(self) -> bytes:
        """Return the answers to the remote's queries that are to be sent, once."""
        return self.effects.replies.take()

    def take_bell(self) -> bool:
        """Return whether the bell rang since the last call."""
        rang, self.effects.bell = self.effects.bell, False
        return rang

    def take_title(self) -> str | None:
        """Return the new title, cleaned, if it was set since the last call."""
        if not self.effects.title_changed:
            return None
        self.effects.title_changed = False
        text = self._get(lib.GHOSTTY_TERMINAL_DATA_TITLE, "GhosttyString")
        return clean(bytes(ffi.buffer(text.ptr, text.len)), TITLE_LIMIT) if text.len else ""

    # -- what is to be drawn

    @property
    def hold(self) -> int:
        """The number of the frame a program is in the middle of (mode 2026), 0 for none."""
        return self.effects.hold

    def end_hold(self) -> None:
        """Wait no longer for the end of the program's frame: it may never come."""
        mode = new("GhosttyTerminalModeConfig", {"mode": _SYNCHRONIZED, "value": False})
        call(lib.ghostty_terminal_set(self._terminal, lib.GHOSTTY_TERMINAL_OPT_MODE, mode), "hold")
        self.effects.hold = 0

    def take_damage(self) -> Damage:
        """Return the rows that changed since the last call, decoded.

        While a program is in the middle of a frame (mode 2026), as the last whole one left them.
        """
        if not self.effects.hold:
            call(lib.ghostty_render_state_update(self._state, self._terminal), "update")
        self.effects.kept_frame = False
        dirty = new("GhosttyRenderStateDirty")
        self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_DIRTY, dirty)
        lines: dict[int, Line] = {}
        if dirty[0] != lib.GHOSTTY_RENDER_STATE_DIRTY_FALSE:
            places = list(self._dirty_rows())
            known: dict[int, Row] = {}
            if len(places) >= WORTH_IT and not self.effects.hold:
                # What is written is the terminal as it is now, not a frame that was kept.
                known = self._written.read(places[0], places[-1], self.columns)
            for place in self._dirty_rows():
                lines[place] = self._decoder.line(known.get(place))
            call(lib.ghostty_render_state_clean(self._state), "clean")
        return Damage(lines, full=dirty[0] == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL)

    def _dirty_rows(self) -> Iterator[int]:
        """Go to each row that changed and give its place."""
        iterator = new("GhosttyRenderStateRowIterator", self._rows)
        self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, iterator)
        at = new("uint16_t")
        while lib.ghostty_render_state_row_iterator_next_dirty(self._rows, at):
            yield int(at[0])

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
            synchronized=self._mode(_SYNCHRONIZED),
        )

    @property
    def kitty_keyboard(self) -> int:
        """The flags of the kitty keyboard protocol in force, 0 where it is not."""
        return int(self._get(lib.GHOSTTY_TERMINAL_DATA_KITTY_KEYBOARD_FLAGS, "uint8_t"))

    @property
    def modify_other_keys(self) -> int:
        """The level of xterm's modifyOtherKeys in force: 0, 1 or 2."""
        return self._other_keys.level

    @property
    def reports_colour_scheme(self) -> bool:
        """Whether the program wants to be told of another theme (mode 2031)."""
        return self._mode(2031)

    @property
    def column(self) -> int:
        """The column the next character goes to."""
        return int(self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_X, "uint16_t"))

    @property
    def position(self) -> tuple[int, int]:
        """The column and the row of the screen that the next character goes to."""
        return self.column, int(self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y, "uint16_t"))

    @property
    def scroll(self) -> Scroll:
        """Where the viewport is in what can be scrolled through."""
        bar = self._get(lib.GHOSTTY_TERMINAL_DATA_SCROLLBAR, "GhosttyTerminalScrollbar")
        return Scroll(bar.total, bar.offset, bar.len)

    def scroll_by(self, rows: int) -> None:
        """Move the viewport `rows` down, up where negative, as far as there are any."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_DELTA, rows)

    def scroll_to(self, row: int) -> None:
        """Have the viewport begin with a row, counted from the oldest that is kept."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_ROW, row)

    def scroll_to_bottom(self) -> None:
        """Show the newest rows again."""
        self._scroll_viewport(lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)

    def view(self) -> list[Line]:
        """Return the rows of the viewport, decoded, whether they changed or not."""
        if not self.hold:
            call(lib.ghostty_render_state_update(self._state, self._terminal), "update")
        iterator = new("GhosttyRenderStateRowIterator", self._rows)
        self._state_get(lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR, iterator)
        lines = []
        while lib.ghostty_render_state_row_iterator_next(self._rows):
            lines.append(self._decoder.line())
        return lines

    def screen_text(self) -> list[str]:
        """Return the rows of the viewport as text, without trailing blanks."""
        return ["".join(run.text for run in line.runs).rstrip() for line in self.view()]

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

    def _scroll_viewport(self, tag: int, value: int) -> None:
        scroll = function("ghostty_terminal_scroll_viewport")
        where = new("SSHDashScrollViewport", {"tag": tag, "value": value})
        scroll(self._terminal, where[0])
