"""What the commands about tabs do."""

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.widgets.tabs import Tab

_AMONG_SEVERAL = ("tab.last", "tab.move_left", "tab.move_right")


class TabActions:
    """Goes between tabs and closes them, asking first where something would end."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        tabs = self.cockpit.tabs
        if len(tabs) == 1 and command_id in _AMONG_SEVERAL:
            return "There is only one tab"
        return "" if tabs else "No tab is open"

    def action_tab_go(self, key: str = "1") -> None:
        """Go to the tab whose number is the key."""
        tabs = self.cockpit.tabs
        number = int(key) if key.isdigit() else 0
        if 1 <= number <= len(tabs):
            self.cockpit.go_to_tab(tabs[number - 1])
        else:
            self.cockpit.tell(f"There is no tab {key}")

    def action_tab_next(self) -> None:
        """Go to the next tab, from the last to the first."""
        self._go_by(1)

    def action_tab_previous(self) -> None:
        """Go to the tab before, from the first to the last."""
        self._go_by(-1)

    def action_tab_last(self) -> None:
        """Go to the tab that was in sight before this one."""
        if (tab := self.cockpit.area.previous) is not None:
            self.cockpit.go_to_tab(tab)

    def action_tab_find(self) -> None:
        """List the tabs, to go to one."""
        self.cockpit.start(self._find())

    def action_tab_move_left(self) -> None:
        """Move the tab to the left."""
        self._move(-1)

    def action_tab_move_right(self) -> None:
        """Move the tab to the right."""
        self._move(1)

    def action_tab_close(self) -> None:
        """Close the tab in sight."""
        if self.cockpit.current is not None:
            self.close(self.cockpit.current)

    def close(self, tab: Tab) -> None:
        """Close a tab, after asking where something runs in it."""
        self.cockpit.start(self._close(tab))

    async def _close(self, tab: Tab) -> None:
        if (question := tab.closing_question()) and not await self.cockpit.ask(
            ConfirmQuestion("Close this tab?", question, action="Close", danger=True)
        ):
            return
        self.cockpit.remove_tab(tab)
        await tab.close_tab()
        self.cockpit.refresh_hosts()

    async def _find(self) -> None:
        from sshdash.ui.dialogs import tab_list

        tabs = {str(number): tab for number, tab in enumerate(self.cockpit.tabs, 1)}
        picked = await self.cockpit.show(tab_list(tabs))
        if picked is not None and (tab := tabs[picked]) in self.cockpit.tabs:
            self.cockpit.go_to_tab(tab)

    def _move(self, step: int) -> None:
        if self.cockpit.current is not None:
            self.cockpit.area.move(self.cockpit.current, step)

    def _go_by(self, step: int) -> None:
        self.cockpit.area.go_by(step)
        if self.cockpit.current is not None:
            self.cockpit.go_to_tab(self.cockpit.current)
