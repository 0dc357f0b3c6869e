"""What the library would obey at a price is changed on its way, however it is spelled and cut."""

import subprocess
import sys

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import lib
from sshdash.terminal.guards import ColumnModeGuard, LinkGuard, NumberGuard, RepeatGuard

ALLOWED = [
    b"\x1b[?40h",
    b"\x1b[?1;40h",
    b"\x1b[?40;1h",
    b"\x1b[?0040h",
    b"\x1b[?;40;h",
    b"\x1b[?4\x070h",
    b"\x1b\x07[?40h",
    b"\x1b\x7f[?40h",
    b"\x1b_a\x9b?40h",
    b"\x1b[1\x9b?4\x9b?1;40h",
    b"\x1b\x9b\xe9?40h",
    b"\x1b[\xe9?4\xff0\x80h",
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


def test_a_table_that_began_small_has_room_for_the_screen() -> None:
    """A screen of 30,000 cells and more that was a small one had room for fewer."""
    for columns, rows in ((2000, 20), (1500, 15), (300, 75)):
        program = _FILLED + (
            f"terminal.resize(80, 24); terminal.feed(b'\\x1b[?1049h' + b'a' * 60000)\n"
            f"terminal.resize({columns}, {rows}); terminal.feed(data)"
        )
        assert ends(program) == 0


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
def test_other_modes_pass_as_they_are(other: bytes) -> None:
    guard = ColumnModeGuard()
    assert guard.filter(b"a" + other + b"b") == b"a" + other + b"b"
    assert b"".join(guard.filter(bytes([byte])) for byte in other) == other


@pytest.mark.parametrize(
    "repeat",
    [
        b"\x1b[2000000000b",
        b"\x1b[65535b",
        b"\x1b[21b",
        b"\x1b[0099;1b",
        b"\x1b[9\x009b",
        b"\x1b[99\x07b",
        b"\x1b[9\xc39\xffb",
        b"\x1b\x07[99b",
        b"\x1b(\x9b99b",
    ],
)
def test_a_character_is_repeated_through_one_row(repeat: bytes) -> None:
    for pieces in ([b"ab" + repeat], [bytes([byte]) for byte in b"ab" + repeat]):
        emulator = Emulator(20, 5)
        for piece in pieces:
            emulator.feed(piece)
        assert emulator.screen_text() == ["a" + "b" * 19, "bb", "", "", ""]


@pytest.mark.parametrize(
    "other", [b"20b", b"\x1b[20b", b"\x1b[?99b", b"\x1b[99 b", b"\x1b]0;99b\x07"]
)
def test_other_repeats_pass_as_they_are(other: bytes) -> None:
    guard = RepeatGuard()
    guard.most = 20
    assert guard.filter(b"a" + other + b"b") == b"a" + other + b"b"
    assert b"".join(guard.filter(bytes([byte])) for byte in other) == other


@pytest.mark.parametrize(
    "other",
    [
        *(
            b"\x1b[0m",
            b"\x1b[0J",
            b"\x1b[0K",
            b"\x1b[10L",
            b"\x1b[0;3H",
            b"0L",
            b";3A",
            b"\x1b[;3r",
        ),
        *(b"\x1b[1;2;3m", b"\x1b[?1;2J", b"\x1b[3;4 q", b"\x1b]4;1;A", b"\x1b[1;3h", b"\x1b[3g"),
    ],
)
def test_other_numbers_pass_as_they_are(other: bytes) -> None:
    guard = NumberGuard()
    assert guard.filter(b"a" + other + b"b") == b"a" + other + b"b"
    assert b"".join(guard.filter(bytes([byte])) for byte in other) == other


def test_a_soft_reset_ends_what_a_program_left_behind() -> None:
    emulator = Emulator(20, 6)
    emulator.feed(b"\x1b[?1h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2;4r\x1b[3;5H\x1b7\x1b[!p")
    assert emulator.position == (4, 2)
    assert not emulator.modes.application_cursor
    assert emulator.modes.bracketed_paste
    emulator.feed(b"\x1b8")
    assert emulator.position == (0, 0)
    emulator.take_damage()
    assert emulator.cursor.visible


LARGE = (500, 120)
LINK = b"\x1b]8;;http://host/\x07"
FILL = b"a" * (500 * 120)
_FILLED = f"""
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import lib
terminal = Emulator{LARGE}
data = b"\\x1b[?1049h" + {LINK!r} + b"a" * {4 * len(FILL)}
"""


def ends(program: str) -> int:
    return subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.DEVNULL, check=False
    ).returncode


def test_a_large_screen_is_filled_with_links() -> None:
    assert ends(_FILLED + "terminal.feed(data)") == 0


def test_a_link_begun_on_a_small_screen_ends_on_a_large_one() -> None:
    program = _FILLED + (
        "terminal.resize(80, 24); terminal.feed(data); terminal.resize(500, 120)\n"
        "terminal.feed(b'a' * 240000)"
    )
    assert ends(program) == 0


def test_the_library_would_end_it() -> None:
    """Where this fails the library has learned to deal with it: the guard can go."""
    assert ends(_FILLED + "lib.ghostty_terminal_vt_write(terminal.handle, data, len(data))") != 0


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        b"\x1b\x07]8;;http://host/\x07",
        b"\x1b]8\x00;;http://host/\x07",
        b"\x1b]\x018;id=1;x\x1b\\",
    ],
)
def test_links_are_left_out_however_they_are_cut(link: bytes) -> None:
    whole = LinkGuard().filter(b"a" + link + b"b")
    assert whole != b"a" + link + b"b"
    guard = LinkGuard()
    assert b"".join(guard.filter(bytes([byte])) for byte in b"a" + link + b"b") == whole
    emulator = Emulator(20, 2)
    emulator.feed(whole)
    assert emulator.screen_text()[0] == "ab"


def test_other_strings_are_not() -> None:
    other = b"\x1b]88;x\x07\x1b]0;8;\x07\x1b[8;1;1t]8;\x1b]18;\x07"
    assert LinkGuard().filter(other) == other
