"""What the widgets of a files tab ask for: imperative, with the pane it is about."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

from textual.message import Message

from sshdash.sftp.entries import Entry

if TYPE_CHECKING:
    from sshdash.sftp.history import Spot
    from sshdash.ui.widgets.file_pane import FilePane
    from sshdash.ui.widgets.preview_pane import PreviewPane


class FilesRequest(Message):
    """Something a pane cannot do by itself."""

    def __init__(self, pane: FilePane) -> None:
        super().__init__()
        self.pane = pane


class OpenFolder(FilesRequest):
    """Show another folder in the pane, with the cursor on `select` where given."""

    def __init__(self, pane: FilePane, path: bytes, select: bytes | None = None) -> None:
        super().__init__(pane)
        self.path = path
        self.select = select


class Refresh(FilesRequest):
    """List the folder again; connect again where the connection is gone."""


class GiveUp(FilesRequest):
    """Stop connecting or listing."""


class ChooseEndpoint(FilesRequest):
    """Let the person choose whose files the pane shows."""


class Mirror(FilesRequest):
    """Show a folder of an endpoint, which the other pane shows already."""

    def __init__(self, pane: FilePane, endpoint: str, path: bytes) -> None:
        super().__init__(pane)
        self.endpoint = endpoint
        self.path = path


class BecomeUser(FilesRequest):
    """Show the folder with the rights of another user of the host, empty for one's own."""

    def __init__(self, pane: FilePane, user: str) -> None:
        super().__init__(pane)
        self.user = user


class GoTo(FilesRequest):
    """Let the person type the path to show."""


class MakeFolder(FilesRequest):
    """Make a folder here, after asking for its name."""


class FilesAction(FilesRequest):
    """Something about certain entries of the pane's folder."""

    def __init__(self, pane: FilePane, entries: Sequence[Entry]) -> None:
        super().__init__(pane)
        self.entries = tuple(entries)
        self.folder = pane.browser.path


class ViewFile(FilesAction):
    """Show the beginning of a file."""


class RenameFile(FilesAction):
    """Give an entry another name, after asking for it."""


class DeleteFiles(FilesAction):
    """Delete the entries, after asking."""


class ChangeMode(FilesAction):
    """Change the permissions, after asking for them."""


class CopyFiles(FilesAction):
    """Copy the entries into a folder of the other pane."""

    def __init__(
        self,
        pane: FilePane,
        entries: Sequence[Entry],
        target: FilePane,
        into: bytes,
        move: bool = False,
    ) -> None:
        super().__init__(pane, entries)
        self.target = target
        self.into = into
        self.move = move
        """Whether the entries go once they are there; asks first."""


class SendFiles(FilesAction):
    """Copy the entries into the home folder of a host, after asking."""

    def __init__(self, pane: FilePane, entries: Sequence[Entry], host: str) -> None:
        super().__init__(pane, entries)
        self.host = host


class MoveFiles(FilesAction):
    """Move the entries into another folder of the same endpoint, after asking."""

    def __init__(self, pane: FilePane, entries: Sequence[Entry], into: bytes) -> None:
        super().__init__(pane, entries)
        self.into = into


class CopyCommand(FilesAction):
    """Put the scp command that does the same copy on the clipboard."""

    def __init__(self, pane: FilePane, entries: Sequence[Entry], target: FilePane) -> None:
        super().__init__(pane, entries)
        self.target = target


class SyncFolders(FilesRequest):
    """Compare the folders of both panes and make one like the other, after showing what that is."""

    def __init__(self, pane: FilePane, left: FilePane, right: FilePane) -> None:
        super().__init__(pane)
        self.left = left
        self.right = right


class KeepFolders(SyncFolders):
    """Keep the folder of a host like the one here, or end that."""


class TransferStep(Enum):
    """What can be done with copy jobs."""

    PAUSE = "pause"
    PAUSE_ALL = "pause all"
    EARLIER = "earlier"
    LATER = "later"
    LIMIT = "limit"
    LIMIT_ALL = "limit all"
    CANCEL = "cancel"
    RETRY = "retry"
    CLEAR = "clear"
    COPY_COMMAND = "copy command"
    COMPARE = "compare again"


class ChangeTransfer(Message):
    """Do something with a job, or take the finished ones off the list."""

    def __init__(self, step: TransferStep, job: str = "") -> None:
        super().__init__()
        self.step = step
        self.job = job


# Where to go


class GoToSpot(FilesRequest):
    """Show a folder of an endpoint that was shown before, or is kept as a bookmark."""

    def __init__(self, pane: FilePane, spot: Spot) -> None:
        super().__init__(pane)
        self.spot = spot


class TabShown(FilesRequest):
    """Another tab of the pane is in sight: list its folder; `elsewhere` on another endpoint."""

    def __init__(self, pane: FilePane, elsewhere: bool) -> None:
        super().__init__(pane)
        self.elsewhere = elsewhere


class FindFile(FilesRequest):
    """Let the person find a file below the folder by a part of its path."""


class ShowBookmarks(FilesRequest):
    """Let the person go to a bookmark, keep this folder as one, or take one away."""


class GoToShell(FilesRequest):
    """Show the folder that a shell of the pane's host is in."""


class SendShell(FilesRequest):
    """Send a shell of the pane's host to the pane's folder."""


# What is done there


class MarkMatching(FilesRequest):
    """Let the person type a pattern, and mark, or unmark, what matches it."""

    def __init__(self, pane: FilePane, marked: bool) -> None:
        super().__init__(pane)
        self.marked = marked


class ChooseColumns(FilesRequest):
    """Let the person choose which columns the pane has."""


class KeepView(FilesRequest):
    """Begin with the view of the pane from now on: the person chose it."""


class MeasureFolders(FilesAction):
    """Count how much the folders among the entries hold."""


class CopyToSpot(FilesAction):
    """Copy, or move, the entries into a folder of any endpoint."""

    def __init__(
        self, pane: FilePane, entries: Sequence[Entry], spot: Spot, move: bool = False
    ) -> None:
        super().__init__(pane, entries)
        self.spot = spot
        self.move = move
        """Whether the entries go once they are there; asks first."""


class TakePasted(FilesRequest):
    """Copy the files here whose paths the hosting terminal has pasted, after asking."""

    def __init__(self, pane: FilePane, text: str) -> None:
        super().__init__(pane)
        self.text = text


# About single files


class PreviewFile(FilesAction):
    """Show beside the pane what its cursor is on; no entry for nothing."""

    def __init__(self, pane: FilePane, entries: Sequence[Entry], beside: PreviewPane) -> None:
        super().__init__(pane, entries)
        self.beside = beside


class EndPreview(FilesRequest):
    """Look at nothing beside the pane any more."""


class EditFile(FilesAction):
    """Let the person edit a file, in their editor or here."""

    def __init__(self, pane: FilePane, entries: Sequence[Entry], here: bool) -> None:
        super().__init__(pane, entries)
        self.here = here


class RenameMany(FilesAction):
    """Rename the entries by a pattern, after asking for it."""


class UndoRename(FilesRequest):
    """Take back the last rename or move."""


class MakeLink(FilesAction):
    """Make a symbolic link, after asking for its target; the entry is a suggestion."""


class TouchFiles(FilesAction):
    """Set the time of the entries, or make an empty file, after asking."""


class ChangeOwner(FilesAction):
    """Give the entries to another user or group, after asking."""


class ShowProperties(FilesAction):
    """Show all that is known of an entry."""


class StopWork(FilesRequest):
    """End what goes on in the pane: a deletion."""
