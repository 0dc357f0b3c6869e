"""The room of a tab, divided among its panes: lays them out, draws the lines, moves the borders."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.await_remove import AwaitRemove
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.strip import Strip
from textual.widget import AwaitMount, Widget

from sshdash.ui.split_places import Axis, Direction, Leaf, Node, Path, Placement, Rect
from sshdash.ui.split_tree import SplitTree
from sshdash.ui.widgets.pane_frame import Caption, PaneFrame
from sshdash.ui.widgets.terminal_pane import TerminalPane


class _SplitLayout(Layout):
    """Puts each pane where the tree has it; those that are out of sight nowhere."""

    name = "splits"

    def __init__(self, placement: Callable[[Size], Placement]) -> None:
        self._placement = placement

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Return where the panes in sight are."""
        placed = self._placement(size).panes
        return [
            WidgetPlacement(
                Region(rect.x, rect.y, rect.width, rect.height), NULL_OFFSET, NULL_SPACING, pane
            )
            for pane in children
            if isinstance(pane, TerminalPane) and (rect := placed.get(pane.number))
        ]


class PaneArea(Widget):
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

    class FocusMoved(Message):
        """Another pane has the focus, or is to have it."""

    class ZoomWanted(Message):
        """A title was clicked twice."""

    def __init__(self, panes: Sequence[TerminalPane], root: Node | None = None) -> None:
        super().__init__()
        self.panes = {pane.number: pane for pane in panes}
        self.splits = SplitTree(root or Leaf(panes[0].number))
        self.focused_pane = self.panes[self.splits.panes[0]]
        self.zoomed = False
        self._recent: list[int] = []
        """Panes in the order they had the focus, the latest first."""
        self._due: TerminalPane | None = None
        """The pane that a command chose and that has not been given the focus yet."""
        self._split_layout = _SplitLayout(self._placement)
        self._extent = Size()
        """Its size when it was in sight last."""
        self._placed: Placement | None = None
        self._rows: dict[int, Strip] = {}
        self._frame: PaneFrame | None = None
        self._dragged: tuple[Path, int] | None = None

    def __repr__(self) -> str:
        return f"<PaneArea {self.splits!r} focused={self.focused_pane.number}>"

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

    def neighbour(self, direction: Direction) -> TerminalPane | None:
        """Return the pane beside the focused one."""
        number = self.focused_pane.number
        found = self.splits.neighbour(number, direction, self.room, self._recent)
        return None if found is None else self.panes[found]

    def longer_axis(self) -> Axis:
        """Return along which axis the focused pane is better split; cells are twice as tall."""
        here = self.splits.place(self.room).panes[self.focused_pane.number]
        return Axis.COLUMNS if here.width >= 2 * here.height else Axis.ROWS

    def can_take(self) -> bool:
        """Return whether there is room for another pane beside the focused one."""
        return self.splits.can_split(self.focused_pane.number, self.longer_axis(), self.room)

    # -- changes

    def split(self, beside: TerminalPane, axis: Axis, new: TerminalPane) -> AwaitMount:
        """Put a new pane beside another; it is the one that is to have the focus."""
        self.splits.split(beside.number, axis, new.number)
        return self._add(new)

    def _add(self, new: TerminalPane) -> AwaitMount:
        self.panes[new.number] = new
        mounted = self.mount(new)
        self.select(new)
        self.rearrange()
        return mounted

    def remove_pane(self, pane: TerminalPane) -> AwaitRemove:
        """Take a pane out, which is not the last; the one seen before is to have the focus."""
        self._recent = [one for one in self._recent if one != pane.number]
        after = [one for one in self._recent if one in self.panes]
        beside = after[0] if after else self.splits.next(pane.number, -1)
        self.splits.close(pane.number)
        del self.panes[pane.number]
        if pane is self.focused_pane:
            self.select(self.panes[beside])
        removed = pane.remove()
        self.rearrange()
        return removed

    def select(self, pane: TerminalPane) -> None:
        """Let a pane be the one that has the focus when the tab has it."""
        self._due = pane
        self._choose(pane)

    def give_focus(self) -> None:
        """Give the focus to the pane that is to have it."""
        self._due = None
        self.focused_pane.take_focus()

    def _choose(self, pane: TerminalPane) -> None:
        before, self.focused_pane = self.focused_pane, pane
        self._recent = [pane.number, *(one for one in self._recent if one != pane.number)]
        if pane is not before:
            if self.is_single:
                self.rearrange()
            self.redraw()
            self.post_message(self.FocusMoved())

    def resize(self, direction: Direction, cells: int) -> bool:
        """Push the border of the focused pane; return whether it moved."""
        moved = self.splits.resize(self.focused_pane.number, direction, cells, self.room)
        if moved:
            self.rearrange()
        return moved

    def rearrange(self) -> None:
        """Lay the panes out again."""
        if self.is_attached:
            self._placed = self._placement(self.extent)
            self._clear_arrangement_cache()
            self.refresh(layout=True)
            self.redraw()

    def show_captions(self) -> None:
        """Draw what changed in the titles; a pane alone may need a line for its own."""
        if self._placed != self._placement(self.extent):
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
        self._placed = self._placement(self.extent)
        self.redraw()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow the focus, whoever moved it.

        The one that had it last is told so again when a screen above it goes.
        """
        if event.widget is not self.screen.focused:
            return
        for pane in self.panes.values():
            if pane in event.widget.ancestors and self._due in (None, pane):
                self._choose(pane)

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
        placement = self._placement(self.extent)
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

    # -- mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border, or go to the pane whose title it is."""
        event.stop()
        if event.button != 1:
            return
        for divider in self._placement(self.extent).dividers:
            if divider.rect.contains(event.x, event.y):
                self._dragged = (divider.path, divider.index)
                self.capture_mouse()
                return

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border that is held."""
        if self._dragged is None:
            return
        for divider in self._placement(self.extent).dividers:
            if (divider.path, divider.index) == self._dragged:
                upright = divider.axis is Axis.COLUMNS
                by = event.x - divider.rect.x if upright else event.y - divider.rect.y
                if by and self.splits.push(divider.path, divider.index, by, self.room):
                    self.rearrange()

    def on_mouse_up(self) -> None:
        """Let go."""
        self._dragged = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Go to the pane whose title was clicked; zoom it at the second click."""
        event.stop()
        for number, rect in self._placement(self.extent).panes.items():
            if rect.y == event.y + 1 and rect.x <= event.x < rect.right:
                self.panes[number].take_focus()
                if event.chain == 2:
                    self.post_message(self.ZoomWanted())
