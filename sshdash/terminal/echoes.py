"""Who waits for the echo of a key: floods elsewhere give way to it.

A program that sends without end keeps the event loop busy all the time. What was typed into
another terminal, and its echo, would wait for a slice of that at every step.
"""

import time
from collections.abc import Callable

LONGEST = 0.03
"""Seconds for which an echo is waited for: it may never come, as where passwords are typed."""


class Echoes:
    """The terminal that was typed in last, until something of it was drawn."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._terminal: object = None
        self._until = 0.0

    def __repr__(self) -> str:
        return f"<Echoes of {self._terminal!r}>"

    def expect(self, terminal: object) -> None:
        """Note that something was typed in a terminal."""
        self._terminal = terminal
        self._until = self._clock() + LONGEST

    def drawn(self, terminal: object) -> None:
        """Note that what a terminal shows was drawn."""
        if terminal is self._terminal:
            self._terminal = None

    def due_elsewhere(self, terminal: object) -> bool:
        """Return whether another terminal than this one waits for an echo."""
        if self._terminal is None or self._terminal is terminal:
            return False
        if self._clock() >= self._until:
            self._terminal = None
            return False
        return True


ECHOES = Echoes()
"""There is one keyboard."""
