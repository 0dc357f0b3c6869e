"""Whether a job's files fit where they go, found out before the first of them is copied."""

from sshdash.errors import FileError, SSHDashError
from sshdash.prompts import ConfirmQuestion, ConflictChoice, Prompter
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem, Space
from sshdash.sftp.walk import Source

_MARGIN = 1024 * 1024
_SHARE = 8
"""Bytes that should stay free, at most, and at most such a part of what is needed: directories
and half filled blocks take some, too."""


class Need:
    """How much more room is taken at the worst moment of a job, summed up as it is looked through.

    What is replaced stays until its successor is whole, but only one file at a time; where the
    person is still to be asked, the answer is taken to be yes.
    """

    def __init__(self, choice: ConflictChoice | None = None) -> None:
        self._choice = choice
        self._total = 0
        self._both = 0
        self.files = 0
        """Names that are to be made."""

    @property
    def size(self) -> int:
        """Bytes."""
        return self._total + self._both

    def add(self, source: Source) -> None:
        """Count what is to be copied."""
        if source.existing is None:
            self.files += 1
            self._total += _size(source.entry)
        elif self._choice is not ConflictChoice.SKIP:
            size = _size(source.entry)
            old = 0 if self._choice is ConflictChoice.RENAME else source.existing.size
            self._total += max(0, size - old)
            self._both = max(self._both, min(size, old))


async def room_at(target: Filesystem, folder: bytes) -> Space | None:
    """Return what room there is, None where nobody knows."""
    try:
        return await target.statvfs(folder)
    except SSHDashError:
        return None  # what is wrong there shows where something is written


async def ensure_room(
    space: Space | None,
    target: Filesystem,
    folder: bytes,
    needed: int,
    files: int,
    prompter: Prompter,
) -> None:
    """Return where `space` is enough for `files` more names and `needed` bytes, or nobody knows.

    Where it is not, the person is asked; raises FileError with the numbers unless the answer is
    to copy all the same.
    """
    lack = _lack(space, needed, files) if space is not None else ""
    if not lack:
        return
    host = "" if target.is_local else target.label
    where = shown(folder)
    question = ConfirmQuestion(
        f"Not enough room on {host}" if host else "Not enough room here",
        f"{where}: {lack}.\n\nWhat does not fit would be reported, the rest copied.",
        action="Copy anyway",
        danger=True,
        unbidden=True,
    )
    if not await prompter.ask(question):
        hint = "nothing was copied: free some space and retry"
        raise FileError("not enough room", where, lack, hint, host)


def _lack(space: Space, needed: int, files: int) -> str:
    """Return what there is too little of, nothing where there is enough."""
    if needed > space.free:
        return f"{needed:,} bytes are needed, {space.free:,} are free"
    if needed + min(_MARGIN, needed // _SHARE) > space.free:
        return f"{needed:,} bytes and a little more are needed, {space.free:,} are free"
    if space.free_files is not None and files > space.free_files:
        return f"{files:,} files are to be made, {space.free_files:,} more can be (inodes)"
    return ""


def _size(entry: Entry) -> int:
    if entry.kind is not Kind.FILE:
        return 0
    return entry.size if entry.held is None else entry.held
