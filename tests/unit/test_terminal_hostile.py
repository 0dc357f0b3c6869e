"""What a hostile program sends costs little and leaves a terminal that works."""

import time
import tracemalloc

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.intake import Intake
from tests.sequences import ATTACKS, Sequences, kept

SLOW = 0.05
"""Seconds that the event loop may be held at most, by the processor's time."""


async def fed(emulator: Emulator, data: bytes) -> float:
    """Feed `data` as a session does and return the longest that the loop was held."""
    held = 0.0

    def feed(piece: bytes) -> None:
        nonlocal held
        began = time.thread_time()
        emulator.feed(piece)
        held = max(held, time.thread_time() - began)

    intake = Intake(feed, lambda: None, lambda: None, lambda: None)
    intake.add(data)
    await intake.drained()
    return held


def works(emulator: Emulator) -> None:
    """Check that the terminal understands what comes next."""
    emulator.feed(b"\x18\x1b\\\x1bc\x1b[2;3Hin step")
    assert emulator.screen_text()[1] == "  in step"
    assert len(emulator.screen_text()) == emulator.rows


@pytest.mark.alone
@pytest.mark.parametrize("name", [*ATTACKS, "text"])
async def test_a_flood_of_it_holds_nothing_up(name: str) -> None:
    emulator = Emulator(80, 24, scrollback=10_000)
    emulator.feed(b"a line of the scrollback\r\n" * 12_000)
    attack = ATTACKS.get(name, b"plain text\r\n")
    assert await fed(emulator, attack * (64 * 1024 // len(attack) + 1)) < SLOW
    works(emulator)


@pytest.mark.alone
async def test_parameters_without_end_are_bounded() -> None:
    emulator = Emulator(80, 24)
    sent = b"\x1b[" + b";" * 2**22 + b"m"
    assert await fed(emulator, sent) < SLOW
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        await fed(emulator, sent)
    assert psutil.Process().memory_info().rss - before < 8 * 1024 * 1024
    works(emulator)


@pytest.mark.parametrize(
    "opener", [b"\x1b]0;", b"\x1b]52;c;", b"\x1b]8;;", b"\x1bP", b"\x1b_", b"\x1bX"]
)
@pytest.mark.alone
def test_strings_without_end_are_bounded(opener: bytes) -> None:
    emulator = Emulator(80, 24)
    emulator.feed(opener)
    block = b"AAAA" * 65536
    for _ in range(8):
        emulator.feed(block)
    before = psutil.Process().memory_info().rss
    for _ in range(150):
        emulator.feed(block)
    assert psutil.Process().memory_info().rss - before < 16 * 1024 * 1024
    works(emulator)


def test_combining_marks_without_end_are_bounded() -> None:
    emulator = Emulator(80, 24)
    for _ in range(20):
        emulator.feed(b"e" + "\u0301".encode() * 5000)
    line = emulator.take_damage().lines[0]
    assert sum(run.width for run in line.runs) == 80
    works(emulator)


def test_a_storm_of_sizes_leaves_the_last() -> None:
    emulator = Emulator(80, 24, scrollback=200)
    emulator.feed("wide 漢字 and a line that is to be wrapped\r\n".encode() * 300)
    sizes = [(1, 1), (500, 200), (80, 24), (2, 300), (300, 2), (7, 5)]
    for number in range(200):
        emulator.resize(*sizes[number % len(sizes)])
        emulator.feed(
            b"\x1b[?1049h" if number % 7 == 3 else b"\x1b[?1049l" if number % 7 else b"x\r\n"
        )
        damage = emulator.take_damage()
        assert all(0 <= y < emulator.rows for y in damage.lines)
    emulator.resize(61, 17)
    assert (emulator.columns, len(emulator.screen_text())) == (61, 17)
    works(emulator)


def test_titles_without_end_are_one_title() -> None:
    emulator = Emulator(80, 24)
    tracemalloc.start()
    try:
        for number in range(10_000):
            emulator.feed(b"\x1b]2;[bold]title \x1b\\\x1b]0;%d\xe2\x80\xae\x07" % number)
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()
    assert emulator.take_title() == "9999\\u202e"
    assert emulator.take_title() is None
    emulator.feed(b"\x1b]2;" + b"x" * 2**20 + b"\x07")
    assert len(emulator.take_title() or "") <= 80


def look(emulator: Emulator) -> None:
    """Check what is always true of a screen."""
    damage = emulator.take_damage()
    for y, line in damage.lines.items():
        assert 0 <= y < emulator.rows
        assert sum(run.width for run in line.runs) == emulator.columns
    assert 0 <= emulator.cursor.x < emulator.columns
    assert 0 <= emulator.cursor.y < emulator.rows


@given(st.integers(0, 2**32), st.sampled_from([(80, 24), (1, 1), (3, 2), (132, 50)]))
def test_any_sequences_leave_a_whole_screen(seed: int, size: tuple[int, int]) -> None:
    sequences = Sequences(seed)
    emulator = Emulator(*size, scrollback=100)
    for _ in range(10):
        emulator.feed(sequences.many(20))
        look(emulator)


def test_what_failed_once_does_not_again() -> None:
    for data in kept():
        for size in ((80, 24), (1, 1), (500, 200)):
            emulator = Emulator(*size, scrollback=100)
            emulator.feed(data)
            look(emulator)


def test_the_same_seed_is_the_same_input() -> None:
    assert Sequences(5).many(50) == Sequences(5).many(50)
    assert Sequences(5).many(50) != Sequences(6).many(50)
