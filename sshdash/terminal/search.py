"""Finds text in the rows of a terminal, a slice of time after the other, and keeps up with output.

Lines are searched whole, however they are wrapped, from the newest to the oldest. Rows of the
scrollback do not change any more, so each is read once; those of the screen are read again at
every look.
"""

import re
import time
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from sshdash.terminal.grid import GridRow, Rows
from sshdash.terminal.pattern import TooSlow, interrupted_after

MOST = 10_000
"""Matches that are kept: the newest."""
LONGEST_LINE = 400
"""Rows of a line that are searched as one; what is longer is searched in pieces."""
_LARGEST_CHUNK = 512
_SMALLEST_CHUNK = 8
"""Rows read at a time, fewer where they take long."""
_CHUNK_SECONDS = 0.002
_LINE_SECONDS = 0.004
"""How long one line may take."""
_MOST_SKIPPED = 3


class Match(NamedTuple):
    """Found text: a row and a character of it, to one behind the last character of another."""

    row: int
    start: int
    last_row: int
    end: int


class Search:
    """Looks for one pattern. `work` is to be called until it returns False, then after output."""

    def __init__(self, rows: Rows, pattern: re.Pattern[str]) -> None:
        self._rows = rows
        self._upto = 0
        """The first row of what was searched, going up."""
        self._pattern = pattern
        self.skipped = 0
        """Lines that took too long and were left out."""
        self._begin()

    def __repr__(self) -> str:
        return f"<Search {self._pattern.pattern!r} [{len(self)}{'' if self.done else '…'}]>"

    def __len__(self) -> int:
        return len(self._settled) + len(self._tail)

    def __iter__(self) -> Iterator[Match]:
        yield from self._settled
        yield from self._tail

    def __getitem__(self, index: int) -> Match:
        settled = len(self._settled)
        return self._settled[index] if index < settled else self._tail[index - settled]

    @property
    def done(self) -> bool:
        """Whether every row that is kept was searched, or as many as one may."""
        return self._upto <= self._rows.first or self.full or self.given_up

    @property
    def full(self) -> bool:
        """Whether there may be more matches than are kept."""
        return len(self._settled) >= MOST

    @property
    def given_up(self) -> bool:
        """Whether the pattern took too long on too many lines."""
        return self.skipped >= _MOST_SKIPPED

    def work(self, seconds: float) -> bool:
        """Search for about so long; return whether there is more to do."""
        deadline = time.perf_counter() + seconds
        rows = self._rows
        if rows.epoch != self._epoch:
            self._begin()
        self._forget_dropped()
        if not self._follow(deadline):
            return True
        self._forget_dropped()
        while not self.done:
            before = self._upto
            self._upto, found = self._upward(before)
            self._settled[0:0] = found
            if time.perf_counter() >= deadline or self._upto == before:
                break
        return not self.done

    def reached(self, row: int) -> bool:
        """Return whether everything from a row on down was searched."""
        return self.done or (self._below is not None and self._upto <= row)

    def index_near(self, row: int, character: int, *, backwards: bool) -> int | None:
        """Return the match at a place or the nearest behind it; before it where `backwards`.

        Past the end it goes on at the other; None where there is no match at all.
        """
        if not len(self):
            return None
        if backwards:
            return (self._place(row, character + 1) - 1) % len(self)
        return self._place(row, character) % len(self)

    def index_of(self, match: Match) -> int | None:
        """Return where a match is among the others, None where it is gone."""
        index = self._place(match.row, match.start)
        return index if index < len(self) and self[index] == match else None

    def within(self, first: int, end: int) -> Iterator[Match]:
        """Return the matches that touch the rows from `first` up to `end`."""
        index = self._place(first, 0)
        # A match may begin above, on the line that goes on here, and only the last one can.
        if index and self[index - 1].last_row >= first:
            yield self[index - 1]
        while index < len(self) and self[index].row < end:
            yield self[index]
            index += 1

    # -- internals

    def _begin(self) -> None:
        self._epoch = self._rows.epoch
        self.skipped = 0
        self._slow: set[tuple[int, str]] = set()
        """The lines that were left out, by their first row."""
        self._chunk = _SMALLEST_CHUNK * 8
        self._settled: list[Match] = []
        self._tail: list[Match] = []
        self._below: int | None = None
        """The first row that is still to be searched again, or for the first time."""
        self._upto = self._rows.first

    def _place(self, row: int, character: int) -> int:
        at = (row, character)
        settled = bisect_left(self._settled, at)
        if settled < len(self._settled):
            return settled
        return settled + bisect_left(self._tail, at)

    def _forget_dropped(self) -> None:
        kept = bisect_left(self._settled, (self._rows.first, 0))
        extra = max(kept, len(self._settled) - MOST)
        if extra:
            del self._settled[:extra]
        if self._below is not None and self._below < self._rows.first:
            self._below = self._rows.first

    def _follow(self, deadline: float) -> bool:
        """Search what has left the screen since the last time, then the screen itself."""
        rows = self._rows
        if self._below is None:
            self._below = self._upto = self._line_start(rows.screen)
        start = self._line_start(rows.screen)
        while self._below < start and not self.given_up:
            end = min(self._below + self._chunk, start)
            while end < start and self._continues(end):
                end += 1
            self._below, found = self._found(self._below, end)
            self._settled += found
            if self._below < end or (time.perf_counter() >= deadline and end < start):
                self._tail = [one for one in self._tail if one.row >= self._below]
                return False
        reached, self._tail = (rows.end, []) if self.given_up else self._found(start, rows.end)
        return reached >= rows.end

    def _upward(self, end: int) -> tuple[int, list[Match]]:
        """Search the rows above `end`, some of them; return where they began and what was found."""
        start = self._line_start(max(self._rows.first, end - self._chunk))
        reached, found = self._found(start, end)
        # What is left of it takes another turn, which knows the line that took long.
        return (start, found) if reached >= end else (end, [])

    def _line_start(self, row: int) -> int:
        """Return where the line of a row begins, unless that is very far up."""
        furthest = row - LONGEST_LINE
        while row > max(self._rows.first, furthest) and self._continues(row):
            row -= 1
        return row

    def _continues(self, row: int) -> bool:
        """Return whether a row goes on with the line of the row above."""
        return any(one.wraps for one in self._rows.rows(row - 1, row))

    def _found(self, first: int, end: int) -> tuple[int, list[Match]]:
        """Return the matches in whole lines, and up to which row; no more than one takes long."""
        began = time.perf_counter()
        found: list[Match] = []
        lines = list(_lines(self._rows.rows(first, end)))
        top = max(first, self._rows.first)
        at, skipped = 0, self.skipped
        while at < len(lines) and self.skipped == skipped:
            at = self._search_lines(lines, at, top, found)
        took = time.perf_counter() - began
        if took > _CHUNK_SECONDS:
            self._chunk = max(_SMALLEST_CHUNK, self._chunk // 4)
        elif took < _CHUNK_SECONDS / 3:
            self._chunk = min(_LARGEST_CHUNK, self._chunk * 2)
        return (end if at >= len(lines) else top + lines[at][0]), found

    def _search_lines(
        self, lines: list[tuple[int, list[str]]], at: int, first: int, found: list[Match]
    ) -> int:
        """Search lines for a moment, leaving out one that takes long; return the next one."""
        began = time.perf_counter()
        try:
            with interrupted_after(_LINE_SECONDS):
                while at < len(lines) and time.perf_counter() - began < _LINE_SECONDS / 2:
                    offset, texts = lines[at]
                    text = "".join(texts)
                    known = (first + offset, text) in self._slow
                    spans = [] if known else self._spans(text)
                    at += 1
                    found += [
                        _located(first + offset, texts, *span)
                        for span in spans
                        if span[0] < span[1]
                    ]
        except TooSlow:
            self.skipped += 1
            self._slow.add((first + lines[at][0], "".join(lines[at][1])))
            at += 1
        return at

    def _spans(self, text: str) -> list[tuple[int, int]]:
        return [one.span() for one in self._pattern.finditer(text)]


def _lines(rows: list[GridRow]) -> Iterator[tuple[int, list[str]]]:
    """Return each line as the number of its first row and the texts of its rows."""
    start = 0
    texts: list[str] = []
    for number, row in enumerate(rows):
        texts.append(row.text)
        if not row.wraps or len(texts) >= LONGEST_LINE:
            yield start, texts
            start, texts = number + 1, []
    if texts:
        yield start, texts


def _located(first: int, texts: list[str], start: int, stop: int) -> Match:
    """Return the match of the characters from `start` to `stop` of a line."""
    row, before = first, 0
    begin: tuple[int, int] | None = None
    for text in texts:
        if begin is None and start < before + len(text):
            begin = row, start - before
        if stop <= before + len(text):
            break
        row, before = row + 1, before + len(text)
    assert begin is not None
    return Match(*begin, row, stop - before)
