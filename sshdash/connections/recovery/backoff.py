"""How long to wait until the next attempt: longer each time, and never all at once.

Exponential backoff with full jitter: each wait is drawn evenly between nothing and a ceiling that
doubles, so that many who lost the same server do not come back in step.
"""

import random
from collections.abc import Callable

FIRST = 0.5
"""Seconds: the ceiling of the first wait."""
CAP = 30.0
"""Seconds that no wait exceeds."""
GATE = 3.0
"""Seconds: a connection that was up for less is like an attempt that failed, so that a server
which takes us and drops us is met with longer and longer waits."""
STEADY = 30.0
"""Seconds: after a connection that was up for longer the waits begin anew."""
_FAVOURS = 5.0
"""Losses in a row that are met with a short wait, however soon each comes: a server is started
again a few times while its configuration is written."""
_EARNED = 1 / 6
"""Favours that each second up earns."""
_HIGHEST = 6
"""The step whose ceiling is beyond the cap."""
_TURNED_AWAY = 3.0
"""The step to begin at where a server refuses to talk: half of 4 seconds is the least."""
_REFUSED = 1 / 8
"""The step for a port where nobody listens: it costs one packet each way, and a server that is
started again is there in a moment, so the waits grow by no more than a tenth."""


class Backoff:
    """The waits of one outage. `draw` gives numbers from 0 to 1."""

    def __init__(
        self, first: float = FIRST, cap: float = CAP, draw: Callable[[], float] = random.random
    ) -> None:
        self._first = first
        self._cap = cap
        self._draw = draw
        self._step = 0.0
        self._favours = _FAVOURS
        self._drops = 0
        """Losses of late that no favour was left for."""

    def __repr__(self) -> str:
        """Return the range of the next wait."""
        return f"<Backoff up to {self.ceiling:g} s>"

    @property
    def ceiling(self) -> float:
        """Return the most seconds that the next wait takes."""
        return min(self._cap, self._first * 2**self._step)

    def next(self, turned_away: bool = False, refused: bool = False) -> float:
        """Return the seconds to wait.

        A server that turned us away (MaxStartups, penalties) is given more time, and never less
        than half of the ceiling; one that does not listen, and `refused`, is looked for more often.
        """
        if turned_away:
            self._step = max(self._step, _TURNED_AWAY)
        ceiling = self.ceiling
        if ceiling < self._cap:
            self._step += _REFUSED if refused else 1
        share = self._draw()
        return ceiling * ((1 + share) / 2 if turned_away else share)

    def held(self, seconds: float) -> None:
        """Take note of how long the connection was up that is lost now.

        One that does not hold is soon out of favours, and then each loss counts, but no attempt
        that failed before the last login. One that was up for long enough (a train, a bad wireless
        network) shall be away for less time than it was there: the next ceiling is half of that at
        most.
        """
        if seconds >= STEADY:
            self.reset()
        self._favours = min(_FAVOURS, self._favours + seconds * _EARNED)
        if self._favours >= 1:
            self._favours -= 1
            self._drops = max(0, self._drops - 1)
            self._step = 0.0
            return
        self._drops += 1
        self._step = float(min(self._drops, _HIGHEST))
        if seconds >= GATE:
            while self._step and self.ceiling > seconds / 2:
                self._step -= 1

    def reset(self) -> None:
        """Begin again with short waits."""
        self._step = 0.0
        self._favours = _FAVOURS
        self._drops = 0
