"""A row that is shown as the escape sequences it came in, without a segment for each cell."""

from collections.abc import Callable

from rich.segment import Segment
from textual.color import Color
from textual.filter import ANSIToTruecolor, DimFilter, LineFilter
from textual.strip import Strip

_DIM = "\x1b[2m"


class WrittenStrip(Strip):
    """A strip whose sequences are known, and whose segments are made when somebody asks.

    Textual asks where it cuts, tints or recolours a row; most rows it only sends.
    """

    def __init__(
        self, written: str, cell_length: int, segments: Callable[[], list[Segment]]
    ) -> None:
        self._make = segments
        self._made: list[Segment] | None = None
        super().__init__((), cell_length)
        self._made = None
        self._render_cache = written

    def apply_filter(self, filter: LineFilter, background: Color) -> Strip:  # noqa: A002
        """Return the strip as a filter makes it: itself, where the filter has nothing to change."""
        if isinstance(filter, ANSIToTruecolor) or (
            isinstance(filter, DimFilter) and _DIM not in (self._render_cache or "")
        ):
            return self
        return super().apply_filter(filter, background)

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        self._made = segments
