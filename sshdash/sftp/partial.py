"""What an interrupted copy of a file left on the target, and whether it can be gone on with."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind, name_of
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem, Reader
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.names import is_temporary
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.sftp.tasks import each, together
from sshdash.sftp.trees import remove_trees
from sshdash.sftp.two_steps import put_right

_TAIL = 128 * 1024
"""Bytes before the end of what has arrived that are compared with the source."""
_WIDTH = 64
"""Temporary files that are removed at the same time."""
_SECOND = 10**9
_GONE = "what had arrived is not there any more"


class Arrived:
    """How far a file is there without a gap, though its chunks come in any order."""

    def __init__(self) -> None:
        self.until = 0
        self._ahead: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Arrived {self.until} [{len(self._ahead)} ahead]>"

    def add(self, offset: int, size: int) -> None:
        """Note that `size` bytes from `offset` were written."""
        self._ahead[offset] = offset + size
        while self.until in self._ahead:
            self.until = self._ahead.pop(self.until)


class Partial(Struct, frozen=True, gc=False):
    """A temporary file that was kept when the connection was lost."""

    part: bytes
    entry: Entry
    """What the source was."""
    done: int
    """Bytes from the start that are there."""
    replacing: bool
    """Whether something that exists is to be replaced, which the person has agreed to."""
    placing: bool = False
    """Whether it was complete and about to get its name: it may have it by now."""


def may_be_placed(partial: Partial, there: Entry, timed: bool) -> bool:
    """Return whether `there`, which has its name, may be the file that was to be put there.

    Without the time of its source, nobody can tell.
    """
    return partial.placing and timed and is_copy(partial.entry, there, timed)


def is_copy(entry: Entry, there: Entry, timed: bool) -> bool:
    """Return whether `there` looks as a copy of `entry` does, which has its time where `timed`."""
    if (there.kind, there.size) != (Kind.FILE, entry.size):
        return False
    return not timed or there.mtime_ns // _SECOND == entry.mtime_ns // _SECOND


class AlreadyThere(FileError):
    """What was to be gone on with is all of the source."""


class CannotResume(Exception):
    """The file has to be started over; the text says why."""


async def is_placed(partial: Partial, target: Filesystem, path: bytes, timed: bool) -> bool:
    """Return whether the file got its name after all, though nobody heard of it.

    `timed` tells that it was given the time of its source, too. Where it was not, and something
    was there before, nobody can tell one from the other.
    """
    if not partial.placing or (partial.replacing and not timed):
        return False
    part, there = await target.exists(partial.part), await target.exists(path)
    if there is None or (part is not None and not (part.linked and part.linked == there.linked)):
        return False  # of one that gets its name by a link, both may be there
    return is_copy(partial.entry, there, timed)


class Removing(Protocol):
    """Where files can be removed."""

    async def unlink(self, path: bytes) -> None:
        """Remove one file or link."""
        ...


async def put_all_right(target: object, parts: Mapping[bytes, bytes | None]) -> None:
    """Undo replacements of which only the first step was done, where a server needs two.

    `parts` are temporary files and their targets; None where that is known by a name.
    """
    if not isinstance(target, RemoteFilesystem) or target.replaces_at_once:
        return

    async def settle(one: tuple[bytes, bytes | None]) -> None:
        await put_right(target, *one)

    await each(parts.items(), min(_WIDTH, len(parts)), settle)


async def remove_parts(target: Removing, parts: set[bytes]) -> None:
    """Remove temporary files, and take those that are gone out of `parts`."""
    await put_all_right(target, dict.fromkeys(parts))

    async def remove(part: bytes) -> None:
        try:
            await target.unlink(part)
        except MissingError:
            pass  # the server removed it, or it was never made
        except FileError:
            if not await _remove_folder(target, part):
                return  # remembered for another time; the copy itself may well succeed
        parts.discard(part)

    await each(tuple(parts), min(_WIDTH, len(parts)), remove)


async def _remove_folder(target: Removing, part: bytes) -> bool:
    """Remove a temporary folder with all it holds; return whether it is gone."""
    if not isinstance(target, RemoteFilesystem | LocalFilesystem) or not is_temporary(
        name_of(part)
    ):
        return False
    try:
        if (await target.lstat(part)).kind is not Kind.DIRECTORY:
            return False
        await remove_trees(target, (part,))
    except MissingError:
        return True
    except FileError:
        return False
    return True


async def check(partial: Partial, source: Reader, now: Entry, target: Filesystem) -> None:
    """Make sure that what arrived is the beginning of what the source is `now`.

    Raises CannotResume, and what looking at the files raises.
    """
    was = partial.entry
    if (now.kind, now.size, now.mtime_ns) != (was.kind, was.size, was.mtime_ns):
        raise CannotResume("the source has changed meanwhile")
    try:
        there = await target.lstat(partial.part)
        if there.kind is not Kind.FILE or there.size < partial.done:
            raise CannotResume(_GONE)
        reader = await target.open_read(partial.part)
    except MissingError:
        raise CannotResume(_GONE) from None
    except FileError as error:
        raise CannotResume(f"what had arrived cannot be read: {error.title}") from None
    try:
        size = min(_TAIL, partial.done)
        tails = await together(*(_read(one, partial.done - size, size) for one in (reader, source)))
        if tails[0] != tails[1]:
            raise CannotResume("what had arrived differs from the source")
    finally:
        await reader.close()


async def ends_alike(source: Reader, target: Filesystem, part: bytes, size: int) -> bool:
    """Return whether the end of `size` bytes that were copied still is what the source has there.

    A file that only grows keeps it; one that is written anew does not.
    """
    reader = await target.open_read(part)
    try:
        offset = max(0, size - _TAIL)
        tails = await together(*(_read(one, offset, size - offset) for one in (reader, source)))
        return bool(tails[0] == tails[1])
    finally:
        await reader.close()


async def _read(reader: Reader, offset: int, size: int) -> bytes:
    """Return `size` bytes from `offset`, fewer at the end."""
    data = bytearray()
    while len(data) < size:
        pieces = await reader.read(offset + len(data), size - len(data))
        if not pieces:
            break
        data += b"".join(pieces)
    return bytes(data)
