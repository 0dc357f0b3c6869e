"""What sshdash itself draws on a terminal: a row of its own, and words over the end of another."""

from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from sshdash.ui.format import clip
from sshdash.ui.widgets.terminal_paint import Marked


class Overlay(NamedTuple):
    """What is drawn over a row of the viewport."""

    marks: tuple[Marked, ...] = ()
    badge: str = ""
    """Words at the right."""


NO_OVERLAY = Overlay()


def rule(text: str, width: int, style: Style) -> Strip:
    """Return a row that says something, drawn out to the full width."""
    strip = Strip([Segment(f"── {text} ", style)])
    missing = max(0, width - strip.cell_length)
    return Strip([*strip, Segment("─" * missing, style)]).crop(0, width)


def end_words(reason: str, after: str, width: int) -> str:
    """Return how a session ended and what a key does then, in what `rule` has room for.

    The reason gives way on a narrow screen, for the keys are nowhere else.
    """
    after = f" — {after}"
    return clip(reason, width - cell_len(f"── {after} ")) + after


def with_badge(strip: Strip, width: int, words: str, style: Style) -> Strip:
    """Return a row with words over its end."""
    badge = Strip([Segment(f" {words} ", style)])
    kept = strip.crop(0, max(0, width - badge.cell_length))
    return Strip.join([kept, badge]).crop(0, width)
