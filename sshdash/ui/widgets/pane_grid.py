"""The panes of a tab where its splits have them, and the lines between."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.style import Style
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.strip import Strip
from textual.widget import Widget

from sshdash.ui.split_places import Axis, Leaf, Node, Placement, Rect
from sshdash.ui.split_tree import SplitTree
from sshdash.ui.widgets.pane_frame import Caption, PaneFrame
from sshdash.ui.widgets.terminal_pane import TerminalPane


class _SplitLayout(Layout):
    """Puts each pane where the tree has it; those that are out of sight nowhere."""

    name = "splits"

    def __init__(self, placement: Callable[[Size], Placement]) -> None:
        self._placement = placement
        self.lit: Rect | None = None
        """Where something lies over the panes."""

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Return where the panes in sight are."""
        placed = self._placement(size).panes
        places = (
            (child, placed.get(child.number) if isinstance(child, TerminalPane) else self.lit)
            for child in children
        )
        return [
            WidgetPlacement(
                Region(rect.x, rect.y, rect.width, rect.height), NULL_OFFSET, NULL_SPACING, child
            )
            for child, rect in places
            if rect is not None
        ]


class PaneGrid(Widget):
    """Shows the panes of a tab, or one of them where it is zoomed or the room is too small.

    A pane alone has no frame, unless it receives what is broadcast.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "frame--line",
        "frame--focused",
        "frame--title",
        "frame--title-focused",
        "frame--receiving",
        "frame--faint",
        "frame--success",
        "frame--warning",
        "frame--error",
    }

    def __init__(self, panes: Sequence[TerminalPane], root: Node | None = None) -> None:
        super().__init__()
        self.panes = {pane.number: pane for pane in panes}
        self.splits = SplitTree(root or Leaf(panes[0].number))
        self.focused_pane = self.panes[self.splits.panes[0]]
        self.zoomed = False
        self._split_layout = _SplitLayout(self._placement)
        self._extent = Size()
        """Its size when it was in sight last."""
        self._placed: Placement | None = None
        self._rows: dict[int, Strip] = {}
        self._frame: PaneFrame | None = None

    @property
    def layout(self) -> Layout:
        """Return what arranges the panes."""
        return self._split_layout

    def on_mount(self) -> None:
        """Draw the lines in the colours of the theme."""
        self.mount_all(self.panes.values())
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    # -- what is where

    @property
    def is_single(self) -> bool:
        """Return whether one pane has all the room: alone, zoomed, or for want of room."""
        return len(self.panes) == 1 or self.zoomed or not self.splits.fits(self.room)

    @property
    def extent(self) -> Size:
        """Return its size, where it is out of sight the one it had last."""
        self._extent = self.size or self._extent
        return self._extent

    @property
    def room(self) -> Rect:
        """Return what panes and lines share: all but the line at the top."""
        return Rect(0, 1, self.extent.width, max(self.extent.height - 1, 0))

    def shows(self, pane: TerminalPane) -> bool:
        """Return whether a pane is among those in sight."""
        return not self.is_single or pane is self.focused_pane

    def _placement(self, size: Size) -> Placement:
        room = Rect(0, 1, size.width, max(size.height - 1, 0))
        if len(self.panes) > 1 and not self.zoomed and self.splits.fits(room):
            return self.splits.place(room)
        pane = self.focused_pane
        if not pane.caption.part.value:
            room = Rect(0, 0, size.width, size.height)
        return Placement({pane.number: room}, ())

    @property
    def placement(self) -> Placement:
        """Return where the panes in sight are."""
        return self._placement(self.extent)

    def title_at(self, x: int, y: int) -> TerminalPane | None:
        """Return the pane whose title has words in a cell."""
        rect = self._frame.title_at(x, y) if self._frame is not None else None
        panes = self.placement.panes.items()
        return next((self.panes[number] for number, one in panes if one == rect), None)

    def longer_axis(self) -> Axis:
        """Return along which axis the focused pane is better split; cells are twice as tall."""
        here = self.splits.place(self.room).panes[self.focused_pane.number]
        return Axis.COLUMNS if here.width >= 2 * here.height else Axis.ROWS

    def can_take(self) -> bool:
        """Return whether there is room for another pane beside the focused one."""
        return self.splits.can_split(self.focused_pane.number, self.longer_axis(), self.room)

    # -- changes

    def rearrange(self) -> None:
        """Lay the panes out again."""
        if self.is_attached:
            self._placed = self.placement
            self._clear_arrangement_cache()
            self.refresh(layout=True)
            self.redraw()

    def light(self, rect: Rect | None) -> None:
        """Have what lies over the panes there."""
        self._split_layout.lit = rect
        self._clear_arrangement_cache()
        self.refresh(layout=True)

    def show_captions(self) -> None:
        """Draw what changed in the titles; a pane alone may need a line for its own."""
        if self._placed != self.placement:
            self.rearrange()
        else:
            self.redraw()

    def redraw(self) -> None:
        """Draw the lines and titles again."""
        self._frame = None
        self._rows.clear()
        self.refresh()

    def on_resize(self) -> None:
        """Draw the lines where they are now."""
        self._placed = self.placement
        self.redraw()

    # -- drawing

    def render_line(self, y: int) -> Strip:
        """Return one row of lines and titles; the panes lie over the rest."""
        strip = self._rows.get(y)
        if strip is None:
            if self._frame is None:
                self._frame = self._draw()
            strip = self._rows[y] = self._frame.row(y)
        return strip

    def _draw(self) -> PaneFrame:
        placement = self.placement
        captions: dict[Rect, Caption] = {}
        for number, rect in placement.panes.items():
            if rect.y:
                pane = self.panes[number]
                captions[rect] = replace(pane.caption, focused=pane is self.focused_pane)
        dividers = [(one.axis, one.rect) for one in placement.dividers]
        return PaneFrame(self.extent, captions, dividers, self._looks())

    def _looks(self) -> Callable[[str], Style]:
        looks = {
            name.removeprefix("frame--"): self.get_component_rich_style(name)
            for name in self.COMPONENT_CLASSES
        }
        return looks.__getitem__
