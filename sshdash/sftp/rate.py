"""How fast something goes and how long it will take, as a person would believe it."""

import math
from collections import deque
from collections.abc import Sequence

_SMOOTHING = 3.0
"""Seconds over which a change of speed is blended in."""
_STEP = 0.2
"""Looks closer together than this are answered with the figure before."""
_WARM_UP = 1.0
"""Seconds before anything is said about the end."""
_STANDSTILL = 1.0
"""Bytes per second below which it stands still: a question waits, or the other end is silent."""


class RateMeter:
    """A smoothed rate from a growing count, looked at now and then."""

    def __init__(self, now: float, count: int = 0) -> None:
        self._started = now
        self._first = count
        self._last_time = now
        self._last_count = count
        self._rate = 0.0

    def update(self, now: float, count: int) -> float:
        """Return the rate per second after `count` is reached at `now`."""
        passed = now - self._last_time
        if passed < _STEP:
            return self._rate
        fresh = (count - self._last_count) / passed
        # The first seconds weigh like a plain average, so that no start is too fast or slow.
        age = now - self._started
        weight = 1 - math.exp(-passed / min(_SMOOTHING, age))
        self._rate += (fresh - self._rate) * weight
        if self._last_time == self._started:
            self._rate = fresh
        self._last_time, self._last_count = now, count
        return self._rate

    def average(self, now: float, count: int) -> float:
        """Return the rate per second since the start."""
        age = now - self._started
        return (count - self._first) / age if age > 0 else 0.0

    def leave_out(self, seconds: float) -> None:
        """Count seconds that have passed as none of its own."""
        self._started += seconds
        self._last_time = max(self._last_time, self._started)

    def age(self, now: float) -> float:
        """Return the seconds since the start."""
        return now - self._started


class RateHistory:
    """What the rate was, second by second, as far as somebody looked."""

    def __init__(self, seconds: int = 240) -> None:
        self._rates: deque[int] = deque(maxlen=seconds)
        self._second: int | None = None

    def note(self, now: float, rate: int) -> tuple[int, ...]:
        """Note the rate at `now` and return all of them; nobody looked means that nothing went."""
        second = int(now)
        if self._second is None:
            self._second = second - 1
        for _ in range(min(second - self._second, self._rates.maxlen or 0)):
            self._rates.append(0)
        self._second = second
        if self._rates:
            self._rates[-1] = rate
        return tuple(self._rates)


def seconds_left(
    age: float, rate: float, left: int, files_done: int, files_left: int
) -> float | None:
    """Return the seconds to go, None while nobody can say.

    Many small files take their time by their number, large ones by their bytes: the longer of
    the two is told.
    """
    if age < _WARM_UP:
        return None
    guesses = []
    if left > 0:
        if rate < _STANDSTILL:
            return None
        guesses.append(left / rate)
    if files_left > 0 and files_done > 0 and left <= 0:
        guesses.append(age * files_left / files_done)
    return max(guesses, default=None if files_left else 0.0)


def end_of_all(ends: Sequence[float | None], rate: float, left: int) -> float | None:
    """Return the seconds until several jobs are done, None while nobody can say.

    `ends` has the seconds to go of those that run, `rate` is what they make together; of the bytes
    that are `left` some belong to jobs that begin once others are done.
    """
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends) or (left > 0 and rate < _STANDSTILL):
        return None
    return max(*known, left / rate if left > 0 else 0.0) or None
