"""The lines between the panes of a tab, and the titles that stand in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from sshdash.ui.format import clip
from sshdash.ui.split_places import Axis, Rect
from sshdash.ui.theme import Mark

Look = Callable[[str], Style]
"""Returns the style of a name."""

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _DOWN | _RIGHT: "┌",
    _DOWN | _LEFT: "┐",
    _UP | _RIGHT: "└",
    _UP | _LEFT: "┘",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _LEFT | _RIGHT: "┴",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}
_HEAVY = "━"
_LEAST_TITLE = 6
"""Cells that the title keeps when the words at the right end need more than there is."""


class Part(Enum):
    """What a pane does with what is broadcast."""

    NONE = ""
    """Nothing is broadcast here."""
    RECEIVES = "⇉ BROADCAST"
    SKIPPED = "⇉ skipped"
    """It would receive, and cannot."""
    LEFT_OUT = "⇉ left out"
    """The person took it out."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What the line above a pane says; the texts are cleaned."""

    title: str
    mark: Mark
    focused: bool = False
    part: Part = Part.NONE


class PaneFrame:
    """Draws the lines of one placement, row by row."""

    def __init__(
        self,
        size: tuple[int, int],
        panes: Mapping[Rect, Caption],
        dividers: Sequence[tuple[Axis, Rect]],
        look: Look,
    ) -> None:
        self._width, self._height = size
        self._panes = panes
        self._dividers = [(Axis.ROWS, Rect(0, 0, self._width, 1)), *dividers]
        self._look = look
        focused = (rect for rect, caption in panes.items() if caption.focused)
        self._focused = next(focused, Rect(-2, -2, 0, 0))

    def __repr__(self) -> str:
        return f"<PaneFrame [{len(self._panes)} panes]>"

    def row(self, y: int) -> Strip:
        """Return one row: nothing but spaces where the panes are."""
        segments: list[Segment] = []
        x = 0
        for rect, caption in self._captions(y):
            segments += self._lines(y, x, rect.x)
            segments += self._title(rect, caption)
            x = rect.right
        segments += self._lines(y, x, self._width)
        return Strip(segments, self._width)

    def title_at(self, x: int, y: int) -> Rect | None:
        """Return the pane whose title has words in a cell."""
        for rect, caption in self._captions(y):
            title, _ = self._words(rect, caption)
            if title and rect.x < x <= rect.x + cell_len(title) + 4:
                return rect
        return None

    def _captions(self, y: int) -> list[tuple[Rect, Caption]]:
        found = [(rect, one) for rect, one in self._panes.items() if rect.y == y + 1]
        return sorted(found, key=lambda pair: pair[0].x)

    def _lines(self, y: int, start: int, end: int) -> list[Segment]:
        """Return the lines of a row between two columns, spaces where there are none."""
        segments: list[Segment] = []
        text, style, at = "", self._look("line"), start
        for x in self._columns(y, start, end):
            wanted = self._look("focused" if self._is_beside_focused(x, y) else "line")
            text += " " * (x - at)
            if wanted is not style and text:
                segments.append(Segment(text, style))
                text = ""
            text, style, at = text + _LINES.get(self._arms(x, y), " "), wanted, x + 1
        text += " " * (end - at)
        return [*segments, Segment(text, style)] if text else segments

    def _columns(self, y: int, start: int, end: int) -> list[int]:
        """Return the columns of a row that a line runs through."""
        columns: set[int] = set()
        for axis, rect in self._dividers:
            if axis is Axis.ROWS and y == rect.y:
                columns.update(range(max(rect.x, start), min(rect.right, end)))
            elif axis is Axis.COLUMNS and rect.y <= y < rect.bottom and start <= rect.x < end:
                columns.add(rect.x)
        return sorted(columns)

    def _arms(self, x: int, y: int) -> int:
        """Return in which directions a line leads from a cell that one runs through."""
        arms = 0
        for axis, rect in self._dividers:
            if axis is Axis.COLUMNS and x == rect.x:
                arms |= _UP * (rect.y <= y <= rect.bottom) | _DOWN * (rect.y - 1 <= y < rect.bottom)
            elif axis is Axis.ROWS and y == rect.y:
                arms |= _LEFT * (rect.x <= x <= rect.right)
                arms |= _RIGHT * (rect.x - 1 <= x < rect.right)
        return arms

    def _is_beside_focused(self, x: int, y: int) -> bool:
        rect = self._focused
        return rect.x - 1 <= x <= rect.right and rect.y - 1 <= y <= rect.bottom

    def _title(self, rect: Rect, caption: Caption) -> list[Segment]:
        """Return the line above a pane with its title, as wide as the pane."""
        if caption.part is Part.RECEIVES:
            return self._band(rect.width, caption)
        line = self._look("focused" if caption.focused else "line")
        words = self._look("title-focused" if caption.focused else "title")
        rule = _HEAVY if caption.focused else "─"
        title, tail = self._words(rect, caption)
        if not title:
            return [Segment(rule * rect.width, line)]
        left = rect.width - cell_len(title) - cell_len(tail) - 6
        return [
            Segment(rule, line),
            Segment(f" {caption.mark.shape} ", self._look(caption.mark.colour)),
            Segment(f"{title} ", words),
            Segment(rule * left, line),
            Segment(tail, self._look("title")),
            Segment(rule, line),
        ]

    def _words(self, rect: Rect, caption: Caption) -> tuple[str, str]:
        """Return the title and what stands at the right end; none where there is no room."""
        tail = f" {caption.part.value} " if caption.part.value else ""
        if rect.width - cell_len(tail) - 7 < _LEAST_TITLE:
            tail = ""
        room = rect.width - cell_len(tail) - 7
        return clip(caption.title, room) if room > 0 else "", tail

    def _band(self, width: int, caption: Caption) -> list[Segment]:
        """Return the line above a pane that receives what is typed: a band nobody overlooks."""
        style = self._look("receiving")
        lead = "▶" if caption.focused else " "
        text = f"{lead}{caption.part.value}  {caption.mark.shape} {caption.title}"
        text = clip(text, max(width - 1, 0))
        return [Segment(text + " " * (width - cell_len(text)), style)]
