"""What well-known programs send is shown as tmux shows it, on the emulator and on the screen.

The recordings are made by ``tests/record_programs.py``.
"""

import random
from pathlib import Path

import pytest
from rich.style import Style

from sshdash.terminal.cells import Cursor, Line
from sshdash.terminal.emulator import Emulator
from sshdash.ui.widgets.terminal_paint import Painter
from tests.record_programs import COLUMNS, FOLDER, PROGRAMS, ROWS

NAMES = [program.name for program in PROGRAMS]
BASE = Style.parse("#d5dae5 on #12151c")


def recorded(name: str) -> tuple[bytes, list[str]]:
    """Return what a program sent, and the screen of the oracle."""
    shown = (FOLDER / f"{name}.txt").read_text().split("\n")[:ROWS]
    return (FOLDER / f"{name}.bytes").read_bytes(), shown


def drawn(emulator: Emulator) -> tuple[list[Line], Cursor]:
    """Return all that is drawn of a screen."""
    lines = emulator.take_damage().lines
    return [lines[y] for y in range(ROWS)], emulator.cursor


@pytest.mark.parametrize("name", NAMES)
def test_a_program_looks_as_in_tmux(name: str) -> None:
    sent, shown = recorded(name)
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(sent)
    assert emulator.screen_text() == shown


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("direct", [False, True])
def test_a_program_is_drawn_as_in_tmux(name: str, direct: bool) -> None:
    sent, shown = recorded(name)
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(sent)
    painter = Painter(emulator.colours.palette, BASE, Style(), direct=direct)
    lines, _ = drawn(emulator)
    strips = [painter.line(line, COLUMNS) for line in lines]
    assert [strip.text.rstrip() for strip in strips] == shown
    assert all(sum(one.cell_length for one in strip) == COLUMNS for strip in strips)


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_cut_anywhere_is_the_same_screen(name: str) -> None:
    sent, _ = recorded(name)
    whole = Emulator(COLUMNS, ROWS)
    whole.feed(sent)
    expected = drawn(whole)
    for seed in range(3):
        dice = random.Random(seed)
        longest = (1, 9, 200)[seed]
        emulator = Emulator(COLUMNS, ROWS)
        at = 0
        while at < len(sent):
            step = dice.randint(1, longest)
            emulator.feed(sent[at : at + step])
            at += step
        assert drawn(emulator) == expected


def test_the_recordings_are_small() -> None:
    for file in Path(FOLDER).iterdir():
        assert file.stat().st_size < 60_000
