"""What passed when, as bars over time: which spans are in sight, and what each of them says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from textual.content import Content

from sshdash.ui.format import rate_text, size_text

if TYPE_CHECKING:
    from sshdash.tunnels.counters import Passed
    from sshdash.tunnels.snapshot import TunnelHistory

_BARS = " ▁▂▃▄▅▆▇█"
_WIDEST = 6
"""Cells of a bar where there is room."""
_SCALE = 10
"""Cells for the rate that a full bar stands for."""


class Unit(Enum):
    """Spans of one length: its name, its seconds, and how the clock is told."""

    SECOND = ("second", 1, "%H:%M:%S")
    MINUTE = ("minute", 60, "%H:%M")
    HOUR = ("hour", 3600, "%a %H:%M")

    @property
    def word(self) -> str:
        """Return what one of them is called."""
        return self.value[0]

    @property
    def seconds(self) -> int:
        """Return how long one is."""
        return self.value[1]

    @property
    def clock(self) -> str:
        """Return how its beginning is told, for strftime."""
        return self.value[2]

    def text(self, count: int) -> str:
        """Return how much passed in one of them: by the second it is a rate."""
        return rate_text(count) if self is Unit.SECOND else size_text(count)

    def of(self, history: TunnelHistory) -> tuple[Passed, ...]:
        """Return the spans of this length, the newest last."""
        spans = {Unit.SECOND: history.seconds, Unit.MINUTE: history.minutes}
        return spans.get(self, history.hours)


@dataclass(frozen=True, slots=True)
class Window:
    """The spans in sight, and the one at the cursor."""

    unit: Unit
    spans: tuple[Passed, ...]
    """All there are."""
    first: int
    room: int
    """How many are in sight; where there are fewer they stand at the right."""
    cell: int
    """Cells of each."""
    cursor: int
    """The index of a span."""
    now: float
    """Seconds since the epoch."""
    monotonic: float
    """The same moment by the clock that the spans go by."""

    @classmethod
    def of(
        cls,
        unit: Unit,
        spans: tuple[Passed, ...],
        width: int,
        back: int,
        now: float,
        monotonic: float,
    ) -> Window:
        """Return what is in sight with the cursor `back` spans before the newest."""
        newest = max(len(spans) - 1, 0)
        cursor = min(max(newest - back, 0), newest)
        cell = min(max(width // (newest + 1), 1), _WIDEST)
        room = width // cell
        first = max(len(spans) - room, 0)
        return cls(unit, spans, min(first, cursor), room, cell, cursor, now, monotonic)

    def began(self, index: int) -> float:
        """Return when a span began, in seconds since the epoch."""
        length = self.unit.seconds
        over = self.unit is Unit.SECOND  # its newest is over, the others' still runs
        last = self.now - self.monotonic % length - (length if over else 0)
        return last - (len(self.spans) - 1 - index) * length

    def clock(self, index: int) -> str:
        """Return the time of day at which a span began."""
        return time.strftime(self.unit.clock, time.localtime(self.began(index)))

    @property
    def blanks(self) -> int:
        """Return the cells to the left of the first span."""
        return max(self.room - (len(self.spans) - self.first), 0) * self.cell

    def index_at(self, cell: int) -> int:
        """Return the span in a cell, the nearest one where there is none."""
        index = self.first + (cell - self.blanks) // self.cell
        return min(max(index, self.first), max(len(self.spans) - 1, 0))


def graph(window: Window, way: int, height: int, style: str) -> Content:
    """Return the bars of one way (0 up, 1 down) in `height` lines, with what a full one is."""
    values = [span[way] for span in window.spans[window.first : window.first + window.room]]
    top = max(values, default=0)
    wide = window.cell
    at = window.blanks + (window.cursor - window.first) * wide
    lines = []
    for row in range(height - 1, -1, -1):
        drawn = (_bar(value, top, row, height) * wide for value in values)
        bars = " " * window.blanks + "".join(drawn)
        scale = ""
        if row == height - 1 and top:
            scale = window.unit.text(top)
        parts = [(bars[:at], style), (bars[at : at + wide] or " ", f"{style} on $boost")]
        parts += [(bars[at + wide :], style), (f" {scale:<{_SCALE}}", "$faint")]
        lines.append(Content.assemble(*parts))
    return Content("\n").join(lines)


def _bar(value: int, top: int, row: int, height: int) -> str:
    """Return one cell of a bar, the lowest row being 0; a little is told from nothing."""
    if not value or not top:
        return "·" if row == 0 else " "
    steps = len(_BARS) - 1
    filled = max(value * height * steps // top, 1)
    return _BARS[min(max(filled - row * steps, 0), steps)]


def axis(window: Window) -> Content:
    """Return when the spans at both ends began."""
    first, last = window.clock(window.first), window.clock(len(window.spans) - 1)
    width = window.room * window.cell
    gap = width - window.blanks - len(first) - len(last)
    if gap < 1:
        return Content.styled(last.rjust(width), "$faint")
    return Content.styled(" " * window.blanks + first + " " * gap + last, "$faint")


def summary(window: Window, way: int, count: int) -> str:
    """Return how much passed one way in all, with the peak of what is kept, and the mean rate.

    The span that still runs may be the peak, and is not in the mean.
    """
    words = [f"{'↑↓'[way]} {size_text(count)} in all"]
    values, length = [span[way] for span in window.spans], window.unit.seconds
    if top := max(values, default=0):
        peak = len(values) - 1 - values[::-1].index(top)
        when = f"at {window.clock(peak)}"
        if length > 1:
            when = f"in the {window.unit.word} from {window.clock(peak)}"
        words.append(f"peak {window.unit.text(top)} {when}")
    if over := values if length == 1 else values[:-1]:
        words.append(f"mean {rate_text(sum(over) / (len(over) * length))}")
    return "  ·  ".join(words)


def reading(window: Window) -> str:
    """Return what passed in the span at the cursor."""
    if not window.spans:
        return ""
    up, down = window.spans[window.cursor]
    length = window.unit.seconds
    words = [f"{window.clock(window.cursor)}   ↑ {size_text(up)}   ↓ {size_text(down)}"]
    if window.cursor == len(window.spans) - 1 and length > 1:
        words.append("still runs")
    elif length > 1 and (up or down):
        words.append(f"↑ {rate_text(up / length)} ↓ {rate_text(down / length)}")
    return "   ".join(words)
