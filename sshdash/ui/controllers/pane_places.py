"""What the commands about the places of the panes of a terminal tab do."""

from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.layout import Layout
from sshdash.ui.keymap import key_text
from sshdash.ui.split_places import Axis, Direction
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab

_STEP = {Axis.COLUMNS: 2, Axis.ROWS: 1}
"""Cells that a key pushes a border by."""
_WHERE = {
    Direction.LEFT: "to the left",
    Direction.RIGHT: "to the right",
    Direction.UP: "above",
    Direction.DOWN: "below",
}


class PanePlaces:
    """Goes between the panes of the tab in sight, gives them more room and other places."""

    def __init__(self, cockpit: Cockpit, layout: Layout) -> None:
        self.cockpit = cockpit
        self.layout = layout

    @property
    def tab(self) -> TerminalTab | None:
        """Return the terminal tab in sight."""
        tab = self.cockpit.current
        return tab if isinstance(tab, TerminalTab) else None

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        tab = self.tab
        if tab is None:
            return "Only in a terminal"
        return "There is only one pane" if len(tab.panes) == 1 else ""

    # Going between panes

    def action_pane_left(self) -> None:
        """Go to the pane on the left."""
        self._go(Direction.LEFT)

    def action_pane_right(self) -> None:
        """Go to the pane on the right."""
        self._go(Direction.RIGHT)

    def action_pane_up(self) -> None:
        """Go to the pane above."""
        self._go(Direction.UP)

    def action_pane_down(self) -> None:
        """Go to the pane below."""
        self._go(Direction.DOWN)

    def action_pane_next(self) -> None:
        """Go to the next pane, from the last to the first."""
        if tab := self.tab:
            self._focus(tab.area.panes[tab.area.splits.next(tab.pane.number)])

    def _go(self, direction: Direction) -> None:
        if (tab := self.tab) and (pane := tab.area.neighbour(direction)):
            self._focus(pane)

    def _focus(self, pane: TerminalPane) -> None:
        if tab := self.tab:
            tab.area.select(pane)
            self.cockpit.focus_soon(tab)

    # Room and places

    def action_pane_resize_left(self) -> None:
        """Push the border of the pane to the left."""
        self._resize(Direction.LEFT)

    def action_pane_resize_right(self) -> None:
        """Push the border of the pane to the right."""
        self._resize(Direction.RIGHT)

    def action_pane_resize_up(self) -> None:
        """Push the border of the pane up."""
        self._resize(Direction.UP)

    def action_pane_resize_down(self) -> None:
        """Push the border of the pane down."""
        self._resize(Direction.DOWN)

    def _resize(self, direction: Direction) -> None:
        if tab := self.tab:
            tab.area.resize(direction, _STEP[direction.axis])

    def action_pane_equalise(self) -> None:
        """Give all panes the same room."""
        if tab := self.tab:
            tab.area.splits.equalise()
            tab.area.rearrange()

    def action_pane_swap_previous(self) -> None:
        """Change places with the pane before."""
        self._swap(-1)

    def action_pane_swap_next(self) -> None:
        """Change places with the pane after."""
        self._swap(1)

    def _swap(self, step: int) -> None:
        if tab := self.tab:
            tree, number = tab.area.splits, tab.pane.number
            tree.swap(number, tree.next(number, step))
            tab.area.rearrange()

    def action_pane_move(self) -> None:
        """Wait for an arrow and move the pane that way."""
        self.cockpit.start(self._move())

    async def _move(self) -> None:
        from sshdash.ui.screens.prefix import PrefixScreen

        keys = [(key_text(one.name.lower()), _WHERE[one]) for one in Direction]
        key = await self.cockpit.show(PrefixScreen("Move the pane", keys))
        side = Direction.__members__.get((key or "").upper())
        tab = self.tab
        if side is None or tab is None or len(tab.panes) == 1:
            return
        self.layout.unzoom()
        beside = tab.area.neighbour(side)
        if not tab.area.move_pane(tab.pane, side, beside.number if beside else None):
            self.cockpit.tell("Move", "There is no room for the pane there")
        self.cockpit.focus_soon(tab)
