"""Carries out what the file panes ask for."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from textual.message import Message

from sshdash.config.equivalent import scp_command
from sshdash.errors import ConnectionLost, SSHDashError, UsageError
from sshdash.events import ConnectionChanged, Event, KeepChanged, TransferChanged
from sshdash.prompts import CONFLICT_POLICIES, ConfirmQuestion
from sshdash.sftp.entries import is_inside, join, parent_of
from sshdash.sftp.history import Spot
from sshdash.sftp.job import CopyRequest, as_user, host_of
from sshdash.sftp.sync_keep import KeepState
from sshdash.states import ConnectionState, TransferState
from sshdash.ui.controllers import file_names as names
from sshdash.ui.controllers.file_attributes import FileAttributes
from sshdash.ui.controllers.file_changes import FileChanges
from sshdash.ui.controllers.file_edits import FileEdits
from sshdash.ui.controllers.file_listings import Listings, viewing
from sshdash.ui.controllers.file_memory import FileMemory
from sshdash.ui.controllers.file_navigation import FileNavigation
from sshdash.ui.controllers.file_previews import FilePreviews
from sshdash.ui.controllers.file_removals import FileRemovals
from sshdash.ui.controllers.file_renames import FileRenames
from sshdash.ui.controllers.file_stops import Stops
from sshdash.ui.controllers.syncs import SyncController
from sshdash.ui.controllers.transfers import TransfersController
from sshdash.ui.format import count_text
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.screens.text_input import TextInputDialog
from sshdash.ui.theme import MARKS, Mark
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.widgets.file_panes import FilePanes

_LOCAL = "this machine"
_ARGUMENTS = 1_000
"""Paths in one command that is copied: more do not fit a command line."""
_ENDED = (TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED)


class FilesController:
    """One for all files tabs: every request names its pane."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend
        self.listings = listings = Listings(cockpit)
        self.memory = memory = FileMemory(cockpit)
        self.syncs = SyncController(cockpit, listings)
        self.previews = previews = FilePreviews(cockpit)
        stops = Stops()
        edits = FileEdits(cockpit, listings, stops)
        changes = FileChanges(cockpit, listings)
        self._uploading: set[str] = set()
        """What is kept up to date and copies something."""
        attributes = FileAttributes(cockpit, listings, stops)
        renames = FileRenames(cockpit, listings, self._submit_of)
        removals = FileRemovals(cockpit, listings, stops)
        self._handlers: dict[type[Message], Callable[[Any], object]] = {
            ask.OpenFolder: lambda m: self.listings.open(m.pane, m.path, m.select),
            ask.Refresh: lambda m: self.listings.refresh(m.pane),
            ask.GiveUp: lambda m: self.listings.give_up(m.pane),
            ask.Mirror: lambda m: self.listings.use(m.pane, m.endpoint, m.path),
            ask.BecomeUser: self._become,
            ask.ChooseEndpoint: lambda m: self.cockpit.start(self._choose(m.pane)),
            ask.GoTo: lambda m: self.cockpit.start(self._go_to(m.pane)),
            ask.ViewFile: lambda m: self.cockpit.start(previews.view(m), viewing(m.pane)),
            ask.PreviewFile: previews.follow,
            ask.EndPreview: lambda m: previews.cease(m.pane),
            ask.EditFile: edits.edit,
            ask.MakeFolder: lambda m: self.cockpit.start(changes.make_folder(m)),
            ask.MakeLink: lambda m: self.cockpit.start(changes.make_link(m)),
            ask.TouchFiles: lambda m: self.cockpit.start(changes.touch(m)),
            ask.ChangeMode: lambda m: self.cockpit.start(attributes.change_mode(m)),
            ask.ChangeOwner: lambda m: self.cockpit.start(attributes.change_owner(m)),
            ask.ShowProperties: lambda m: self.cockpit.start(changes.properties(m)),
            ask.RenameFile: lambda m: self.cockpit.start(renames.rename(m)),
            ask.RenameMany: lambda m: self.cockpit.start(renames.rename_many(m)),
            ask.MoveFiles: lambda m: self.cockpit.start(renames.move(m)),
            ask.UndoRename: lambda m: self.cockpit.start(renames.undo(m)),
            ask.DeleteFiles: removals.delete,
            ask.StopWork: lambda m: stops.stop(m.pane),
            ask.SendFiles: lambda m: self.cockpit.start(self._send(m)),
            ask.SyncFolders: lambda m: self.cockpit.start(self.syncs.preview(m.left, m.right)),
            ask.KeepFolders: lambda m: self.cockpit.start(self.syncs.keep(m.left, m.right)),
            ask.CopyFiles: self._copy,
            ask.CopyToSpot: self._copy_to,
            ask.CopyCommand: self._copy_command,
            ask.ChangeTransfer: TransfersController(
                cockpit, self._copy_scp, self.syncs.compare_again
            ).change,
        }
        self.navigation = FileNavigation(cockpit, self.listings, self._submit)
        self._handlers |= self.navigation.handlers
        self._handlers[ask.KeepView] = lambda m: memory.chosen(m.pane)

    def handle(self, message: Message) -> None:
        """Carry out a `FilesRequest` or a `ChangeTransfer`."""
        try:
            self._handlers[type(message)](message)
        except SSHDashError as error:
            self.cockpit.report(error)

    def _become(self, request: ask.BecomeUser) -> None:
        """Show a pane's folder as another user, or as oneself."""
        pane, host = request.pane, request.pane.host
        endpoint = as_user(host, request.user) if request.user else host
        # Of one that cannot be listed as the one user, the other may see more.
        self.listings.use(pane, endpoint, pane.folder)

    def begin(self, panes: FilePanes, left: str, right: str) -> None:
        """Show two endpoints in a new tab, each where one begins there."""
        self.memory.begin(panes)
        self.listings.use(panes.left, left)
        self.listings.use(panes.right, right)

    async def end(self, panes: FilePanes) -> None:
        """Give back what the panes of a tab hold."""
        for pane in panes.panes:
            self.previews.cease(pane)
        await self.listings.end(panes)

    def on_event(self, event: Event) -> None:
        """Keep the panes in step: of hosts that come and go, of folders where copies arrived."""
        if isinstance(event, ConnectionChanged) and event.new is ConnectionState.LOST:
            for pane in self.listings.on_host(event.host):
                lost = ConnectionLost("Connection lost", event.reason, host=pane.label)
                self.cockpit.start(self.listings.lose(pane, lost))
        elif isinstance(event, ConnectionChanged) and event.new is ConnectionState.IDLE:
            for pane in self.listings.on_host(event.host):
                if pane.filesystem is not None:  # else it is cut off already, or not there yet
                    lost = ConnectionLost("Disconnected", host=pane.label)
                    self.cockpit.start(self.listings.lose(pane, lost))
        elif isinstance(event, ConnectionChanged) and event.new is ConnectionState.CONNECTED:
            self.listings.revive(event.host)
        elif isinstance(event, TransferChanged) and event.new in _ENDED:
            self._list_ends(event.job)
        elif isinstance(event, KeepChanged):
            self._list_kept(event)

    def _list_ends(self, job: str) -> None:
        """List again where files came with a job that has ended, and where a move took them."""
        jobs = {job.id: job.request for job in self.backend.transfers.snapshots()}
        if request := jobs.get(job):
            self.listings.refresh_folder(request.target, request.target_dir)
            for folder in set(map(parent_of, request.paths)) if request.move else ():
                self.listings.refresh_folder(request.source, folder)

    def _list_kept(self, event: KeepChanged) -> None:
        """List again what shows a folder that is kept up to date, once files were copied there."""
        if event.state == KeepState.COPYING.value:
            self._uploading.add(event.keep)
        elif event.keep in self._uploading:
            self._uploading.discard(event.keep)
            for one in self.backend.keepers.snapshots():
                if one.id == event.keep:
                    remote = one.wish.remote
                    self.listings.refresh_below(remote.endpoint, remote.root)

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
        verb = "moved" if request.move else "copied"
        if same and _leads_into(request, spot.path):
            raise UsageError(f"A folder cannot be {verb} into itself", clean(spot.path))
        if request.move and same:
            self.handle(ask.MoveFiles(source, request.entries, spot.path))
            return
        self.cockpit.start(self._move_to(request) if request.move else self._queue(request))

    async def _move_to(self, request: ask.CopyToSpot) -> None:
        where = names.place(clean(request.spot.endpoint) or "local", request.spot.path)
        listed = names.listing(request.entries, 8)
        question = ConfirmQuestion(
            f"Move {names.count(request.entries)}?", f"{listed}\n\nto {where}", action="Move"
        )
        if await self.cockpit.prompter.ask(question):
            await self._queue(request)

    async def _queue(self, request: ask.CopyToSpot) -> None:
        endpoint, spot = request.pane.endpoint, request.spot
        paths = await names.paths(request.folder, request.entries)
        self._submit_of(
            request, CopyRequest(endpoint, paths, spot.endpoint, spot.path, move=request.move)
        )

    def _submit_of(self, request: ask.FilesAction, copy: CopyRequest) -> None:
        """Queue a copy of entries of a pane, and unmark them."""
        self._submit(copy)
        request.pane.unmark(request.folder, request.entries)

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
            paths = await names.paths(request.folder, request.entries)
            self._submit(CopyRequest(request.pane.endpoint, paths, request.host, folder))

    def _submit(self, copy: CopyRequest) -> None:
        """Queue a copy that is made as the settings say."""
        settings = self.backend.settings
        policy = CONFLICT_POLICIES[settings.conflict]
        asked = replace(copy, conflict=policy, verify=settings.checksum, in_place=None)
        self.backend.transfers.submit(asked)

    def _copy_command(self, request: ask.CopyCommand) -> None:
        if not request.entries:
            raise UsageError("Nothing is selected", hint="put the cursor on a file, or mark some")
        if len(request.entries) > _ARGUMENTS:
            raise UsageError(
                f"{count_text(len(request.entries), 'item')} are too many for one command",
                hint="mark fewer, or copy the command of their folder",
            )
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
        sources = [(host_of(copy.source), names.text(path)) for path in copy.paths]
        self.cockpit.copy(
            scp_command(
                sources,
                (host_of(copy.target), names.text(copy.target_dir)),
                self.backend.source,
                recursive=copy.recursive,
                preserve=copy.preserve,
            )
        )


def _leads_into(request: ask.CopyToSpot, path: bytes) -> bool:
    """Return whether a path is that of one of the entries, or below it."""
    if not is_inside(path, request.folder):
        return False
    start = join(request.folder, b"")
    top = path[len(start) :].partition(b"/")[0]
    return top in map(attrgetter("name"), request.entries)
