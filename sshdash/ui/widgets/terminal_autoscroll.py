"""Scrolling on while the pointer is held beyond the edge of a terminal in a drag."""

from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

INTERVAL = 0.05
FASTEST = 10
"""Rows at a time."""


class Autoscroll:
    """Calls `scroll` with a number of rows again and again, with more the farther it is pulled."""

    def __init__(self, widget: Widget, scroll: Callable[[int], None]) -> None:
        self._widget = widget
        self._scroll = scroll
        self._timer: Timer | None = None
        self._rows = 0

    def __repr__(self) -> str:
        return f"<Autoscroll {self._rows}>"

    def pull(self, distance: int) -> None:
        """Scroll at the speed of a distance in rows: below the edge, above it where negative."""
        self._rows = max(-FASTEST, min(distance, FASTEST))
        if not self._rows:
            self.stop()
        elif self._timer is None:
            self._timer = self._widget.set_interval(INTERVAL, self._tick)
            self._tick()

    def stop(self) -> None:
        """Scroll no more."""
        self._rows = 0
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        if self._rows:
            self._scroll(self._rows)
