"""What the commands about the panes of a terminal tab do."""

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.host_actions import HostActions
from sshdash.ui.controllers.layout import Layout
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.controllers.tab_actions import TabActions
from sshdash.ui.split_places import Axis
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab, what_ends


class PaneActions:
    """Splits the tab in sight, takes panes out of it and to others, and closes them."""

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
        if command_id == "pane.break_out" and len(tab.panes) == 1:
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
