"""The event loop that everything here runs on: asyncio's, which does not fall asleep at once.

Nor does a crowd hold it: of very many descriptors that are ready together, as when a thousand
clients leave at the same time, some are served in each turn.

A process that sleeps takes as long to wake up as a keystroke takes through a whole tunnel. While
what the loop waits for keeps coming within a moment, it asks over and over instead of sleeping, for
no longer than such a moment; once in vain, and it sleeps as before. So it at most doubles the time
that an exchange takes of a processor, and nobody who is idle pays for it.
"""

import asyncio
import math
import os
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_MOMENT = 150e-6
"""Seconds that the answer of a program on the same machine, or in the next room, takes."""
_HELD_UP = 500e-6
"""Seconds that to ask takes only where somebody was given the processor meanwhile, and for longer
than it takes to answer.
"""
_RESPITE = 0.02
"""Seconds that it then sleeps as usual, for there are more who need a processor."""
_AT_ONCE = 64
"""Descriptors served in one turn: some milliseconds, with what follows."""
_T = TypeVar("_T")
_Events = list[tuple[selectors.SelectorKey, int]]


class Attentive(selectors.DefaultSelector):
    """Waits for descriptors as the system's best selector does, awake for the first moment."""

    def __init__(
        self, processors: int | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        super().__init__()
        self._clock = clock
        self._may_stay_awake = (processors or _processors()) > 1
        """On a single processor, whoever is waited for needs it."""
        self._is_soon = False
        self._asleep_until = 0.0
        self._served: set[int] = set()
        """The descriptors of a crowd that had their turn before the others."""

    def select(self, timeout: float | None = None) -> _Events:
        """Return what is ready within `timeout` seconds, None for ever; of a crowd, some of it."""
        ready = self._ready(timeout)
        return ready if len(ready) <= _AT_ONCE else self._some_of(ready)

    def _some_of(self, crowd: _Events) -> _Events:
        """Return those whose turn it is; the system tells of the others again the next time."""
        waiting = [event for event in crowd if event[0].fd not in self._served]
        if not waiting:
            self._served.clear()
        chosen = (waiting or crowd)[:_AT_ONCE]
        self._served.update(key.fd for key, _ in chosen)
        return chosen

    def _ready(self, timeout: float | None) -> _Events:
        if not self._may_stay_awake or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        now = began = self._clock()
        if self._is_soon:
            due = math.inf if timeout is None else began + timeout
            while now < began + _MOMENT:
                if ready := super().select(0):
                    return ready
                before, now = now, self._clock()
                if now >= due:
                    return []
                if now - before > _HELD_UP:
                    self._asleep_until = now + _RESPITE
                    break
            if timeout is not None:
                timeout = due - now  # who was held up, or stopped, may be late already
        ready = super().select(timeout)
        now = self._clock()
        self._is_soon = now - began < _MOMENT and now >= self._asleep_until
        return ready

    def rest(self) -> None:
        """Sleep the next time: bulk is on its way, and whoever sends it needs the processors."""
        self._is_soon = False


class Loop(asyncio.SelectorEventLoop):
    """asyncio's loop with an attentive selector."""

    def __init__(self) -> None:
        attentive = Attentive()
        super().__init__(attentive)
        self.rest = attentive.rest


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a program's coroutine to its end, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)


def rest_of(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Return what tells a loop to sleep the next time; nothing for one that always does."""
    return loop.rest if isinstance(loop, Loop) else _nothing


def _nothing() -> None:
    pass


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
