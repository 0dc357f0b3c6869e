"""DECCOLM never changes the width of a terminal, however it is spelled."""

import pytest

from sshdash.terminal.column_mode import ColumnModeGuard
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import lib

ALLOWED = [
    b"\x1b[?40h",
    b"\x1b[?1;40h",
    b"\x1b[?40;1h",
    b"\x1b[?0040h",
    b"\x1b[?;40;h",
    b"\x1b[?4\x070h",
    b"\x1b[\n?40h",
    b"\x1b[?40\x00h",
    b"\x1b[?40h\x1b[?40h",
    b"\x1b[?7h\x1b[?25;40;2004h",
    b"\x1b[?" + b"0" * 600 + b"40h",
]


def width(emulator: Emulator) -> int:
    return int(emulator._get(lib.GHOSTTY_TERMINAL_DATA_COLS, "uint16_t"))


@pytest.mark.parametrize("allowed", ALLOWED)
@pytest.mark.parametrize("piece", [1, 2, 3, 7, 4096])
def test_the_width_stays(allowed: bytes, piece: int) -> None:
    emulator = Emulator(60, 10)
    data = b"text" + allowed + b"\x1b[?3hmore"
    for start in range(0, len(data), piece):
        emulator.feed(data[start : start + piece])
        assert width(emulator) == 60
    assert "more" in "".join(emulator.screen_text())


def test_the_library_would_obey() -> None:
    emulator = Emulator(60, 10)
    data = b"\x1b[?40h\x1b[?3h"
    lib.ghostty_terminal_vt_write(emulator.handle, data, len(data))
    assert width(emulator) == 132


def test_what_is_set_beside_it_is_set() -> None:
    emulator = Emulator(60, 10)
    emulator.feed(b"\x1b[?1;40;2004h")
    assert emulator.modes.application_cursor
    assert emulator.modes.bracketed_paste


@pytest.mark.parametrize(
    "other",
    [b"40h", b"\x1b[40h", b"\x1b[?40l", b"\x1b[?140h", b"\x1b[?400h", b"\x1b]0;?40h\x07", b"?40h"],
)
def test_all_else_passes_as_it_is(other: bytes) -> None:
    guard = ColumnModeGuard()
    assert guard.filter(b"a" + other + b"b") == b"a" + other + b"b"
    assert b"".join(guard.filter(bytes([byte])) for byte in other) == other
