"""Opens the tabs of files and tunnels."""

from functools import partial

from sshdash.events import Event
from sshdash.sftp.job import TransferSnapshot
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.files import FilesController
from sshdash.ui.controllers.tunnels import TunnelsController
from sshdash.ui.widgets.files_tab import FilesTab
from sshdash.ui.widgets.tunnels_tab import TunnelsTab

LOCAL = ""


class PanelController:
    """What the commands that open files and tunnels do."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.files = FilesController(cockpit)
        self.tunnels = TunnelsController(cockpit)

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if command_id == "host.files" and self.cockpit.subject() is None:
            return "Select a host first"
        return ""

    def action_host_files(self) -> None:
        """Open the files of the host, or go to them where they are open."""
        host = self.cockpit.subject()
        if host is None:
            return
        for tab in self.cockpit.tabs:
            if isinstance(tab, FilesTab) and tab.host == host:
                self.cockpit.go_to_tab(tab)
                return
        self.cockpit.start(self._open_files(host))

    async def _open_files(self, host: str) -> None:
        tab = FilesTab(host, self._transfers)
        tab.ending = partial(self.files.end, tab.panes)
        await self.cockpit.add_tab(tab)
        self.files.begin(tab.panes, LOCAL, host)
        tab.retitle()

    def _transfers(self) -> list[TransferSnapshot]:
        backend = self.cockpit.backend
        return backend.transfers.snapshots() if backend.loaded else []

    def action_host_tunnels(self) -> None:
        """Open the tunnels, with the cursor on those of the host."""
        self.cockpit.start(self._open_tunnels(self.cockpit.subject()), group="open tunnels")

    async def _open_tunnels(self, host: str | None) -> None:
        tab = next((one for one in self.cockpit.tabs if isinstance(one, TunnelsTab)), None)
        if tab is None:
            tab = TunnelsTab(self.tunnels.snapshots)
            await self.cockpit.add_tab(tab)
        else:
            self.cockpit.go_to_tab(tab)
        await self.cockpit.backend.load()
        try:
            if host is not None:
                self.cockpit.backend.add_config_forwards(host)
        finally:
            tab.table.select_host(host or "")
            self.tunnels.list_configured()

    def on_event(self, event: Event) -> None:
        """Pass facts on, and keep the titles of the tabs true."""
        self.files.on_event(event)
        self.retitle()

    def retitle(self) -> None:
        """Call the tabs after what they show now."""
        for tab in self.cockpit.tabs:
            if isinstance(tab, FilesTab):
                tab.retitle()
            elif isinstance(tab, TunnelsTab):
                tab.retitle(self.tunnels.snapshots())
