"""Opens the tabs of files and tunnels. What they are made of is brought in with the first one."""

import asyncio
import importlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, cast

from textual.message import Message

from sshdash.events import Event
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.command import Place
from sshdash.ui.format import count_text
from sshdash.ui.widgets.tabs import Tab

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot
    from sshdash.ui.controllers.files import FilesController
    from sshdash.ui.controllers.tunnels import TunnelsController
    from sshdash.ui.widgets.files_tab import FilesTab
    from sshdash.ui.widgets.tunnels_tab import TunnelsTab

LOCAL = ""


class PanelController:
    """What the commands that open files and tunnels do."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit

    @cached_property
    def files(self) -> "FilesController":
        """Return who carries out what the panes ask for."""
        from sshdash.ui.controllers.files import FilesController

        return FilesController(self.cockpit)

    @cached_property
    def tunnels(self) -> "TunnelsController":
        """Return who carries out what the table asks for."""
        from sshdash.ui.controllers.tunnels import TunnelsController

        return TunnelsController(self.cockpit)

    @property
    def files_tabs(self) -> "list[FilesTab]":
        """Return the tabs of files."""
        tabs = [tab for tab in self.cockpit.tabs if tab.place is Place.FILES]
        return cast("list[FilesTab]", tabs)

    @property
    def tunnels_tab(self) -> "TunnelsTab | None":
        """Return the tab of the tunnels, where it is open."""
        found = (tab for tab in self.cockpit.tabs if tab.place is Place.TUNNELS)
        return cast("TunnelsTab | None", next(found, None))

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if command_id == "host.files" and self.cockpit.subject() is None:
            return "Select a host first"
        return ""

    def handle(self, tab: Tab, request: Message) -> None:
        """Carry out what something inside a tab asks for."""
        if tab.place in (Place.FILES, Place.TRANSFERS):
            self.files.handle(request)
        else:
            self.tunnels.handle(request)

    def action_host_files(self) -> None:
        """Open the files of the host, or go to them where they are open."""
        host = self.cockpit.subject()
        if host is None:
            return
        for tab in self.files_tabs:
            if tab.host == host:
                self.cockpit.go_to_tab(tab)
                return
        self.cockpit.start(self._open_files(host))

    async def _open_files(self, host: str) -> None:
        tab = await self._files_tab(host)
        self.files.begin(tab.panes, LOCAL, host)
        tab.retitle()

    async def _files_tab(self, host: str) -> "FilesTab":
        from sshdash.ui.widgets.files_tab import FilesTab

        await self.files.memory.load()
        tab = FilesTab(host, self._transfers)
        tab.ending = partial(self.files.end, tab.panes)
        await self.cockpit.add_tab(tab)
        return tab

    async def restore_files(self) -> None:
        """Open the files of the last time again, and keep what is open from now on."""
        here = self.cockpit.current
        for kept in (await self.files.memory.load()).tabs:
            tab = await self._files_tab(kept.host)
            self.files.memory.fill(tab.panes, kept)
            if kept.place >= 0:
                self.cockpit.area.put(tab, kept.place)
            tab.retitle()
            if kept.here:
                here = tab
        if here is not None:
            self.cockpit.go_to_tab(here)

    async def stop(self) -> None:
        """Keep how the files are at the end."""
        if "files" in vars(self):
            await self.files.memory.stop()

    def _transfers(self) -> "list[TransferSnapshot]":
        backend = self.cockpit.backend
        return backend.transfers.snapshots() if backend.loaded else []

    def action_view_transfers(self) -> None:
        """Open the tab of all copies, or go to it."""
        self.cockpit.start(self._open_transfers(), group="open transfers")

    async def _open_transfers(self) -> None:
        from sshdash.ui.widgets.transfers_tab import TransfersTab

        for tab in self.cockpit.tabs:
            if tab.place is Place.TRANSFERS:
                self.cockpit.go_to_tab(tab)
                return
        backend = self.cockpit.backend
        await backend.load()
        await self.cockpit.add_tab(TransfersTab(self._transfers, backend.transfers.totals))

    def tell_interrupted(self, copies: int, key: str) -> None:
        """Tell of copies that another run of sshdash did not end."""
        if copies:
            title = f"{count_text(copies, 'copy was', 'copies were')} interrupted"
            self.cockpit.tell(title, f"paused: {key} shows the copies", severity="warning")

    def action_host_tunnels(self) -> None:
        """Open the tunnels, with the cursor on those of the host."""
        self.cockpit.start(self.open_tunnels(self.cockpit.subject()), group="open tunnels")

    async def open_tunnels(self, host: str | None) -> None:
        """Open the tab of the tunnels, or go to it, with the cursor on those of a host."""
        from sshdash.ui.widgets.tunnels_tab import TunnelsTab

        tab = self.tunnels_tab
        if tab is None:
            of = self.tunnels
            tab = TunnelsTab(of.snapshots, of.clients, of.watch, of.is_reading)
            tab.table.host = host or ""  # a rule that is added meanwhile is for it
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

    def begin_tunnels(self) -> None:
        """Answer other processes, list the saved rules, and open those that open by themselves."""
        self.cockpit.start(self._begin_tunnels(), group="begin tunnels", aside=True)

    async def _begin_tunnels(self) -> None:
        household = self.cockpit.backend.household
        await household.open("screen")
        # Leaving asks by it, when an upgrade may have replaced the program's files.
        await asyncio.to_thread(importlib.import_module, "sshdash.ui.screens.leave")
        await household.rules.follow()
        await self.cockpit.backend.tunnels.launch()
        self.cockpit.refresh_hosts()

    def on_event(self, event: Event) -> None:
        """Pass facts on, and keep the titles of the tabs true."""
        if self.files_tabs:
            self.files.on_event(event)
        if (tunnels := self.tunnels_tab) is not None:
            tunnels.table.wake()
        self.retitle()

    def retitle(self) -> None:
        """Call the tabs after what they show now."""
        for tab in self.files_tabs:
            tab.retitle()
        if (table := self.tunnels_tab) is not None:
            table.retitle(self.tunnels.states())
            if any(self.tunnels.rates()):
                table.table.wake()
