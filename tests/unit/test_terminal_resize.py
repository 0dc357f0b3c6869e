"""Resizing: lines are wrapped anew and back, and no storm of sizes breaks the screen."""

import random

import pytest

from sshdash.terminal.cells import CellStyle
from sshdash.terminal.emulator import Emulator

_PIECES = (
    b"plain text ",
    "漢字テスト".encode(),
    "e\u0301👩\u200d💻".encode(),
    b"\x1b[31;44mcolour\x1b[m",
    b"\r\n",
    b"\t",
    b"\x1b[2;3H",
    b"\x1b[3;7r",
    b"\x1b[r",
    b"\x1b[?1049h",
    b"\x1b[?1049l",
    b"\x1b[?2026h",
    b"\x1b[?2026l",
    b"\x1b[J",
    b"\x1b[?7l",
    b"\x1b[?7h",
    b"\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\",
)


def test_wrapped_lines_come_back_whole_with_their_styles() -> None:
    emulator = Emulator(40, 6)
    emulator.feed("one \x1b[1mbold 漢字 two\x1b[m three four\r\n$ ".encode())
    before = [(run.text.rstrip(), run.style) for run in emulator.take_damage().lines[0].runs]
    for columns in (9, 2, 500, 3, 40):
        emulator.resize(columns, 6)
    emulator.scroll_by(-1000)
    after = [(run.text.rstrip(), run.style) for run in emulator.view()[0].runs]
    assert after == before
    assert after[1][1] == CellStyle(bold=True)


def test_the_alternate_screen_is_cut_and_the_main_one_wrapped_beneath_it() -> None:
    emulator = Emulator(20, 4)
    emulator.feed(b"a long line of text\r\n$ \x1b[?1049h\x1b[H0123456789abcdefghij")
    emulator.resize(10, 4)
    assert emulator.screen_text()[0] == "0123456789"
    emulator.feed(b"\x1b[?1049l")
    assert emulator.screen_text()[:3] == ["a long lin", "e of text", "$"]
    emulator.resize(20, 4)
    assert emulator.screen_text()[:2] == ["a long line of text", "$"]


def test_the_cursor_stays_with_its_text() -> None:
    emulator = Emulator(20, 5)
    emulator.feed(b"0123456789abcdefgh")
    emulator.resize(8, 5)
    emulator.feed(b"X")
    assert emulator.screen_text()[:3] == ["01234567", "89abcdef", "ghX"]


def test_what_scrolls_off_a_lower_screen_comes_back_with_a_higher_one() -> None:
    emulator = Emulator(10, 6)
    emulator.feed(b"".join(b"%d\r\n" % number for number in range(5)))
    emulator.resize(10, 2)
    assert emulator.screen_text() == ["4", ""]
    emulator.resize(10, 6)
    assert emulator.screen_text() == ["0", "1", "2", "3", "4", ""]


def test_a_resize_ends_a_frame_that_was_held() -> None:
    emulator = Emulator(20, 4)
    emulator.feed(b"\x1b[?2026hhalf")
    emulator.take_damage()
    emulator.resize(30, 4)
    assert not emulator.hold
    assert emulator.take_damage().lines[0].runs[0].text.startswith("half")


@pytest.mark.parametrize("seed", range(8))
def test_a_storm_of_sizes(seed: int) -> None:
    dice = random.Random(seed)
    emulator = Emulator(80, 24, scrollback=200)
    for _ in range(300):
        emulator.feed(dice.choice(_PIECES) * dice.randrange(1, 5))
        if dice.random() < 0.6:
            columns = dice.choice((1, 2, 3, 79, 80, 500, dice.randrange(1, 200)))
            emulator.resize(columns, dice.choice((1, 2, 24, 200, dice.randrange(1, 60))))
        if dice.random() < 0.3:
            emulator.scroll_by(dice.randrange(-50, 50))
        if dice.random() < 0.5:
            damage = emulator.take_damage()
            for y, line in damage.lines.items():
                assert 0 <= y < emulator.rows
                assert sum(run.width for run in line.runs) == emulator.columns
            assert 0 <= emulator.cursor.x < emulator.columns
            assert 0 <= emulator.cursor.y < emulator.rows
    emulator.resize(80, 24)
    emulator.feed(b"\x1bc\x1b[?2026lready")
    emulator.scroll_to_bottom()
    assert emulator.screen_text()[0] == "ready"
