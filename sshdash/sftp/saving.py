"""Takes a file for editing and puts what was edited in its place, whole or not at all."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp.entries import PERMISSIONS, Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import VagueError, shown
from sshdash.sftp.filesystem import Filesystem, Finish, Writer
from sshdash.sftp.names import part_name
from sshdash.sftp.tasks import finish, undivided
from sshdash.sftp.vague import explained

_PATIENCE = 10.0
"""Seconds for taking a temporary file away."""
_WRITING = 60.0
"""Seconds that writing into a file may go on after it was cancelled."""


Guarding = Callable[[bytes], AbstractAsyncContextManager[None]]
"""Has a temporary file cleaned up after, and what it replaces, should nobody else be able to."""


class OwnerNotKept(FileError):
    """The file could be saved only as somebody else's."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file as it was when it was read."""

    path: bytes
    """Without links: what is saved takes the place of what they lead to."""
    entry: Entry
    digest: bytes


async def take(filesystem: Filesystem, path: bytes, limit: int) -> tuple[Taken, bytes]:
    """Return a file of at most `limit` bytes, and its content. Raises FileError."""
    path = await filesystem.realpath(path)
    entry = await filesystem.lstat(path)
    if entry.kind is not Kind.FILE:
        raise FileError("cannot edit", shown(path), f"not a regular file ({entry.kind.value})")
    data = await _read(filesystem, path, limit)
    return Taken(path, entry, hashlib.sha256(data).digest()), data


async def look_again(filesystem: Filesystem, taken: Taken, limit: int) -> tuple[Entry, bytes]:
    """Return what the file is now, and its content. Raises MissingError where it is gone."""
    entry = await filesystem.lstat(taken.path)
    if entry.kind is not Kind.FILE:
        raise FileError("cannot save", shown(taken.path), f"it became a {entry.kind.value}")
    return entry, await _read(filesystem, taken.path, limit)


def _unguarded(part: bytes) -> AbstractAsyncContextManager[None]:
    """Leave it to whoever finds it."""
    return nullcontext()


async def save(
    filesystem: Filesystem,
    path: bytes,
    data: bytes,
    now: Entry,
    *,
    anyone: bool = False,
    guarding: Guarding = _unguarded,
) -> None:
    """Put `data` in place of `path`, which is `now`, with its mode and owner.

    Until it is complete and on the disk, the old content stays; what is `guarding` the temporary
    file sees to that should the process be killed. Raises OwnerNotKept where the owner cannot be
    kept, unless `anyone` may be it; other failures raise FileError.
    """
    part = _part(path)
    async with guarding(part):
        await _put(filesystem, part, path, data, now, anyone)


async def _put(
    filesystem: Filesystem, part: bytes, path: bytes, data: bytes, now: Entry, anyone: bool
) -> None:
    try:
        await _write(filesystem, part, data, Finish(durable=True))
        await _give_attributes(filesystem, part, now, anyone)
        await filesystem.replace(part, path)
    except VagueError as error:
        await _discard(filesystem, part)
        raise await explained(error, filesystem, path) from error
    except BaseException:
        await _discard(filesystem, part)
        raise


async def save_in_place(filesystem: Filesystem, path: bytes, data: bytes, old: bytes) -> None:
    """Write `data` into the file `path` itself, whose content is `old`.

    Its other names, its access list and its owner stay. Meanwhile a copy of `old` lies beside it;
    where writing fails, the old content is put back, and where that fails, too, the copy stays
    and the error says where. Once begun it is done to its end, whoever cancels.
    """
    backup = _part(path)
    try:
        await _write(filesystem, backup, old, Finish(durable=True))
    except BaseException:
        await _discard(filesystem, backup)
        raise
    await undivided(_overwrite(filesystem, path, data, old, backup), _WRITING)


async def _overwrite(
    filesystem: Filesystem, path: bytes, data: bytes, old: bytes, backup: bytes
) -> None:
    try:
        writer = await filesystem.open_again(path)
    except SSHDashError:
        await _discard(filesystem, backup)  # nothing was written
        raise
    try:
        try:
            await _fill(filesystem, writer, path, data, Finish(size=len(data), cut=True))
        except SSHDashError:
            again = await filesystem.open_again(path)
            await _fill(filesystem, again, path, old, Finish(size=len(old), cut=True))
            await _discard(filesystem, backup)
            raise
    except SSHDashError as error:
        if await _is_there(filesystem, backup):
            error.hint = f"the old content is in {shown(backup)}"
        raise
    await _discard(filesystem, backup)


async def _is_there(filesystem: Filesystem, path: bytes) -> bool:
    try:
        return await filesystem.exists(path) is not None
    except SSHDashError:
        return True  # nobody knows: better looked for in vain


async def save_new(filesystem: Filesystem, path: bytes, data: bytes, was: Entry) -> None:
    """Make `path` anew, which is gone, with the mode that it had. Raises ExistsError."""
    part = _part(path)
    try:
        await _write(filesystem, part, data, Finish(mode=was.mode & PERMISSIONS, durable=True))
        await filesystem.rename(part, path)
    except BaseException:
        await _discard(filesystem, part)
        raise


def _part(path: bytes) -> bytes:
    return join(parent_of(path), part_name(name_of(path), secrets.token_hex(4)))


async def _write(filesystem: Filesystem, part: bytes, data: bytes, how: Finish) -> None:
    await _fill(filesystem, await filesystem.open_write(part), part, data, how)


async def _fill(
    filesystem: Filesystem, writer: Writer, part: bytes, data: bytes, how: Finish
) -> None:
    try:
        step = filesystem.limits.chunk
        for offset in range(0, len(data), step):
            await writer.write(offset, [data[offset : offset + step]])
        finished = await writer.finish(how)
    finally:
        await writer.close()
    if finished.size != len(data):
        detail = f"{finished.size:,} of {len(data):,} bytes arrived"
        raise FileError("cannot write", shown(part), detail)


async def _give_attributes(filesystem: Filesystem, part: bytes, now: Entry, anyone: bool) -> None:
    mode = now.mode & PERMISSIONS
    made = await filesystem.lstat(part)
    if (made.uid, made.gid) == (now.uid, now.gid):
        mode = now.mode
    else:
        try:
            await filesystem.chown(part, now.uid, now.gid)
            mode = now.mode  # setuid and the like are for its owner only
        except FileError as error:
            if not anyone:
                whose = f"{now.owner or now.uid}:{now.group or now.gid}"
                raise OwnerNotKept(
                    "The owner cannot be kept", shown(part), f"it belongs to {whose}"
                ) from error
    await filesystem.chmod(part, mode)


async def _discard(filesystem: Filesystem, part: bytes) -> None:
    async def discard() -> None:
        with suppress(SSHDashError):
            await filesystem.unlink(part)

    if await finish(discard(), _PATIENCE):
        raise asyncio.CancelledError


async def _read(filesystem: Filesystem, path: bytes, limit: int) -> bytes:
    """Return all of a file. Raises FileError where it has more than `limit` bytes."""
    reader = await filesystem.open_read(path)
    data = bytearray()
    try:
        while pieces := await reader.read(len(data), filesystem.limits.chunk):
            data += b"".join(pieces)
            if len(data) > limit:
                raise FileError("cannot edit", shown(path), f"more than {limit:,} bytes")
    finally:
        await reader.close()
    return bytes(data)
