"""Carries out what the file panes ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.message import Message

from sshdash.config.equivalent import scp_command
from sshdash.errors import ConnectionLost, SSHDashError, UsageError
from sshdash.events import ConnectionChanged, Event, TransferChanged
from sshdash.prompts import CONFLICT_POLICIES, ConfirmQuestion
from sshdash.sftp.entries import Kind, is_inside, join
from sshdash.sftp.history import Spot
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.trees import count_trees, remove_trees
from sshdash.states import ConnectionState, TransferState
from sshdash.ui.controllers import file_names as names
from sshdash.ui.controllers.file_listings import Listings, viewing
from sshdash.ui.controllers.file_navigation import FileNavigation
from sshdash.ui.controllers.syncs import SyncController
from sshdash.ui.controllers.transfers import TransfersController
from sshdash.ui.screens.chmod import ChmodDialog
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.screens.viewer import ViewerScreen
from sshdash.ui.theme import MARKS, Mark
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.untrusted import clean

if TYPE_CHECKING:
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
        self.listings = Listings(cockpit)
        self.syncs = SyncController(cockpit, self.listings)
        self._handlers: dict[type[Message], Callable[[Any], object]] = {
            ask.OpenFolder: lambda m: self.listings.open(m.pane, m.path, m.select),
            ask.Refresh: lambda m: self.listings.refresh(m.pane),
            ask.GiveUp: lambda m: self.listings.give_up(m.pane),
            ask.Mirror: lambda m: self.listings.use(m.pane, m.endpoint, m.path),
            ask.ChooseEndpoint: lambda m: self.cockpit.start(self._choose(m.pane)),
            ask.GoTo: lambda m: self.cockpit.start(self._go_to(m.pane)),
            ask.ViewFile: lambda m: self.cockpit.start(self._view(m), viewing(m.pane)),
            ask.MakeFolder: lambda m: self.cockpit.start(self._make_folder(m.pane)),
            ask.RenameFile: lambda m: self.cockpit.start(self._rename(m)),
            ask.DeleteFiles: lambda m: self.cockpit.start(self._delete(m)),
            ask.ChangeMode: lambda m: self.cockpit.start(self._change_mode(m)),
            ask.MoveFiles: lambda m: self.cockpit.start(self._move(m)),
            ask.SendFiles: lambda m: self.cockpit.start(self._send(m)),
            ask.SyncFolders: lambda m: self.cockpit.start(self.syncs.preview(m.left, m.right)),
            ask.KeepFolders: lambda m: self.cockpit.start(self.syncs.keep(m.left, m.right)),
            ask.CopyFiles: self._copy,
            ask.CopyToSpot: self._copy_to,
            ask.CopyCommand: self._copy_command,
            ask.ChangeTransfer: TransfersController(cockpit, self._copy_scp).change,
        }
        self.navigation = FileNavigation(cockpit, self.listings, self._submit)
        self._handlers |= self.navigation.handlers

    def handle(self, message: Message) -> None:
        """Carry out a `FilesRequest` or a `ChangeTransfer`."""
        try:
            self._handlers[type(message)](message)
        except SSHDashError as error:
            self.cockpit.report(error)

    def begin(self, panes: FilePanes, left: str, right: str) -> None:
        """Show two endpoints in a new tab, each where one begins there."""
        self.listings.use(panes.left, left)
        self.listings.use(panes.right, right)

    async def end(self, panes: FilePanes) -> None:
        """Give back what the panes of a tab hold."""
        await self.listings.end(panes)

    def on_event(self, event: Event) -> None:
        """Keep the panes in step: of hosts that come and go, of folders where copies arrived."""
        if isinstance(event, ConnectionChanged) and event.new is ConnectionState.LOST:
            for pane in self.listings.showing(event.host):
                lost = ConnectionLost("Connection lost", event.reason, host=pane.label)
                self.cockpit.start(self.listings.lose(pane, lost))
        elif isinstance(event, ConnectionChanged) and event.new is ConnectionState.IDLE:
            for pane in self.listings.showing(event.host):
                if pane.filesystem is not None:  # else it is cut off already, or not there yet
                    lost = ConnectionLost("Disconnected", host=pane.label)
                    self.cockpit.start(self.listings.lose(pane, lost))
        elif isinstance(event, ConnectionChanged) and event.new is ConnectionState.CONNECTED:
            self.listings.revive(event.host)
        elif isinstance(event, TransferChanged) and event.new in _ENDED:
            jobs = {job.id: job.request for job in self.backend.transfers.snapshots()}
            if request := jobs.get(event.job):
                self.listings.refresh_folder(request.target, request.target_dir)

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
            self.listings.use(pane, answer)

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
        filesystem = await self.listings.filesystem(pane)
        self.listings.open(pane, names.path_from(answer, pane.browser.path, filesystem.home()))

    # One pane

    async def _view(self, request: ask.ViewFile) -> None:
        entry = request.entries[0]
        path = join(request.folder, entry.name)
        filesystem = await self.listings.filesystem(request.pane)
        request.pane.wait("reading…")
        try:
            head = await filesystem.read_head(path, VIEW_LIMIT)
        finally:
            request.pane.wait("")
        await self.cockpit.show(ViewerScreen(entry.label, head, max(entry.size, len(head))))

    async def _make_folder(self, pane: FilePane) -> None:
        folder = pane.browser.path
        dialog = TextInputDialog(
            "New folder",
            f"In {names.place(pane.label, folder)}",
            action="Make",
            check=names.problem,
        )
        if answer := await self.cockpit.show(dialog):
            name = names.encode(answer)
            await (await self.listings.filesystem(pane)).mkdir(join(folder, name))
            self.listings.changed(pane, folder, name)

    async def _rename(self, request: ask.RenameFile) -> None:
        pane, entry = request.pane, request.entries[0]
        old = names.editable(entry.name)
        dialog = TextInputDialog(
            "Rename",
            f"In {names.place(pane.label, request.folder)}",
            value=old,
            action="Rename",
            check=names.problem,
            select_stem=entry.kind is not Kind.DIRECTORY,
        )
        answer = await self.cockpit.show(dialog)
        if answer and answer != old:
            name = names.encode(answer)
            filesystem = await self.listings.filesystem(pane)
            await filesystem.rename(join(request.folder, entry.name), join(request.folder, name))
            self.listings.changed(pane, request.folder, name)

    async def _change_mode(self, request: ask.ChangeMode) -> None:
        what = names.listing(request.entries, 3)
        mode = await self.cockpit.show(ChmodDialog(what, request.entries[0].mode))
        if mode is None:
            return
        filesystem = await self.listings.filesystem(request.pane)
        try:
            for entry in request.entries:
                await filesystem.chmod(join(request.folder, entry.name), mode)
        finally:
            self.listings.changed(request.pane, request.folder)

    async def _move(self, request: ask.MoveFiles) -> None:
        pane = request.pane
        question = ConfirmQuestion(
            f"Move {names.count(request.entries)}?",
            f"{names.listing(request.entries, 8)}\n\nto {names.place(pane.label, request.into)}",
            action="Move",
        )
        if not await self.cockpit.prompter.ask(question):
            return
        filesystem = await self.listings.filesystem(pane)
        try:
            for entry in request.entries:
                await filesystem.rename(
                    join(request.folder, entry.name), join(request.into, entry.name)
                )
        finally:
            pane.browser.clear_marks()
            self.listings.changed(pane, request.folder)
            self.listings.refresh_folder(pane.endpoint, request.into)

    async def _delete(self, request: ask.DeleteFiles) -> None:
        pane, endpoint = request.pane, request.pane.endpoint
        paths = [join(request.folder, entry.name) for entry in request.entries]
        filesystem = await self.backend.filesystem(endpoint)
        try:
            pane.wait("counting…")
            census = await count_trees(filesystem, request.folder, request.entries)
            pane.wait("")
            where = names.place(pane.label, request.folder)
            question = names.delete_question(request.entries, census, where)
            if await self.cockpit.prompter.ask(question):
                pane.wait("deleting…")
                await remove_trees(filesystem, paths, lambda count: pane.wait(f"deleting… {count}"))
        finally:
            pane.wait("")
            await filesystem.close()
            self.listings.refresh_folder(endpoint, request.folder)

    # Between panes

    def _copy(self, request: ask.CopyFiles) -> None:
        spot = Spot(request.target.endpoint, request.into)
        self._copy_to(ask.CopyToSpot(request.pane, request.entries, spot, request.move))

    def _copy_to(self, request: ask.CopyToSpot) -> None:
        source, spot = request.pane, request.spot
        same = source.endpoint == spot.endpoint
        if same and spot.path == request.folder:
            raise UsageError(
                "Both panes show the same folder",
                hint="open another folder in the other pane, or drop onto a folder",
            )
        paths = tuple(join(request.folder, entry.name) for entry in request.entries)
        verb = "moved" if request.move else "copied"
        if same and any(is_inside(spot.path, path) for path in paths):
            raise UsageError(f"A folder cannot be {verb} into itself", clean(spot.path))
        copy = CopyRequest(source.endpoint, paths, spot.endpoint, spot.path, move=request.move)
        if request.move:
            self.cockpit.start(self._move_to(request, copy))
        else:
            self._submit_of(source, copy)

    async def _move_to(self, request: ask.CopyToSpot, copy: CopyRequest) -> None:
        where = names.place(clean(copy.target) or "local", copy.target_dir)
        listed = names.listing(request.entries, 8)
        question = ConfirmQuestion(
            f"Move {names.count(request.entries)}?", f"{listed}\n\nto {where}", action="Move"
        )
        if await self.cockpit.prompter.ask(question):
            self._submit_of(request.pane, copy)

    def _submit_of(self, pane: FilePane, copy: CopyRequest) -> None:
        """Queue a copy of what is marked in a pane, and unmark it."""
        self._submit(copy)
        pane.browser.clear_marks()
        pane.refresh_view()

    async def _send(self, request: ask.SendFiles) -> None:
        filesystem = await self.backend.filesystem(request.host)
        try:
            folder = filesystem.home()
        finally:
            await filesystem.close()
        question = ConfirmQuestion(
            f"Copy {names.count(request.entries)}?",
            f"{names.listing(request.entries, 8)}\n\nto {names.place(clean(request.host), folder)}",
            action="Copy",
        )
        if await self.cockpit.prompter.ask(question):
            paths = tuple(join(request.folder, entry.name) for entry in request.entries)
            self._submit(CopyRequest(request.pane.endpoint, paths, request.host, folder))

    def _submit(self, copy: CopyRequest) -> None:
        """Queue a copy that is made as the settings say."""
        settings = self.backend.settings
        policy = CONFLICT_POLICIES[settings.conflict]
        self.backend.transfers.submit(replace(copy, conflict=policy, verify=settings.checksum))

    def _copy_command(self, request: ask.CopyCommand) -> None:
        if not request.entries:
            raise UsageError("Nothing is selected", hint="put the cursor on a file, or mark some")
        paths = tuple(join(request.folder, entry.name) for entry in request.entries)
        recursive = any(entry.leads_to_directory for entry in request.entries)
        target = request.target
        self._copy_scp(
            CopyRequest(
                request.pane.endpoint, paths, target.endpoint, target.browser.path, recursive
            )
        )

    def _copy_scp(self, copy: CopyRequest) -> None:
        """Put the scp command of a copy on the clipboard."""
        sources = [(copy.source, names.text(path)) for path in copy.paths]
        self.cockpit.copy(
            scp_command(
                sources,
                (copy.target, names.text(copy.target_dir)),
                self.backend.source,
                recursive=copy.recursive,
                preserve=copy.preserve,
            )
        )
