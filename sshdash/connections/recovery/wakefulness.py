"""Notices that the machine, or sshdash itself, was asleep for a while.

No signal tells a process that the machine was suspended. But a timer that should have run a
second after the last time runs much later then, by a clock that goes on in the meantime. The
same is seen after SIGSTOP. A change of the wall clock is not taken for sleep.
"""

import asyncio
import time
from collections.abc import Callable

TICK = 1.0
"""Seconds between two looks at the clock."""
LATE = 4.0
"""Seconds that a look may be late: a loop that is busy is not asleep."""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts the time of suspension; on Linux the monotonic clock does not, on macOS it does."""


def awake_or_not() -> float:
    """Return seconds by a clock that goes on while the machine is suspended."""
    return time.clock_gettime(_CLOCK)


class SleepWatch:
    """Calls `woke` with the seconds of each sleep, once it is over."""

    def __init__(
        self, woke: Callable[[float], None], clock: Callable[[], float] = awake_or_not
    ) -> None:
        self._woke = woke
        self._clock = clock
        self._seen = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on."""
        self._seen = self._clock()
        self._timer = asyncio.get_running_loop().call_later(TICK, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        slept = self._clock() - self._seen - TICK
        self.start()
        if slept > LATE:
            self._woke(slept)
