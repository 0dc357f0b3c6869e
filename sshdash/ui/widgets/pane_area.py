"""The room of a tab, divided among its panes: goes between them, adds and removes them."""

from collections.abc import Sequence

from textual import events
from textual.await_remove import AwaitRemove
from textual.message import Message
from textual.widget import AwaitMount

from sshdash.ui.split_places import Axis, Direction, Node, Path
from sshdash.ui.widgets.pane_grid import PaneGrid
from sshdash.ui.widgets.terminal_pane import TerminalPane


class PaneArea(PaneGrid):
    """Panes of which one has the focus whenever the tab has it; their borders can be dragged."""

    class FocusMoved(Message):
        """Another pane has the focus, or is to have it."""

    class ZoomWanted(Message):
        """A title was clicked twice."""

    def __init__(self, panes: Sequence[TerminalPane], root: Node | None = None) -> None:
        super().__init__(panes, root)
        self._recent: list[int] = []
        """Panes in the order they had the focus, the latest first."""
        self._due: TerminalPane | None = None
        """The pane that a command chose and that has not been given the focus yet."""
        self._dragged: tuple[Path, int] | None = None

    def __repr__(self) -> str:
        return f"<PaneArea {self.splits!r} focused={self.focused_pane.number}>"

    def neighbour(self, direction: Direction) -> TerminalPane | None:
        """Return the pane beside the focused one."""
        number = self.focused_pane.number
        found = self.splits.neighbour(number, direction, self.room, self._recent)
        return None if found is None else self.panes[found]

    # -- changes

    def split(self, beside: TerminalPane, axis: Axis, new: TerminalPane) -> AwaitMount:
        """Put a new pane beside another; it is the one that is to have the focus."""
        self.splits.split(beside.number, axis, new.number)
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

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Follow the focus, whoever moved it.

        The one that had it last is told so again when a screen above it goes.
        """
        if event.widget is not self.screen.focused:
            return
        for pane in self.panes.values():
            if pane in event.widget.ancestors and self._due in (None, pane):
                self._choose(pane)

    # -- mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a border, or go to the pane whose title it is."""
        event.stop()
        if event.button != 1:
            return
        for divider in self.placement.dividers:
            if divider.rect.contains(event.x, event.y):
                self._dragged = (divider.path, divider.index)
                self.capture_mouse()
                return

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border that is held."""
        if self._dragged is None:
            return
        for divider in self.placement.dividers:
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
        for number, rect in self.placement.panes.items():
            if rect.y == event.y + 1 and rect.x <= event.x < rect.right:
                self.panes[number].take_focus()
                if event.chain == 2:
                    self.post_message(self.ZoomWanted())
