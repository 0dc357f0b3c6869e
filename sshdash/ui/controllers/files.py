"""Carries out what the file panes ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from textual.message import Message

from sshdash.config.equivalent import scp_command
from sshdash.errors import Cancelled, ConnectionLost, SSHDashError, UsageError
from sshdash.events import ConnectionChanged, Event, TransferChanged
from sshdash.prompts import ConfirmQuestion
from sshdash.sftp.entries import Entry, Kind, is_inside, join, normalize
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.trees import count_trees, remove_trees
from sshdash.states import ConnectionState, TransferState
from sshdash.ui.controllers import file_names as names
from sshdash.ui.format import count_text
from sshdash.ui.screens.chmod import ChmodDialog
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.screens.viewer import ViewerScreen
from sshdash.ui.theme import MARKS, Mark
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import THREAD_LIMIT, FilePane
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.sftp.filesystem import Filesystem
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.widgets.file_panes import FilePanes

VIEW_LIMIT = 512 * 1024
"""Bytes of a file that the viewer shows."""
_LOCAL = "this machine"
_ENDED = (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)


class FilesController:
    """One for all files tabs: every request names its pane."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend
        self._panes: WeakSet[FilePane] = WeakSet()
        self._handlers: dict[type[Message], Callable[[Any], object]] = {
            ask.OpenFolder: lambda m: self.open(m.pane, m.path, m.select),
            ask.Refresh: lambda m: self.refresh(m.pane),
            ask.GiveUp: lambda m: self._give_up(m.pane),
            ask.Mirror: lambda m: self.use(m.pane, m.endpoint, m.path),
            ask.ChooseEndpoint: lambda m: self.cockpit.start(self._choose(m.pane)),
            ask.GoTo: lambda m: self.cockpit.start(self._go_to(m.pane)),
            ask.ViewFile: lambda m: self.cockpit.start(self._view(m), _viewing(m.pane)),
            ask.MakeFolder: lambda m: self.cockpit.start(self._make_folder(m.pane)),
            ask.RenameFile: lambda m: self.cockpit.start(self._rename(m)),
            ask.DeleteFiles: lambda m: self.cockpit.start(self._delete(m)),
            ask.ChangeMode: lambda m: self.cockpit.start(self._change_mode(m)),
            ask.MoveFiles: lambda m: self.cockpit.start(self._move(m)),
            ask.CopyFiles: self._copy,
            ask.CopyCommand: self._copy_command,
            ask.ChangeTransfer: self._change_transfer,
        }

    def handle(self, message: Message) -> None:
        """Carry out a `FilesRequest` or a `ChangeTransfer`."""
        try:
            self._handlers[type(message)](message)
        except SSHDashError as error:
            self.cockpit.report(error)

    def begin(self, panes: FilePanes, left: str, right: str) -> None:
        """Show the home folders of two endpoints in a new tab."""
        self.use(panes.left, left)
        self.use(panes.right, right)

    async def end(self, panes: FilePanes) -> None:
        """Give back what the panes of a tab hold."""
        workers = self.cockpit.screen.workers
        for pane in panes.panes:
            self._panes.discard(pane)
            workers.cancel_group(self.cockpit.screen, _listing(pane))
            workers.cancel_group(self.cockpit.screen, _viewing(pane))
            await self._drop(pane)

    def on_event(self, event: Event) -> None:
        """Mark the panes of a lost host, and list again where copies arrived."""
        if isinstance(event, ConnectionChanged) and event.new is ConnectionState.LOST:
            for pane in self._showing(event.host):
                self.cockpit.start(self._lose(pane, event.reason))
        elif isinstance(event, TransferChanged) and event.new in _ENDED:
            jobs = {job.id: job.request for job in self.backend.transfers.snapshots()}
            if request := jobs.get(event.job):
                self._refresh_folder(request.target, request.target_dir)

    # Listing

    def use(self, pane: FilePane, endpoint: str, path: bytes | None = None) -> None:
        """Show another endpoint in a pane, its home folder by default."""
        self._panes.add(pane)
        self._start_list(pane, self._use(pane, endpoint, path))

    def open(self, pane: FilePane, path: bytes, select: bytes | None = None) -> None:
        """Show a folder in a pane."""
        self._start_list(pane, self._list(pane, path, select))

    def refresh(self, pane: FilePane) -> None:
        """List a pane's folder again, after connecting again where that is needed."""
        path = pane.browser.path if pane.listed else None
        self._start_list(pane, self._list(pane, path))

    def _start_list(self, pane: FilePane, work: Coroutine[Any, Any, None]) -> None:
        """Run one listing at a time for each pane: the newest is the one that is wanted."""
        self.cockpit.start(work, _listing(pane))

    def _give_up(self, pane: FilePane) -> None:
        self.cockpit.screen.workers.cancel_group(self.cockpit.screen, _listing(pane))
        pane.fail(Cancelled("Not connected", "You stopped it"))

    async def _use(self, pane: FilePane, endpoint: str, path: bytes | None) -> None:
        await self._drop(pane)
        pane.use(endpoint)
        await self._list(pane, path)

    async def _list(self, pane: FilePane, path: bytes | None, select: bytes | None = None) -> None:
        try:
            filesystem = await self._filesystem(pane)
            path = normalize(path if path is not None else filesystem.home())
            pane.wait("listing…")
            entries = await self._entries(pane, filesystem, path)
            await self._show(pane, path, entries, select)
            pane.show_space(await filesystem.statvfs(path))
            if any(entry.kind is Kind.SYMLINK for entry in entries):
                entries = await filesystem.resolve_links(path, entries)
                if pane.browser.path == path:
                    await self._show(pane, path, entries, None)
        except Cancelled:
            pane.fail(Cancelled("Not connected", "A question was dismissed"))
        except ConnectionLost as error:
            await self._drop(pane)
            pane.fail(error)
        except SSHDashError as error:
            pane.fail(error)

    async def _filesystem(self, pane: FilePane) -> Filesystem:
        if pane.filesystem is None:
            pane.wait("connecting…" if pane.endpoint else "opening…")
            filesystem = await self.backend.filesystem(pane.endpoint)
            if not pane.is_attached:
                await filesystem.close()
                raise Cancelled("The tab was closed")
            pane.filesystem = filesystem
        return pane.filesystem

    async def _entries(self, pane: FilePane, filesystem: Filesystem, path: bytes) -> list[Entry]:
        entries: list[Entry] = []
        async for batch in filesystem.scandir(path):
            entries += batch
            pane.wait(f"listing… {count_text(len(entries), 'entry', 'entries')}")
        return entries

    async def _show(
        self, pane: FilePane, path: bytes, entries: list[Entry], select: bytes | None
    ) -> None:
        arranged = None
        if len(entries) > THREAD_LIMIT:
            arranged = await asyncio.to_thread(pane.view_for(path).arrange, entries)
        pane.show(path, entries, select, arranged)

    async def _drop(self, pane: FilePane) -> None:
        filesystem, pane.filesystem = pane.filesystem, None
        if filesystem is not None:
            await filesystem.close()

    async def _lose(self, pane: FilePane, reason: str) -> None:
        await self._drop(pane)
        pane.fail(ConnectionLost("Connection lost", reason, host=pane.label))

    def _showing(self, endpoint: str) -> list[FilePane]:
        return [pane for pane in self._panes if pane.is_attached and pane.endpoint == endpoint]

    def _refresh_folder(self, endpoint: str, folder: bytes) -> None:
        for pane in self._showing(endpoint):
            if pane.listed and pane.filesystem and pane.browser.path == normalize(folder):
                self.refresh(pane)

    # Where to go

    async def _choose(self, pane: FilePane) -> None:
        await self.backend.load()
        choices = [Choice("", "local", _LOCAL, mark=Mark.UP)]
        status = {one.host: one.state for one in self.backend.connections.statuses()}
        for host in self.backend.catalog.hosts:
            state = status.get(host.alias, ConnectionState.IDLE)
            choices.append(
                Choice(host.alias, clean(host.alias), clean(host.group), mark=MARKS[state])
            )
        title = "Files of"
        answer = await self.cockpit.show(
            Picker(title, choices, "a host, or user@host:port", free=True)
        )
        if answer is not None:
            self.use(pane, answer)

    async def _go_to(self, pane: FilePane) -> None:
        value = names.editable(pane.browser.path) if pane.listed else "/"
        dialog = TextInputDialog(
            "Go to folder",
            f"A path on {pane.label}; ~ is the home folder",
            value=value,
            action="Go",
        )
        answer = await self.cockpit.show(dialog)
        if not answer or answer == value:
            return
        filesystem = await self._filesystem(pane)
        self.open(pane, names.path_from(answer, pane.browser.path, filesystem.home()))

    # One pane

    async def _view(self, request: ask.ViewFile) -> None:
        entry = request.entries[0]
        path = join(request.folder, entry.name)
        filesystem = await self._filesystem(request.pane)
        request.pane.wait("reading…")
        try:
            head = await filesystem.read_head(path, VIEW_LIMIT)
        finally:
            request.pane.wait("")
        await self.cockpit.show(ViewerScreen(entry.label, head, max(entry.size, len(head))))

    async def _make_folder(self, pane: FilePane) -> None:
        folder = pane.browser.path
        dialog = TextInputDialog(
            "New folder", f"In {pane.label}:{clean(folder)}", action="Make", check=names.problem
        )
        if answer := await self.cockpit.show(dialog):
            name = names.encode(answer)
            await (await self._filesystem(pane)).mkdir(join(folder, name))
            self._after(pane, folder, name)

    async def _rename(self, request: ask.RenameFile) -> None:
        pane, entry = request.pane, request.entries[0]
        old = names.editable(entry.name)
        dialog = TextInputDialog(
            "Rename",
            f"In {pane.label}:{clean(request.folder)}",
            value=old,
            action="Rename",
            check=names.problem,
            select_stem=entry.kind is not Kind.DIRECTORY,
        )
        answer = await self.cockpit.show(dialog)
        if answer and answer != old:
            name = names.encode(answer)
            filesystem = await self._filesystem(pane)
            await filesystem.rename(join(request.folder, entry.name), join(request.folder, name))
            self._after(pane, request.folder, name)

    async def _change_mode(self, request: ask.ChangeMode) -> None:
        what = names.listing(request.entries, 3)
        mode = await self.cockpit.show(ChmodDialog(what, request.entries[0].mode))
        if mode is None:
            return
        filesystem = await self._filesystem(request.pane)
        try:
            for entry in request.entries:
                await filesystem.chmod(join(request.folder, entry.name), mode)
        finally:
            self._after(request.pane, request.folder)

    async def _move(self, request: ask.MoveFiles) -> None:
        pane = request.pane
        question = ConfirmQuestion(
            f"Move {names.count(request.entries)}?",
            f"{names.listing(request.entries, 8)}\n\nto {pane.label}:{clean(request.into)}",
            action="Move",
        )
        if not await self.cockpit.prompter.ask(question):
            return
        filesystem = await self._filesystem(pane)
        try:
            for entry in request.entries:
                await filesystem.rename(
                    join(request.folder, entry.name), join(request.into, entry.name)
                )
        finally:
            pane.browser.clear_marks()
            self._after(pane, request.folder)
            self._refresh_folder(pane.endpoint, request.into)

    async def _delete(self, request: ask.DeleteFiles) -> None:
        pane, endpoint = request.pane, request.pane.endpoint
        paths = [join(request.folder, entry.name) for entry in request.entries]
        filesystem = await self.backend.filesystem(endpoint)
        try:
            pane.wait("counting…")
            census = await count_trees(filesystem, request.folder, request.entries)
            pane.wait("")
            where = f"{pane.label}:{clean(request.folder)}"
            question = names.delete_question(request.entries, census, where)
            if await self.cockpit.prompter.ask(question):
                pane.wait("deleting…")
                await remove_trees(filesystem, paths, lambda count: pane.wait(f"deleting… {count}"))
        finally:
            pane.wait("")
            await filesystem.close()
            self._refresh_folder(endpoint, request.folder)

    def _after(self, pane: FilePane, folder: bytes, select: bytes | None = None) -> None:
        """List again after a change, with the cursor on what is new, unless the pane went on."""
        if pane.is_attached and pane.browser.path == folder:
            self.open(pane, folder, select)
        other = [one for one in self._showing(pane.endpoint) if one is not pane]
        for one in other:
            if one.listed and one.browser.path == folder:
                self.refresh(one)

    # Between panes

    def _copy(self, request: ask.CopyFiles) -> None:
        source, target = request.pane, request.target
        same = source.endpoint == target.endpoint
        if same and request.into == request.folder:
            raise UsageError(
                "Both panes show the same folder",
                hint="open another folder in the other pane, or drop onto a folder",
            )
        paths = tuple(join(request.folder, entry.name) for entry in request.entries)
        if same and any(is_inside(request.into, path) for path in paths):
            raise UsageError("A folder cannot be copied into itself", clean(request.into))
        self.backend.transfers.submit(
            CopyRequest(source.endpoint, paths, target.endpoint, request.into)
        )
        source.browser.clear_marks()
        source.refresh_view()

    def _copy_command(self, request: ask.CopyCommand) -> None:
        source, target = request.pane, request.target
        ends = [
            (source.endpoint, names.text(join(request.folder, entry.name)))
            for entry in request.entries
        ]
        folder = names.text(target.browser.path)
        recursive = any(entry.leads_to_directory for entry in request.entries)
        self.cockpit.copy(
            scp_command(ends, (target.endpoint, folder), self.backend.source, recursive=recursive)
        )

    def _change_transfer(self, request: ask.ChangeTransfer) -> None:
        transfers = self.backend.transfers
        if request.step is ask.TransferStep.CANCEL:
            transfers.cancel(request.job)
        elif request.step is ask.TransferStep.RETRY:
            transfers.retry(request.job)
        else:
            transfers.remove_finished()


def _listing(pane: FilePane) -> str:
    """Return the group of a pane's listings, of which only the newest runs."""
    return f"list {id(pane)}"


def _viewing(pane: FilePane) -> str:
    """Return the group of a pane's looks into files, of which only the newest runs."""
    return f"view {id(pane)}"
