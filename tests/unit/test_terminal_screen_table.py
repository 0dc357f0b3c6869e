"""Random streams leave the screen and the cursor that a real xterm has after them."""

import re
import unicodedata

import pytest

from sshdash.terminal.emulator import Emulator
from tests.screen_table import CLEAR, COLUMNS, ROWS, load

TABLE = load()
PARTS = 10
OTHERWISE = {
    # CSI s with numbers saves the cursor where left and right margins are not allowed.
    "\x0c\x1b[5;20s b22Z1Y \x1b[30;1B\x1bD\x1b[?1049laY2X\n",
    # A wide character that does not fit leaves what was in the last column.
    "2Xb\x1b[6bcZ c1 XZ1 23c\x1b[8b\x1b8\x1b[19X\x1b[21a字",
    "aZXX\x1b#8X cZa bXX3 \x0b漢\x1b[5b",
}
"""What xterm does otherwise, each for its reason."""


def shown(stream: bytes, piece: int) -> tuple[list[str], tuple[int, int]]:
    emulator = Emulator(COLUMNS, ROWS, 0)
    emulator.feed(CLEAR)
    for start in range(0, len(stream), piece):
        emulator.feed(stream[start : start + piece])
    rows = [unicodedata.normalize("NFC", row) for row in emulator.screen_text()]
    emulator.take_replies()
    emulator.feed(b"\x1b\\\x1b[6n")
    place = re.fullmatch(rb"\x1b\[(\d+);(\d+)R", emulator.take_replies())
    assert place is not None
    return rows, (int(place[2]) - 1, int(place[1]) - 1)


@pytest.mark.parametrize("part", range(PARTS))
def test_the_screen_is_the_one_xterm_has(part: int) -> None:
    for screen in TABLE[part::PARTS]:
        stream = screen.stream.encode()
        for piece in (len(stream), 3):
            same = shown(stream, piece) == (screen.rows, screen.cursor)
            assert same is (screen.stream not in OTHERWISE), ascii(screen.stream)


def test_the_table_is_large() -> None:
    assert len(TABLE) >= 1000
    assert len({screen.stream for screen in TABLE}) > 0.9 * len(TABLE)
