"""Keeps how the file panes are for the next time, and opens them again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual.timer import Timer

from sshdash.config.saving import set_aside
from sshdash.errors import SSHDashError
from sshdash.sftp.browser import Browser, View
from sshdash.sftp.job import host_of
from sshdash.sftp.kept_panes import (
    MOST,
    KeptFolder,
    KeptPane,
    KeptPanes,
    KeptTab,
    KeptView,
    kept_panes_file,
    read_panes,
    write_panes,
)
from sshdash.ui.command import Place
from sshdash.ui.widgets.file_pane_tabs import PaneTab

if TYPE_CHECKING:
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.widgets.file_pane import FilePane
    from sshdash.ui.widgets.file_panes import FilePanes
    from sshdash.ui.widgets.files_tab import FilesTab
    from sshdash.ui.widgets.tabs import Tab

log = logging.getLogger(__name__)

_INTERVAL = 2.0
"""Seconds between two looks at whether anything has changed."""


class FileMemory:
    """The view that was chosen last, always; the tabs, where they come back (setting `restore`)."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self._kept: KeptPanes | None = None
        """As it is in the file; None until that was read."""
        self._view = KeptView()
        self._loading = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<FileMemory {self._view} kept={self._kept is not None}>"

    async def load(self) -> KeptPanes:
        """Return what was kept. A file that cannot be read is told, and set aside."""
        async with self._loading:
            if self._kept is None:
                file = kept_panes_file()
                try:
                    self._kept = await asyncio.to_thread(read_panes, file)
                except SSHDashError as error:
                    self.cockpit.report(error)
                    await asyncio.to_thread(set_aside, file)
                    self._kept = KeptPanes()
                self._view = self._kept.view
                self._timer = self.cockpit.screen.set_interval(_INTERVAL, self.keep)
        return self._kept

    def begin(self, panes: FilePanes) -> None:
        """Have new panes show what was chosen last, in its order."""
        for pane in panes.panes:
            pane.browser.set_view(self._view.view)

    def chosen(self, pane: FilePane) -> None:
        """Begin with the view of this pane from now on."""
        self._view = KeptView.of(pane.browser.view)

    # The last time

    def fill(self, panes: FilePanes, kept: KeptTab) -> None:
        """Show in two panes what was kept of a tab; what is not in sight is listed later."""
        for pane, folders in zip(panes.panes, (kept.left, kept.right), strict=True):
            tabs = [PaneTab(one.host, Browser(one.path, one.view.view)) for one in folders.folders]
            pane.take_tabs(tabs, min(folders.current, len(tabs) - 1))
        panes.focus_pane(panes.left if kept.active == "left" else panes.right)

    def now(self) -> KeptPanes:
        """Return what would be kept now: without `restore`, the tabs that were."""
        before = self._kept or KeptPanes()
        if not self.cockpit.backend.settings.restore:
            return KeptPanes(self._view, before.tabs)
        lasting = [tab for tab in self.cockpit.tabs if tab.place in (Place.FILES, Place.TERMINAL)]
        tabs = [
            _kept_tab(tab, place, here=tab is self.cockpit.current)
            for place, tab in enumerate(lasting)
            if tab.place is Place.FILES
        ]
        return KeptPanes(self._view, tuple(tabs[:MOST]))

    async def keep(self) -> None:
        """Write what has changed."""
        panes = self.now()
        if self._kept is None or panes == self._kept:
            return
        async with self._writing:
            try:
                await asyncio.to_thread(write_panes, kept_panes_file(), panes)
            except SSHDashError as error:
                log.warning("the file panes are not kept: %s", error)
            self._kept = panes

    async def stop(self) -> None:
        """Keep how it is at the end."""
        if self._timer is not None:
            self._timer.stop()
            await self.keep()


def _kept_tab(tab: Tab, place: int, *, here: bool) -> KeptTab:
    panes = cast("FilesTab", tab).panes
    panes_kept = (_kept_pane(panes.left), _kept_pane(panes.right))
    on_left = panes.active is panes.left
    return KeptTab(tab.host, *panes_kept, "left" if on_left else "right", place, here)


def _kept_pane(pane: FilePane) -> KeptPane:
    """Return what is kept of a pane: nobody becomes another user by coming back."""
    folders = [
        KeptFolder.of(host_of(tab.endpoint), tab.browser.path, _plain(tab.browser.view))
        for tab in pane.tabs
    ]
    return KeptPane.of(tuple(folders), pane.current_tab)


def _plain(view: View) -> View:
    return replace(view, text="")
