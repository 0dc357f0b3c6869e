"""A row of numbers as a row of little bars."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_NONE = "·"


def sparkline(values: Sequence[int], width: int) -> str:
    """Return the newest `width` values as bars, the highest of them a full one.

    Nothing is a dot, so that a little is told from nothing. Shorter histories are filled with
    dots on the left: the newest value is always at the right edge.
    """
    shown = list(values[-width:]) if width > 0 else []
    top = max(shown, default=0)
    bars = "".join(_bar(value, top) for value in shown)
    return bars.rjust(max(width, 0), _NONE)


def _bar(value: int, top: int) -> str:
    if value <= 0:
        return _NONE
    return _BARS[min(value * len(_BARS) // top, len(_BARS) - 1)]
