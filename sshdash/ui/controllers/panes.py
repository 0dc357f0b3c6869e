"""What the commands about the panes of a terminal tab do."""

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.host_actions import HostActions
from sshdash.ui.controllers.layout import Layout
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.controllers.tab_actions import TabActions
from sshdash.ui.keymap import key_text
from sshdash.ui.split_places import Axis, Direction
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab, what_ends

_STEP = {Axis.COLUMNS: 2, Axis.ROWS: 1}
"""Cells that a key pushes a border by."""
_WHERE = {
    Direction.LEFT: "to the left",
    Direction.RIGHT: "to the right",
    Direction.UP: "above",
    Direction.DOWN: "below",
}
_ALONE = ("pane.split_right", "pane.split_down", "pane.split_host", "pane.join")
"""Commands for which one pane is enough."""


class PaneActions:
    """Splits the tab in sight, goes between its panes, moves them and closes them."""

    def __init__(
        self,
        cockpit: Cockpit,
        shells: ShellController,
        tabs: TabActions,
        hosts: HostActions,
        layout: Layout,
    ) -> None:
        self.cockpit = cockpit
        self.shells = shells
        self.tabs = tabs
        self.hosts = hosts
        self.layout = layout

    @property
    def tab(self) -> TerminalTab | None:
        """Return the terminal tab in sight."""
        tab = self.cockpit.current
        return tab if isinstance(tab, TerminalTab) else None

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        tab = self.tab
        if command_id == "pane.close":
            return "" if self.cockpit.tabs else "No tab is open"
        if tab is None:
            return "Only in a terminal"
        if command_id == "pane.join" and not self._others(tab):
            return "There is no other terminal tab"
        if command_id in ("pane.join", "pane.break_out") and tab.view is None:
            return "Its shell is not open yet"
        if len(tab.panes) == 1 and command_id not in _ALONE:
            return "There is only one pane"
        return ""

    # Splitting

    def action_pane_split_right(self) -> None:
        """Open another shell beside the one with the focus."""
        self._split(Axis.COLUMNS)

    def action_pane_split_down(self) -> None:
        """Open another shell below the one with the focus."""
        self._split(Axis.ROWS)

    def _split(self, axis: Axis, host: str = "") -> None:
        tab = self.tab
        if tab is None:
            return
        self.layout.unzoom()
        if tab.area.splits.can_split(tab.pane.number, axis, tab.area.room):
            self.shells.split(tab, axis, host)
        else:
            self.cockpit.tell("Split", "There is no room for another pane")

    def action_pane_split_host(self) -> None:
        """Ask for a host and open a shell there beside the one with the focus."""
        self.cockpit.start(self._split_host())

    async def _split_host(self) -> None:
        host = await self.hosts.pick("Split with another host")
        if host and (tab := self.tab):
            self._split(tab.area.longer_axis(), self.hosts.destination(host))

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

    # Between tabs

    def action_pane_break_out(self) -> None:
        """Give the pane a tab of its own."""
        if (tab := self.tab) and tab.view is not None:
            self.shells.move(tab.pane, tab, None)

    def action_pane_join(self) -> None:
        """Ask for another tab and move the pane there."""
        self.cockpit.start(self._join())

    def _others(self, tab: TerminalTab) -> list[TerminalTab]:
        return [one for one in self.cockpit.tabs if isinstance(one, TerminalTab) and one is not tab]

    async def _join(self) -> None:
        from sshdash.ui.screens.picker import Choice, Picker

        tab = self.tab
        if tab is None:
            return
        pane, others = tab.pane, self._others(tab)
        choices = [
            Choice(str(index), one.tab_title, mark=one.tab_mark) for index, one in enumerate(others)
        ]
        picked = await self.cockpit.show(Picker("Join another tab", choices, "tab"))
        target = others[int(picked)] if picked is not None else None
        alive = target in self.cockpit.tabs and tab in self.cockpit.tabs and pane in tab.panes
        if target is not None and alive and pane.view is not None:
            self.layout.unzoom()
            if target.area.can_take():
                self.shells.move(pane, tab, target)
            else:
                self.cockpit.tell("Join another tab", "There is no room for another pane")

    # Closing

    def action_pane_close(self) -> None:
        """Close the pane with the focus, or the tab where it is the last or has none."""
        if tab := self.tab:
            self.close(tab.pane)
        else:
            self.tabs.action_tab_close()

    def close(self, pane: TerminalPane) -> None:
        """Close a pane, after asking where something runs in it."""
        for tab in self.cockpit.tabs:
            if isinstance(tab, TerminalTab) and pane in tab.panes:
                if len(tab.panes) == 1:
                    self.tabs.close(tab)
                else:
                    self.cockpit.start(self._close(tab, pane))

    async def _close(self, tab: TerminalTab, pane: TerminalPane) -> None:
        question = what_ends([pane] if pane.is_running else [])
        if question and not await self.cockpit.ask(
            ConfirmQuestion("Close this pane?", question, action="Close", danger=True)
        ):
            return
        if pane not in tab.panes:
            return
        if len(tab.panes) == 1:
            self.cockpit.remove_tab(tab)
        else:
            tab.remove_pane(pane)
            if tab is self.cockpit.current:
                self.cockpit.focus_soon(tab)
        await pane.close_pane()
        self.cockpit.refresh_hosts()
