"""Searching a terminal's rows: what is found equals what a naive search of the lines finds."""

import gc
import re
import signal
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sshdash.terminal import search
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.grid import Grid
from sshdash.terminal.pattern import (
    LONGEST,
    PatternError,
    TooSlow,
    compile_pattern,
    interrupted_after,
)
from sshdash.terminal.search import Match, Search

SLOW = r"(a+)+$"


def searched(grid: Grid, text: str, *, regex: bool = False) -> Search:
    one = Search(grid, compile_pattern(text, regex=regex))
    finish(one, grid)
    return one


def finish(one: Search, grid: Grid) -> None:
    grid.look()
    while one.work(1):
        grid.look()


def grid_of(data: str, columns: int = 20, rows: int = 6) -> Grid:
    emulator = Emulator(columns, rows)
    emulator.feed(data.encode())
    return Grid(emulator)


def oracle(grid: Grid, pattern: re.Pattern[str]) -> list[Match]:
    """Search every line, joined from its rows, and say where each character is."""
    found = []
    places: list[tuple[int, int]] = []
    line = ""
    for number, (text, wraps) in enumerate(grid.rows(grid.first, grid.end), grid.first):
        line += text
        places += [(number, character) for character in range(len(text))]
        if wraps:
            continue
        for match in pattern.finditer(line):
            if match.group():
                (row, start), (last, end) = places[match.start()], places[match.end() - 1]
                found.append(Match(row, start, last, end + 1))
        line, places = "", []
    return found


@pytest.mark.parametrize(
    ("typed", "regex", "finds", "not_these"),
    [
        ("error", False, ["error", "ERROR", "Error"], ["err"]),
        ("Error", False, ["Error"], ["error"]),
        ("a.c", False, ["a.c"], ["abc"]),
        ("a.c", True, ["abc", "ABC"], ["ac"]),
        (r"\Sb\W", True, ["ab ", "AB "], ["ab"]),
        (r"\bK\d", True, ["K1"], ["k1"]),
    ],
)
def test_case_counts_where_a_capital_is_typed(
    typed: str, regex: bool, finds: list[str], not_these: list[str]
) -> None:
    pattern = compile_pattern(typed, regex=regex)
    assert all(pattern.search(text) for text in finds)
    assert not any(pattern.search(text) for text in not_these)


@pytest.mark.parametrize("typed", ["(", "[z-a]", "*", "(?P<n", r"\1", "a" * (LONGEST + 1)])
def test_a_wrong_expression_says_what_is_wrong(typed: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(typed, regex=True)
    assert caught.value.title


def test_a_slow_expression_is_interrupted() -> None:
    before = time.process_time()
    with pytest.raises(TooSlow), interrupted_after(0.004):
        re.search(SLOW, "a" * 60 + "b")
    assert time.process_time() - before < 5
    with interrupted_after(0.004):
        pass
    re.search(SLOW, "a" * 18 + "b")  # nothing interrupts any more


def test_an_interruption_is_not_lost_in_the_garbage_collector() -> None:
    spent = time.thread_time

    def collecting(phase: str, _about: dict[str, int]) -> None:
        until = spent() + 0.02
        while phase == "start" and spent() < until:
            pass

    def search_on() -> None:
        kept: list[object] = []
        until = spent() + 0.05
        while spent() < until:
            kept.append([kept])

    thresholds = gc.get_threshold()
    gc.callbacks.append(collecting)
    gc.set_threshold(1000)
    try:
        with pytest.raises(TooSlow), interrupted_after(0.01):
            search_on()
    finally:
        gc.callbacks.remove(collecting)
        gc.set_threshold(*thresholds)
    assert gc.isenabled()


def test_the_timer_of_somebody_else_goes_on() -> None:
    before = signal.getitimer(signal.ITIMER_REAL)
    signal.setitimer(signal.ITIMER_REAL, 1000, 7)
    try:
        with interrupted_after(1):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 1
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 900 < left <= 1000
        assert interval == 7
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_other_threads_take_none_of_the_time() -> None:
    stop = threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(1000))

    other = threading.Thread(target=compute)
    other.start()
    try:
        began = time.thread_time()
        with pytest.raises(TooSlow), interrupted_after(0.02):
            re.search(SLOW, "a" * 60 + "b")
        assert time.thread_time() - began >= 0.02
    finally:
        stop.set()
        other.join()


def test_a_line_that_takes_too_long_is_left_out() -> None:
    grid = grid_of("aaa\r\n" + "a" * 60 + "b\r\naa\r\n")
    one = searched(grid, SLOW, regex=True)
    assert one.skipped == 1
    assert [match.row for match in one] == [0, 5]
    assert not one.given_up


def test_a_hopeless_expression_is_given_up() -> None:
    grid = grid_of(("a" * 60 + "b\r\n") * 50)
    one = searched(grid, SLOW, regex=True)
    assert one.given_up
    assert one.done
    assert not one.work(1)


def test_a_turn_waits_for_one_slow_line_at_most() -> None:
    grid = grid_of("aaa\r\n" + ("a" * 60 + "b\r\n") * 50 + "aa")
    one = Search(grid, compile_pattern(SLOW, regex=True))
    skipped = []
    for _ in range(100):
        more = one.work(1)
        skipped.append(one.skipped)
        if not more:
            break
    assert skipped[-1] == 3
    assert all(after - before <= 1 for before, after in pairwise([0, *skipped]))


def test_matches_across_wrapped_rows() -> None:
    grid = grid_of("0123456789012345 needle in the hay\r\nneedle")
    one = searched(grid, "needle")
    assert list(one) == [Match(0, 17, 1, 3), Match(2, 0, 2, 6)]
    assert list(one.within(1, 2)) == [Match(0, 17, 1, 3)]
    assert list(one.within(2, 9)) == [Match(2, 0, 2, 6)]


def test_the_nearest_and_around_the_ends() -> None:
    grid = grid_of("x\r\n\r\nx x\r\n\r\nx")
    one = searched(grid, "x")
    assert len(one) == 4
    assert one.index_near(2, 1, backwards=True) == 1
    assert one.index_near(2, 1, backwards=False) == 2
    assert one.index_near(5, 0, backwards=False) == 0
    assert one.index_near(-1, 0, backwards=True) == 3
    assert searched(grid, "y").index_near(0, 0, backwards=True) is None


def test_it_keeps_up_with_output() -> None:
    grid = grid_of("hit\r\n" * 30)
    one = searched(grid, "hit")
    assert len(one) == 30
    for _ in range(20):
        grid._emulator.feed(b"hit and hit\r\nmiss\r\n" * 10)
        grid.look()
        finish(one, grid)
        assert list(one) == oracle(grid, compile_pattern("hit", regex=False))
    grid._emulator.feed(b"\x1b[2J")
    finish(one, grid)
    assert list(one) == oracle(grid, compile_pattern("hit", regex=False))
    grid._emulator.resize(9, 6)
    finish(one, grid)
    assert list(one) == oracle(grid, compile_pattern("hit", regex=False))


def test_only_the_newest_matches_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST", 50)
    grid = grid_of("".join(f"hit {number}\r\n" for number in range(2000)))
    one = searched(grid, "hit")
    assert one.full
    assert one[len(one) - 1].row == 1999
    grid._emulator.feed(b"hit\r\n" * 500)
    finish(one, grid)
    assert len(one) < 200
    assert one[len(one) - 1].row == 2499


def test_a_search_is_cut_into_slices() -> None:
    grid = grid_of("some text that is to be searched\r\n" * 3000)
    one = Search(grid, compile_pattern("text", regex=False))
    turns = 1
    while one.work(0):
        turns += 1
        assert not one.done
    assert turns > 3
    assert len(one) == 3000


PIECES = st.sampled_from(
    [
        "ab",
        "a",
        "b",
        "AB",
        " ",
        "  ",
        "\r\n",
        "\r\n\r\n",
        "世",
        "e\u0301",
        "x" * 23,
        "ba" * 40,
        "\t",
    ]
)
FEEDS = st.lists(
    st.one_of(PIECES, st.sampled_from(["\x1b[2J", "\x1b[H", "\x1b[3J", "\x1b[5L", "\x1b[K"])),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(FEEDS, min_size=1, max_size=4),
    st.sampled_from([("ab", False), ("ba", False), ("B", False), (r"a+\s*b", True), (".", True)]),
)
@example([["ab", "\r\n\r\n", "\r\n\r\n"], ["\x1b[3J", "\r\n"]], ("ab", False))
def test_it_finds_what_the_oracle_finds(feeds: list[list[str]], query: tuple[str, bool]) -> None:
    emulator = Emulator(11, 4)
    grid = Grid(emulator)
    pattern = compile_pattern(query[0], regex=query[1])
    one = Search(grid, pattern)
    for pieces in feeds:
        emulator.feed("".join(pieces).encode())
        finish(one, grid)
        assert list(one) == oracle(grid, pattern)
