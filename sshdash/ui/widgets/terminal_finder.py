"""Searches what a terminal has shown without holding up the screen, and knows the current match."""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import NamedTuple

from sshdash.terminal.grid import Grid
from sshdash.terminal.motions import Lines, Place
from sshdash.terminal.pattern import compile_pattern
from sshdash.terminal.search import Match, Search

_TURN_SECONDS = 0.003
_PAUSE_SECONDS = 0.003
"""Between two turns, for whoever else has something to do."""


class Query(NamedTuple):
    """What is searched for, and which way."""

    text: str
    regex: bool = False
    upwards: bool = True


class Finder:
    """One search over a grid. `changed` is called when there is something new to show."""

    def __init__(
        self, grid: Grid, query: Query, origin: Place, changed: Callable[[], None]
    ) -> None:
        """Begin at `origin`, a cell. Raises PatternError."""
        self.query = query
        self._grid = grid
        self._search = Search(grid, compile_pattern(query.text, regex=query.regex))
        self._origin = origin
        self._changed = changed
        self._context = copy_context()
        self._turn: asyncio.TimerHandle | None = None
        self._epoch = grid.epoch
        self.current: Match | None = None
        """The match that n and N go on from."""
        self.shown = False
        """Whether the first match was gone to."""
        self.wrapped = False
        """Whether the last step went past an end."""
        self.follow()

    def __repr__(self) -> str:
        return f"<Finder {self._search} current={self.current}>"

    def stop(self) -> None:
        """Search no more."""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def keep_up(self) -> None:
        """Search what is new, unless a turn is due anyway."""
        if self._turn is None or self._grid.epoch != self._epoch:
            self.follow()

    def follow(self) -> None:
        """Search what is new since the last time, and as much of the rest as fits in a turn."""
        if self._grid.epoch != self._epoch:
            self._epoch, self.current = self._grid.epoch, None
        more = self._search.work(_TURN_SECONDS)
        if self.current is None:
            self._choose()
        if more and self._turn is None:
            loop = asyncio.get_running_loop()
            self._turn = loop.call_later(_PAUSE_SECONDS, self._go_on, context=self._context)

    def step(self, upwards: bool) -> None:
        """Go to the next match, around the ends."""
        if self.current is None or not len(self._search):
            return
        match = self.current
        past = (match.row, match.start + (0 if upwards else 1))
        index = self._search.index_near(*past, backwards=False) or 0
        if upwards:
            index = (index - 1) % len(self._search)
        self.current = self._search[index]
        self.wrapped = (self.current >= match) if upwards else (self.current <= match)

    @property
    def status(self) -> str:
        """How many there are, and which of them is the current one."""
        search = self._search
        if search.given_up:
            return "too slow, stopped"
        count = f"{len(search)}{'+' if search.full else '' if search.done else '…'}"
        if not len(search):
            return "not found" if search.done else "…"
        index = search.index_of(self.current) if self.current is not None else None
        text = f"{'–' if index is None else index + 1}/{count}"
        if self.wrapped:
            text += " wrapped"
        if search.skipped:
            text += f" · {search.skipped} too slow"
        return text

    @property
    def place(self) -> Place | None:
        """The cell the current match begins at."""
        if self.current is None:
            return None
        lines = Lines(self._grid)
        return Place(self.current.row, _column(lines.cells(self.current.row), self.current.start))

    def marks(self, first: int, end: int) -> Iterator[tuple[int, int, int, bool]]:
        """Return what matches in some rows: row, columns, whether it is the current match."""
        lines = Lines(self._grid)
        for match in self._search.within(first, end):
            for row in range(max(match.row, first), min(match.last_row + 1, end)):
                cells = lines.cells(row)
                start = _column(cells, match.start) if row == match.row else 0
                stop = _column(cells, match.end) if row == match.last_row else len(cells)
                if start < stop:
                    yield row, start, stop, match == self.current

    def _go_on(self) -> None:
        self._turn = None
        self._grid.look()
        self.follow()
        self._changed()

    def _choose(self) -> None:
        """Take the nearest match, the way the search goes, once it is known which that is."""
        search, origin = self._search, self._origin
        if not len(search) or not search.reached(origin.row):
            return
        upwards = self.query.upwards
        index = search.index_near(origin.row, origin.column, backwards=upwards)
        if index is None:
            return
        match = search[index]
        beyond = match.row > origin.row if upwards else match.row < origin.row
        if beyond and not search.done:
            return
        self.current, self.wrapped = match, beyond


def _column(cells: list[str], character: int) -> int:
    """Return the column of a character of a row."""
    before = 0
    for column, cell in enumerate(cells):
        if before >= character and cell:
            return column
        before += len(cell)
    return len(cells)
