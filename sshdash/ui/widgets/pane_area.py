"""The room of a tab, divided among its panes: goes between them, adds and removes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.await_remove import AwaitRemove
from textual.message import Message
from textual.widget import AwaitMount

from sshdash.ui.split_places import Axis, Direction, Node, Path, Rect
from sshdash.ui.widgets.pane_grid import PaneGrid
from sshdash.ui.widgets.pane_landing import Landing
from sshdash.ui.widgets.terminal_pane import TerminalPane


@dataclass(slots=True)
class _Held:
    """A pane that is held by its title."""

    pane: TerminalPane
    start: tuple[int, int]
    beside: int = 0
    side: Direction | None = None
    """On which side of the pane `beside` it would land; None where it would stay."""
    landing: Landing | None = None
    """What is lit, once it was dragged."""


class PaneArea(PaneGrid):
    """Panes of which one has the focus whenever the tab has it.

    Their borders can be dragged, and they themselves by the words of their titles.
    """

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
        self._held: _Held | None = None
        self._dropped = False
        """Whether the mouse was let go after a drag, so that the click that follows is none."""

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
        self._put_down()
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

    def move_pane(self, pane: TerminalPane, side: Direction, beside: int | None = None) -> bool:
        """Put a pane on one side of another one, or at that edge; return whether there is room."""
        moved = self.splits.moved(pane.number, side, beside)
        if not moved.fits(self.room):
            return False
        self.splits = moved
        self.select(pane)
        self.rearrange()
        return True

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
        """Take hold of a pane by its title, or of a border."""
        event.stop()
        self._dropped = False
        if event.button != 1:
            return
        if (pane := self.title_at(event.x, event.y)) and not self.is_single:
            self._held = _Held(pane, (event.x, event.y))
            self.capture_mouse()
            return
        for divider in self.placement.dividers:
            if divider.rect.contains(event.x, event.y):
                self._dragged = (divider.path, divider.index)
                self.capture_mouse()
                return

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border that is held, or light where the pane would go that is."""
        if self._held is not None:
            self._drag_to(self._held, event.x, event.y)
        if self._dragged is None:
            return
        for divider in self.placement.dividers:
            if (divider.path, divider.index) == self._dragged:
                upright = divider.axis is Axis.COLUMNS
                by = event.x - divider.rect.x if upright else event.y - divider.rect.y
                if by and self.splits.push(divider.path, divider.index, by, self.room):
                    self.rearrange()

    def on_mouse_up(self) -> None:
        """Let go, of a pane where it is to be."""
        self._dragged = None
        self.release_mouse()
        held = self._held
        self._put_down()
        if held is not None and held.side is not None:
            self.move_pane(held.pane, held.side, held.beside)
            self.give_focus()

    def _drag_to(self, held: _Held, x: int, y: int) -> None:
        if held.landing is None:
            if (x, y) == held.start:
                return
            held.landing = Landing(held.pane.caption.title)
            self.mount(held.landing)
            held.landing.focus()
            self._dropped = True
        held.beside, held.side, lit = self._landing(held.pane, x, y)
        self.light(lit)

    def _landing(
        self, pane: TerminalPane, x: int, y: int
    ) -> tuple[int, Direction | None, Rect | None]:
        """Return where a pane would land that is dropped on a cell, and the half it would have."""
        for number, rect in self.placement.panes.items():
            whole = Rect(rect.x, rect.y - 1, rect.width, rect.height + 1)
            if number != pane.number and whole.contains(x, y):
                side = whole.nearest_side(x, y)
                if self.splits.moved(pane.number, side, number).fits(self.room):
                    return number, side, rect.half(side)
        return 0, None, None

    def _put_down(self) -> None:
        """Leave a pane that is held where it was."""
        held, self._held = self._held, None
        if held is None:
            return
        self.release_mouse()
        if held.landing is not None:
            self.light(None)
            if held.landing.has_focus:
                self.give_focus()
            held.landing.remove()

    def on_landing_given_up(self, message: Landing.GivenUp) -> None:
        """Leave everything as it was."""
        message.stop()
        self._put_down()

    def on_click(self, event: events.Click) -> None:
        """Go to the pane whose title was clicked; zoom it at the second click."""
        event.stop()
        if self._dropped:
            return
        for number, rect in self.placement.panes.items():
            if rect.y == event.y + 1 and rect.x <= event.x < rect.right:
                self.panes[number].take_focus()
                if event.chain == 2:
                    self.post_message(self.ZoomWanted())
