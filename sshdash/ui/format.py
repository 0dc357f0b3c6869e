"""Numbers and remote text as the screen shows them."""

import math
from textwrap import wrap

from textual.content import Content

from sshdash.untrusted import clean

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_BAR_DONE = "▰"
_BAR_LEFT = "▱"
_SHORTEST_HOST = 6
"""Cells in which the beginning of a host's name says something."""
_LEAST = 20
"""Cells that a text goes on in, however little room there is."""


def plain(text: str | bytes, style: str = "") -> Content:
    """Return text nobody vouches for, on one line, cleaned and never parsed as markup."""
    return Content.styled(clean(text), style) if style else Content(clean(text))


def size_text(size: float) -> str:
    """Return a number of bytes with three significant digits: ``1.21 MB``, ``999 B``."""
    value, unit = float(max(size, 0)), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    if unit == 0:
        return f"{value:.0f} B"
    digits = 0 if value >= 99.95 else 1
    return f"{value:.{digits}f} {_UNITS[unit]}"


def rate_text(rate: float) -> str:
    """Return bytes per second: ``1.2 MB/s``."""
    return f"{size_text(rate)}/s"


def eta_text(seconds: float | None) -> str:
    """Return the time left as a clock, ``0:41`` or ``1:02:03``; empty where nobody knows."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return ""
    minutes, second = divmod(math.ceil(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def end_text(seconds: float | None, at_least: bool) -> str:
    """Return ``ETA 0:41``, with a ``≥`` where more will come; empty where nobody knows."""
    left = eta_text(seconds)
    return f"ETA {'≥ ' if at_least else ''}{left}" if left else ""


def duration_text(seconds: float) -> str:
    """Return how long something has lasted: ``41 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minute:02} min"
    days, hour = divmod(hours, 24)
    return f"{days} d {hour} h"


def count_text(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: ``1 host``, ``3 hosts``."""
    return f"{number_text(count)} {one if count == 1 else many or one + 's'}"


def number_text(number: int) -> str:
    """Return a number with its thousands apart: ``3 000``."""
    return f"{number:,}".replace(",", " ")


def percent_text(done: float, total: float) -> str:
    """Return a part in per cent, never 100 before all is done."""
    if total <= 0:
        return "100 %" if done else "0 %"
    return f"{100 if done >= total else min(int(done * 100 / total), 99)} %"


def bar_text(done: float, total: float, width: int) -> str:
    """Return a progress bar of `width` cells."""
    part = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
    filled = width if part >= 1 else min(round(part * width), width - 1)
    return _BAR_DONE * filled + _BAR_LEFT * (width - filled)


def clip(text: str, width: int) -> str:
    """Return cleaned `text` in at most `width` cells, an ellipsis where something was cut."""
    from rich.cells import cell_len, set_cell_size

    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def clip_address(text: str, width: int) -> str:
    """Return a cleaned address as `clip` does, but for its port: that tells more than the rest."""
    host, colon, port = text.rpartition(":")
    room = width - len(colon + port)
    if len(text) <= width or not host or not port.isdigit() or room < _SHORTEST_HOST:
        return clip(text, width)
    return clip(host, room) + colon + port


def hanging(lead: Content, text: str, style: str, width: int) -> Content:
    """Return cleaned `text` behind `lead` in `width` cells; it goes on below its own words."""
    indent = lead.cell_length
    room = max(width - indent, _LEAST)
    first, *more = wrap(text, room, break_on_hyphens=False) or [""]
    lines = [Content.assemble(lead, Content.styled(first, style))]
    lines += [Content.assemble(" " * indent, Content.styled(line, style)) for line in more]
    return Content("\n").join(lines)
