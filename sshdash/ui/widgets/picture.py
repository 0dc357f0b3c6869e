"""A picture in cells: the upper half of each is one pixel, the lower half another."""

import asyncio
from collections.abc import Awaitable, Callable

from rich.color import Color
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

_HALF = "▀"
_DELAY = 0.1
"""Seconds after a change of size before the picture is drawn anew."""

Pixels = tuple[int, int, bytes]
"""Width, height and three bytes for each pixel."""


class PictureView(Widget, can_focus=True):
    """Shows what `draw` returns for a number of pixels, in the middle."""

    def __init__(
        self, draw: "Callable[[int, int, tuple[int, int, int]], Awaitable[Pixels | None]]"
    ) -> None:
        super().__init__()
        self._draw = draw
        self._lines: list[Strip] = []
        self._wide = 0

    def on_resize(self) -> None:
        """Draw it as large as there is room."""
        self.set_timer(_DELAY, self._renew)

    def _renew(self) -> None:
        self.run_worker(self._redraw(), exclusive=True)

    async def _redraw(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        ground = self.background_colors[1]
        drawn = await self._draw(width, height * 2, (ground.r, ground.g, ground.b))
        if drawn is not None:
            self._wide = drawn[0]
            below = ColorTriplet(ground.r, ground.g, ground.b)
            self._lines = await asyncio.to_thread(_cells, *drawn, below)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the picture, or nothing above, below and beside it."""
        width, height = self.size
        row = y - max((height - len(self._lines)) // 2, 0)
        if not 0 <= row < len(self._lines):
            return Strip.blank(width, self.rich_style)
        left = max((width - self._wide) // 2, 0)
        strip = Strip([Segment(" " * left, self.rich_style), *self._lines[row]])
        return strip.adjust_cell_length(width, self.rich_style)


def _cells(width: int, height: int, pixels: bytes, below: ColorTriplet) -> list[Strip]:
    """Return the lines; a last row of pixels alone stands above `below`."""
    if len(pixels) < width * height * 3:
        return []

    def colour(x: int, y: int) -> Color:
        if y >= height:
            return Color.from_triplet(below)
        at = (y * width + x) * 3
        return Color.from_triplet(ColorTriplet(*pixels[at : at + 3]))

    return [
        Strip(
            [
                Segment(_HALF, Style(color=colour(x, y), bgcolor=colour(x, y + 1)))
                for x in range(width)
            ]
        )
        for y in range(0, height, 2)
    ]
