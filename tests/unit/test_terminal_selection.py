"""What is selected, as text and on the screen, while that moves."""

import pytest

from sshdash.terminal.cells import SelectBy
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.selection import Selection

TEXT = b"hello big world of text that wraps\r\nsecond line here\r\nthird\r\n"


@pytest.fixture
def emulator() -> Emulator:
    emulator = Emulator(20, 6)
    emulator.feed(TEXT)
    return emulator


def test_cells(emulator: Emulator) -> None:
    selection = Selection(emulator)
    assert not selection.active
    selection.begin(6, 0)
    assert not selection.active
    selection.extend(8, 0)
    assert selection.active
    assert selection.text() == "big"
    selection.extend(0, 0)
    assert selection.text() == "hello b"


def test_words_and_lines(emulator: Emulator) -> None:
    selection = Selection(emulator)
    selection.begin(7, 0, SelectBy.WORD)
    assert selection.text() == "big"
    selection.extend(12, 0)
    assert selection.text() == "big world"
    selection.extend(1, 0)
    assert selection.text() == "hello big"
    selection.begin(3, 2, SelectBy.LINE)
    assert selection.text() == "second line here"
    selection.extend(3, 0)
    assert selection.text() == "hello big world of text that wraps\nsecond line here"


def test_it_follows_the_text(emulator: Emulator) -> None:
    selection = Selection(emulator)
    selection.begin(7, 0, SelectBy.WORD)
    emulator.feed(b"more\r\n" * 20)
    assert selection.text() == "big"
    emulator.resize(33, 6)
    assert selection.text() == "big"


def test_it_is_drawn(emulator: Emulator) -> None:
    selection = Selection(emulator)
    emulator.take_damage()
    selection.begin(6, 0)
    selection.extend(2, 1)
    lines = emulator.take_damage().lines
    assert lines[0].selected == (6, 19)
    assert lines[1].selected == (0, 2)
    assert lines[2].selected is None
    selection.clear()
    lines = emulator.take_damage().lines
    assert lines[0].selected is None
    assert selection.text() == ""


def test_the_other_screen_ends_it(emulator: Emulator) -> None:
    selection = Selection(emulator)
    selection.begin(0, 0)
    emulator.feed(b"\x1b[?1049h\x1b[Hother")
    selection.extend(5, 3)
    assert selection.text() == ""
    emulator.feed(b"\x1bc")
    selection.extend(5, 3)
    assert selection.text() in ("", "\n\n\n")


@pytest.mark.parametrize("cell", [(-5, -5), (500, 500), (19, 5), (0, 3)])
@pytest.mark.parametrize("by", list(SelectBy))
def test_any_cell_will_do(emulator: Emulator, cell: tuple[int, int], by: SelectBy) -> None:
    selection = Selection(emulator)
    selection.begin(*cell, by)
    selection.extend(3, 0)
    assert isinstance(selection.text(), str)
