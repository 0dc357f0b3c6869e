"""How often a remote may have something done: a few times at once, and so many per second."""

import time
from collections.abc import Callable


class Allowance:
    """Lets `burst` units pass at once, and `per_second` in the long run."""

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._left = burst
        self._since = clock()

    def __repr__(self) -> str:
        return f"<Allowance [{self._left:.1f} of {self._burst:g}]>"

    def take(self, units: float = 1.0) -> bool:
        """Return whether `units` more may pass now, and count them if so."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._since) * self._per_second)
        self._since = now
        if units > self._left:
            return False
        self._left -= units
        return True
