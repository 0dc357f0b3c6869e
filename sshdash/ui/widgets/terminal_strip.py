"""A row that is shown as the escape sequences it came in, without a segment for each cell."""

from collections.abc import Callable
from typing import Any

from rich.segment import Segment
from textual.cache import FIFOCache
from textual.color import Color
from textual.filter import ANSIToTruecolor, DimFilter, LineFilter
from textual.strip import Strip

_DIM = "\x1b[2m"


class _NoCache(FIFOCache[Any, Any]):
    """Keeps nothing."""

    def set(self, key: Any, value: Any) -> None:
        """Forget it."""

    __setitem__ = set  # noqa: A003 - the method


_NO_CACHE = _NoCache(1)


class RowStrip(Strip):
    """A strip that is drawn once, and is not worth the seven caches of Textual's for that."""

    __slots__ = ()

    def __init__(self, segments: list[Segment], cell_length: int) -> None:
        self._segments = segments
        self._cell_length = cell_length
        self._divide_cache = self._crop_cache = self._style_cache = _NO_CACHE
        self._filter_cache = self._line_length_cache = _NO_CACHE
        self._crop_extend_cache = self._offsets_cache = _NO_CACHE
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None


class WrittenStrip(RowStrip):
    """A strip whose sequences are known, and whose segments are made when somebody asks.

    Textual asks where it cuts, tints or recolours a row; most rows it only sends.
    """

    def __init__(
        self, written: str, cell_length: int, segments: Callable[[], list[Segment]]
    ) -> None:
        self._make = segments
        self._made: list[Segment] | None = None
        super().__init__([], cell_length)
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
