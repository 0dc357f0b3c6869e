"""When a terminal is drawn: at once after a rest, at a bounded rate while it changes."""

import asyncio
import time
from collections.abc import Callable
from contextvars import Context

from textual.widget import Widget

SHORTEST = 1 / 60
LONGEST = 1 / 34
LONGEST_HOLD = 1.0
"""Seconds a program may take for one frame (mode 2026); most terminals give as many."""
UNSEEN = 0.25
"""Seconds between two looks at a terminal that is out of sight: for its bell."""
LONGEST_WAY = 0.02
"""Seconds by which a frame is late at most where it gives way."""
_WAY = 0.004
_SHARE = 6.0
"""Frames that take t seconds begin this many t apart, within the bounds."""


class FrameClock:
    """Calls `draw` soon after `request`, however often that is called.

    `draw` returns whether the terminal is in sight; where it is not, there is no hurry. While
    `gives_way` says so, a frame waits a little for what is more urgent.
    Frames are drawn in `context`: what requests them runs in the network's, which knows no app.
    """

    def __init__(
        self,
        draw: Callable[[], bool],
        context: Context,
        gives_way: Callable[[], bool] = lambda: False,
    ) -> None:
        self._draw = draw
        self._gives_way = gives_way
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None
        self._next = 0.0
        self._looks_again = False
        """Whether a look that found it out of sight is to be followed by another."""
        self._hold = 0
        self._held_since = 0.0
        self._hold_timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<FrameClock [{'waiting' if self._handle else 'idle'}]>"

    def request(self) -> None:
        """Have a frame drawn as soon as one may be."""
        if self._handle is not None:
            return
        delay = self._next - self._loop.time()
        if delay <= 0:
            self._handle = self._loop.call_soon(self._run, context=self._context)
        else:
            self._handle = self._loop.call_later(delay, self._run, context=self._context)

    def hurry(self) -> None:
        """Let the next frame be drawn at once: the terminal is in sight again."""
        self._next = 0.0
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self.request()

    def tires_of(self, hold: int) -> bool:
        """Return whether a program has been in the middle of this frame for too long.

        `hold` is the number of its frame (mode 2026), 0 for none. It is looked at again in time,
        though nothing may arrive until then: the program may have died in the middle.
        """
        now = self._loop.time()
        if hold != self._hold:
            self._hold, self._held_since = hold, now
        if not hold:
            return False
        left = self._held_since + LONGEST_HOLD - now
        if left > 0 and self._hold_timer is None:
            self._hold_timer = self._loop.call_later(left, self._look_again)
        return left <= 0

    def stop(self) -> None:
        """Draw no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None

    def _look_again(self) -> None:
        self._hold_timer = None
        self.request()

    def _run(self) -> None:
        self._handle = None
        if self._loop.time() < self._next + LONGEST_WAY and self._gives_way():
            self._handle = self._loop.call_later(_WAY, self._run, context=self._context)
            return
        started = time.perf_counter()
        seen = self._draw()
        took = time.perf_counter() - started
        period = min(max(took * _SHARE, SHORTEST), max(took * 2, LONGEST)) if seen else UNSEEN
        self._next = self._loop.time() + period - took
        self._looks_again = not (seen or self._looks_again)
        if self._looks_again:
            # It may just be laid out, of which nobody tells once it was shown.
            self.request()


class Throttle:
    """Says yes at most once per `interval` seconds: for what a remote could repeat endlessly."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = 0.0

    def wait(self) -> float:
        """Return the seconds until it would say yes."""
        return max(0.0, self._next - time.monotonic())

    def allows(self) -> bool:
        """Return whether it may happen now, and count it if so."""
        if self.wait():
            return False
        self._next = time.monotonic() + self._interval
        return True


def paint_now(widget: Widget) -> None:
    """Put what `widget` has marked for refreshing on the screen without waiting for Textual.

    Textual paints on a timer, up to a sixtieth of a second after the change: an echo would be
    late by that much. Under a dialog the timer does it, for the dialog is painted with it.
    """
    screen = widget.screen
    if widget.app.screen is not screen or not widget.is_on_screen:
        return
    screen._dirty_widgets.add(widget)
    screen._on_timer_update()
