"""What a terminal shows, as the bytes that would bring another one to show it. Pure.

The library writes text, styles and modes; what it leaves out or writes in an order that would
spoil the picture is put right here.
"""

import re
from typing import TYPE_CHECKING, Any

from sshdash.terminal.cells import CellStyle, Line
from sshdash.terminal.ghostty import array, call, ffi, function, lib, new, owned, sized

if TYPE_CHECKING:
    from sshdash.terminal.emulator import Emulator

_SCREENS = re.compile(rb"\x1b\[\?(?:47|1047|1049)h")
_ORIGIN = b"\x1b[?6h"
_LEFT_OUT = re.compile(rb"\x1b\[\?2026h")
"""A frame that a program is in the middle of would not be shown until its end."""
_REGION = re.compile(rb"\x1b\[(\d+);\d+r")
_MARGINS = re.compile(rb"\x1b\[(\d+);\d+s")
_START = b"\x1b[!p\x1b[H\x1b[2J"


def written_screen(emulator: "Emulator") -> bytes:
    """Return what makes an emulator of the same size show the same, with cursor and modes.

    Only the screen itself: no line above it, nothing of the other screen, no title.
    """
    text = _written(emulator, whole=False)
    whole = _written(emulator, whole=True)
    before, _, after = whole.partition(text) if text else (whole, b"", b"")
    screen = _SCREENS.search(before)
    modes = _LEFT_OUT.sub(b"", _SCREENS.sub(b"", before))
    column, row = emulator.position
    if _ORIGIN in modes:
        # The cursor's place counts from the margins then.
        row -= _first(_REGION, whole)
        column -= _first(_MARGINS, whole)
    return b"".join(
        (
            screen[0] if screen else b"",
            _START,
            text,
            _backgrounds(emulator),
            b"\x1b[m",
            modes,
            after,
            b"\x1b[%d;%dH" % (max(0, row) + 1, max(0, column) + 1),
        )
    )


def _first(pattern: re.Pattern[bytes], written: bytes) -> int:
    found = pattern.search(written)
    return int(found[1]) - 1 if found else 0


def _backgrounds(emulator: "Emulator") -> bytes:
    """Return what colours the cells without text: of a blank row the library writes nothing."""
    if emulator.scroll.from_bottom:
        return b""  # another part is in view
    return b"".join(_background(place, line) for place, line in enumerate(emulator.view(), 1))


def _background(place: int, line: Line) -> bytes:
    written, column = "", 1
    for run in line.runs:
        colour = run.style.background
        if colour is not None and run.style == CellStyle(background=colour) and run.text.isspace():
            parts = (5, colour) if isinstance(colour, int) else (2, *colour)
            sgr = ";".join(map(str, (0, 48, *parts)))
            written += f"\x1b[{place};{column}H\x1b[{sgr}m\x1b[{run.width}X"
        column += run.width
    return written.encode()


def _written(emulator: "Emulator", *, whole: bool) -> bytes:
    options = sized("GhosttyFormatterTerminalOptions")
    options.emit = lib.GHOSTTY_FORMATTER_FORMAT_VT
    options.unwrap = options.trim = False
    extra = options.extra
    extra.modes = extra.scrolling_region = extra.tabstops = whole
    extra.screen.style = extra.screen.charsets = whole
    chosen = sized("GhosttySelection")
    chosen.start = _ref(emulator, 0, 0)
    chosen.end = _ref(emulator, emulator.columns - 1, emulator.rows - 1)
    options.selection = chosen
    create = lib.ghostty_formatter_terminal_new
    formatter = owned(
        "GhosttyFormatter",
        lambda box: create(ffi.NULL, box, emulator.handle, options[0]),
        lib.ghostty_formatter_free,
    )
    length = new("size_t")
    write = lib.ghostty_formatter_format_buf
    write(formatter, ffi.NULL, 0, length)
    buffer = array("uint8_t", max(1, length[0]))
    call(write(formatter, buffer, length[0], length), "format")
    return bytes(ffi.buffer(buffer, length[0]))


def _ref(emulator: "Emulator", column: int, row: int) -> Any:
    point = new("GhosttyPointS")
    point.tag = lib.GHOSTTY_POINT_TAG_ACTIVE
    point.value.x, point.value.y = column, row
    ref = sized("GhosttyGridRef")
    call(function("ghostty_terminal_grid_ref")(emulator.handle, point[0], ref), "cell")
    return ref[0]
