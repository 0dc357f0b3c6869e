"""What the file panes list: opening file systems, showing folders, staying in step."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sshdash.errors import Cancelled, ConfigError, ConnectionLost, FileError, SSHDashError
from sshdash.sftp.bookmarks import load_bookmarks
from sshdash.sftp.entries import is_inside, normalize
from sshdash.sftp.history import Spot
from sshdash.sftp.listing import Listing, let_go
from sshdash.sftp.watching import FolderWatch
from sshdash.states import ConnectionState
from sshdash.ui.arranging import aside
from sshdash.ui.format import count_text
from sshdash.ui.widgets.file_pane import THREAD_LIMIT, FilePane

if TYPE_CHECKING:
    from sshdash.connections.recovery.interest import Interest
    from sshdash.sftp.filesystem import Filesystem
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.widgets.file_panes import FilePanes

_EARLY = 0.25
"""Seconds of listing after which what has come so far is shown."""
_TURN = 0.003
"""Seconds of work on a listing until everybody else gets a turn."""
_MORE = 0.3
"""Seconds between two times that more of it is shown."""
_AT_ONCE = 500
"""Entries that are put below the others without a pause that anybody would notice."""
_SLOW = 3.0
"""Seconds between a change in a large folder and the listing that follows it."""
_AGAIN = 0.5
"""Seconds until a change is looked at again that came while something else was waited for."""


class Listings:
    """The panes of all files tabs. Each lists one folder at a time, the newest wanted."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend
        self._panes: WeakSet[FilePane] = WeakSet()
        self._interests: dict[FilePane, Interest] = {}
        """What has the connections of panes brought back."""

    def use(self, pane: FilePane, endpoint: str, path: bytes | None = None) -> None:
        """Show another endpoint in a pane, by default where one begins there."""
        self._panes.add(pane)
        self._start_list(pane, self._use(pane, endpoint, path))

    def open(self, pane: FilePane, path: bytes, select: bytes | None = None) -> None:
        """Show a folder in a pane."""
        self._start_list(pane, self._list(pane, path, select))

    def go_to(self, pane: FilePane, spot: Spot) -> None:
        """Show a folder of whatever endpoint in a pane."""
        if spot.endpoint == pane.endpoint:
            self.open(pane, spot.path)
        else:
            self.use(pane, spot.endpoint, spot.path)

    def show_tab(self, pane: FilePane, elsewhere: bool) -> None:
        """List what another tab of a pane shows; `elsewhere` on another endpoint than before."""
        self._panes.add(pane)
        self._start_list(pane, self._show_tab(pane, elsewhere))

    def refresh(self, pane: FilePane) -> None:
        """List a pane's folder again, after connecting again where that is needed."""
        if pane.endpoint and pane.is_cut_off:
            status = self.backend.connections.status(pane.host)
            if status.state is ConnectionState.WAITING:
                self.backend.connections.retry_now(pane.host)  # it is listed again then
                return
        self._start_list(pane, self._list(pane, pane.folder))

    async def end(self, panes: FilePanes) -> None:
        """Give back what the panes of a tab hold."""
        workers = self.cockpit.screen.workers
        for pane in panes.panes:
            self._panes.discard(pane)
            workers.cancel_group(self.cockpit.screen, _group(pane))
            workers.cancel_group(self.cockpit.screen, viewing(pane))
            self._lose_interest(pane)
            await self._drop(pane)

    async def lose(self, pane: FilePane, error: ConnectionLost) -> None:
        """Tell that a pane's connection is gone; its listing stays."""
        await self._drop(pane)
        pane.fail(error)

    def revive(self, host: str) -> None:
        """List again what was cut off from a host that something else connected again."""
        for pane in self.on_host(host):
            if pane.is_cut_off:
                self._start_list(pane, self._revive(pane))

    async def _revive(self, pane: FilePane) -> None:
        # Where it is gone again already, a pane must not dial: two could go on by turns forever.
        status = self.backend.connections.status(pane.host)
        if status.state is ConnectionState.CONNECTED and pane.is_cut_off:
            await self._list(pane, pane.folder)

    def _start_list(self, pane: FilePane, work: Coroutine[Any, Any, None]) -> None:
        """Run one listing at a time for each pane: the newest is the one that is wanted."""
        self.cockpit.start(work, _group(pane))

    def give_up(self, pane: FilePane) -> None:
        """Stop connecting or listing."""
        self.cockpit.screen.workers.cancel_group(self.cockpit.screen, _group(pane))
        title = "Not everything is listed" if pane.browser.loading else "Not connected"
        pane.fail(Cancelled(title, "You stopped it"))

    async def _use(self, pane: FilePane, endpoint: str, path: bytes | None) -> None:
        self._lose_interest(pane)
        await self._drop(pane)
        pane.use(endpoint, path)
        await self._list(pane, path)

    async def _show_tab(self, pane: FilePane, elsewhere: bool) -> None:
        if elsewhere:
            self._lose_interest(pane)
            await self._drop(pane)
        await self._list(pane, pane.browser.path)

    async def _list(self, pane: FilePane, path: bytes | None, select: bytes | None = None) -> None:
        try:
            filesystem = await self.filesystem(pane)
            path = normalize(path if path is not None else _first_folder(pane, filesystem))
            pane.wanted = path
            pane.wait("listing…")
            pane.outdated = False
            listing = await self._listing(pane, filesystem, path)
            await self._show(pane, path, listing, select)
            self._watch(pane, path)
            await self._complete(pane, filesystem, path, listing)
        except Cancelled:
            pane.fail(Cancelled("Not connected", "A question was dismissed"))
        except ConnectionLost as error:
            await self._drop(pane)
            pane.fail(error)
        except SSHDashError as error:
            if path is not None and not pane.listed:
                pane.browser.path = path  # there is a folder above it to go to
            pane.fail(error)

    async def _complete(
        self, pane: FilePane, filesystem: Filesystem, path: bytes, listing: Listing
    ) -> None:
        """Add what takes another round trip: where links lead, how much room there is."""
        with suppress(FileError):
            if listing.has_links:
                listing.replace(await filesystem.resolve_links(path, listing.entries))
                await self._show(pane, path, listing, None)
            pane.show_space(await filesystem.statvfs(path))
        with suppress(FileError, ConfigError):  # told where somebody asks for them
            pane.bookmarks = (await asyncio.to_thread(load_bookmarks)).get(pane.endpoint, ())

    async def filesystem(self, pane: FilePane) -> Filesystem:
        """Return the pane's file system, opened where it is not; raises what that raises."""
        if pane.filesystem is None:
            pane.wait("connecting…" if pane.endpoint else "opening…")
            filesystem = await self.backend.filesystem(pane.endpoint)
            if not pane.is_attached:
                await filesystem.close()
                raise Cancelled("The tab was closed")
            pane.filesystem = filesystem
            if pane.endpoint and pane not in self._interests:
                interest = self.backend.connections.interest(pane.host, "files")
                self._interests[pane] = interest
        return pane.filesystem

    async def _listing(self, pane: FilePane, filesystem: Filesystem, path: bytes) -> Listing:
        """Return all there is; what takes long is shown as it comes in, unless it is there."""
        listing = Listing()
        shown = 0
        known = pane.listed and pane.browser.path == path
        due = time.monotonic() + _EARLY
        turn = 0.0
        async for batch in filesystem.scandir(path):
            for start in range(0, len(batch), _AT_ONCE):
                if time.monotonic() > turn:  # what has arrived already comes without a pause
                    await asyncio.sleep(0)
                    turn = time.monotonic() + _TURN
                listing.add(batch[start : start + _AT_ONCE])
            if time.monotonic() < due:
                continue
            pane.wait(f"listing… {count_text(len(listing), 'entry', 'entries')}")
            more = listing.entries[shown : shown + _AT_ONCE]
            if not known and not shown:
                pane.show(path, more, loading=True)
                shown = len(more)
            elif not known and pane.rows.nears_end:
                pane.extend(more)
                shown += len(more)
            due = time.monotonic() + _MORE
        return listing

    async def _show(
        self, pane: FilePane, path: bytes, listing: Listing, select: bytes | None
    ) -> None:
        rows, gone = None, None
        while len(listing) > THREAD_LIMIT:
            view = pane.view_for(path)
            rows = await aside(listing.rows, view, path)
            marks = tuple(pane.browser.marks)
            gone = await aside(rows.missing, marks)
            if len(pane.browser.marks) > len(marks):  # some were marked meanwhile
                gone += rows.missing(pane.browser.marks.difference(marks))
            if view == pane.view_for(path):  # else the order was changed meanwhile
                break
        old = pane.browser.held
        pane.show(path, listing.entries, select, rows, gone=gone)
        if len(old) + len(old.others) > THREAD_LIMIT:
            await asyncio.to_thread(let_go, old)

    # Following

    def _watch(self, pane: FilePane, path: bytes) -> None:
        """Notice from now on when a listed folder of this machine changes."""
        if pane.watcher is None and not pane.endpoint:
            pane.watcher = FolderWatch(partial(self._folder_changed, pane))
        if pane.watcher is not None:
            pane.watcher.watch(None if pane.endpoint else path)

    def _folder_changed(self, pane: FilePane, folder: bytes) -> None:
        if pane.outdated or not pane.is_attached or pane.spot != Spot("", folder):
            return
        pane.outdated = True
        if len(pane.browser.rows) > THREAD_LIMIT:  # whoever writes many files has not ended yet
            self._catch_up_after(_SLOW, pane)
        else:
            self._catch_up(pane)

    def _catch_up(self, pane: FilePane) -> None:
        if pane.is_waiting:
            self._catch_up_after(_AGAIN, pane)
        elif pane.outdated and pane.is_on_screen:
            self.refresh(pane)

    def _catch_up_after(self, seconds: float, pane: FilePane) -> None:
        self.cockpit.screen.set_timer(seconds, partial(self._catch_up, pane))

    def _lose_interest(self, pane: FilePane) -> None:
        """Do without the pane's connection from now on, should it be lost."""
        interest = self._interests.pop(pane, None)
        if interest is not None:
            interest.release()

    async def _drop(self, pane: FilePane) -> None:
        filesystem, pane.filesystem = pane.filesystem, None
        if filesystem is not None:
            await filesystem.close()

    def on_host(self, host: str) -> list[FilePane]:
        """Return the panes that show files of a host, whoever is become there."""
        return [pane for pane in self._panes if pane.is_attached and pane.host == host]

    def showing(self, endpoint: str) -> list[FilePane]:
        """Return the panes that show files of an endpoint."""
        return [pane for pane in self._panes if pane.is_attached and pane.endpoint == endpoint]

    def refresh_folder(self, endpoint: str, folder: bytes) -> None:
        """List again wherever a folder is in sight."""
        for pane in self.showing(endpoint):
            if pane.listed and pane.filesystem and pane.browser.path == normalize(folder):
                self.refresh(pane)

    def refresh_below(self, endpoint: str, root: bytes) -> None:
        """List again what shows a folder, or one below it."""
        for folder in {pane.browser.path for pane in self.showing(endpoint) if pane.listed}:
            if is_inside(folder, normalize(root)):
                self.refresh_folder(endpoint, folder)

    def changed(self, pane: FilePane, folder: bytes, select: bytes | None = None) -> None:
        """List again after a change, with the cursor on what is new, unless the pane went on."""
        if pane.is_attached and pane.browser.path == folder:
            self.open(pane, folder, select)
        other = [one for one in self.showing(pane.endpoint) if one is not pane]
        for one in other:
            if one.listed and one.browser.path == folder:
                self.refresh(one)


def _first_folder(pane: FilePane, filesystem: Filesystem) -> bytes:
    """Return where a pane begins: here where the program was started, else in the home folder."""
    if not pane.endpoint:
        with suppress(OSError):  # it may have been removed since
            folder = os.getcwdb()
            if os.access(folder, os.R_OK | os.X_OK):
                return folder
    return filesystem.home()


def _group(pane: FilePane) -> str:
    """Return the group of a pane's listings, of which only the newest runs."""
    return f"list {id(pane)}"


def viewing(pane: FilePane) -> str:
    """Return the group of a pane's looks into files, of which only the newest runs."""
    return f"view {id(pane)}"
