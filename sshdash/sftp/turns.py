"""Long work on the event loop, in turns with everybody else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from heapq import merge
from itertools import islice
from time import monotonic
from typing import TypeVar

Item = TypeVar("Item")

_BUDGET = 0.003
"""Seconds of work in one turn of the loop."""
_SLICE = 8
"""Things that are certain to take no time worth asking for between them."""
_BATCH = 500
"""Things that are put in order without a pause."""


class Turns:
    """Time that several tasks share, so that not even all of them together hold the loop."""

    def __init__(self) -> None:
        self._due = 0.0
        """When this turn's time is up, 0 where nobody took any of it yet."""

    async def take(self) -> None:
        """Return at once while there is time in this turn of the loop, else in a later one."""
        while True:
            if self._has_time():
                return
            await asyncio.sleep(0)

    async def slices(self, items: Iterable[Item], most: int = _SLICE) -> AsyncIterator[list[Item]]:
        """Yield things, some at a time, each of them when there is time in a turn of the loop.

        It costs less than to `take` for each, which very many feel.
        """
        rest = iter(items)
        while some := list(islice(rest, most)):
            await self.take()
            yield some

    def _has_time(self) -> bool:
        now = monotonic()
        if not self._due:
            self._due = now + _BUDGET
            asyncio.get_running_loop().call_soon(self._end)
            return True
        return now < self._due

    def _end(self) -> None:
        self._due = 0.0


async def in_order(items: Sequence[Item], key: Callable[[Item], bytes]) -> list[Item]:
    """Return things as their keys are in order."""
    runs = []
    for start in range(0, len(items), _BATCH):
        runs.append(sorted(items[start : start + _BATCH], key=key))
        await asyncio.sleep(0)
    if len(runs) < 2:
        return runs[0] if runs else []
    merged = merge(*runs, key=key)
    ordered: list[Item] = []
    while batch := list(islice(merged, _BATCH)):
        ordered += batch
        await asyncio.sleep(0)
    return ordered
