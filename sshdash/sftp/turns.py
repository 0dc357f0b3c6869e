"""Long work on the event loop, in turns with everybody else."""

import asyncio
from time import monotonic

_BUDGET = 0.003
"""Seconds of work in one turn of the loop."""


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

    def _has_time(self) -> bool:
        now = monotonic()
        if not self._due:
            self._due = now + _BUDGET
            asyncio.get_running_loop().call_soon(self._end)
            return True
        return now < self._due

    def _end(self) -> None:
        self._due = 0.0
