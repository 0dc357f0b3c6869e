"""Copies one file: whole and verified, or not at all.

The content goes to a temporary sibling that only the owner may read. It takes the target's
name once it is complete, of the right size, and the source is known not to have changed
meanwhile. Until then the old target is untouched, whatever fails and wherever it is cancelled.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.entries import PERMISSIONS, Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import MissingError, VagueError, disk_full, shown
from sshdash.sftp.filesystem import Filesystem, Finish, Reader, Writer
from sshdash.sftp.names import part_name
from sshdash.sftp.tasks import finish, together

_WINDOW = 8 * 1024 * 1024
"""Bytes of one file that are under way at once."""
_PAGES = (4096, 16384, 65536)
"""Sizes that a kernel's pseudo files claim whatever is in them."""
_PATIENCE = 10.0
"""Seconds for taking a temporary file away before it is left behind and reported."""
_LITTLE_ROOM = 1024 * 1024
"""Less free space than this explains a failure that a server did not explain."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class FileCopy:
    """One file to copy."""

    source: bytes
    target: bytes
    entry: Entry
    """What the source was when it was listed."""
    existing: Entry | None = None
    """What is to be replaced; None where nothing may be."""


class _Changed(Exception):
    """The source is not what it was; `entry` is what it is now."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


class Copier:
    """Copies files from one file system to another."""

    def __init__(
        self,
        source: Filesystem,
        target: Filesystem,
        preserve: bool = True,
        umask: int = 0o077,
        durable: bool = True,
    ) -> None:
        self._source = source
        self._target = target
        self._preserve = preserve
        self._umask = umask
        self._durable = durable
        self.leftovers: set[bytes] = set()
        """Temporary files that could not be removed, because the connection was gone."""

    async def copy(self, file: FileCopy, progress: Progress) -> str:
        """Copy and return a complaint about attributes that could not be set, or nothing.

        `progress` is called with bytes as they arrive; with a negative number where they are
        started over. Raises FileError and ConnectionLost.
        """
        reader = await self._source.open_read(file.source)
        try:
            for attempt in (1, 2):
                try:
                    return await self._copy_open(file, reader, progress)
                except _Changed as changed:
                    # What was listed may be older than the file that was opened: once more.
                    if attempt == 2 or changed.entry.kind is not Kind.FILE:
                        raise self._changed(file) from None
                    file = replace(file, entry=replace(changed.entry, name=file.entry.name))
            raise AssertionError("two attempts return or raise")
        finally:
            await reader.close()

    async def copy_link(self, file: FileCopy, target: bytes) -> None:
        """Make the symbolic link `file.target`, pointing to `target`."""
        if file.existing is None:
            await self._target.symlink(target, file.target)
            return
        part = self._part(file.target)
        try:
            await self._target.symlink(target, part)
            await self._target.replace(part, file.target)
        except BaseException:
            await self._discard(part, None)
            raise

    def mode(self, entry: Entry, existing: Entry | None = None) -> int:
        """Return the permission bits that the copy of `entry` gets."""
        if self._preserve:
            return entry.mode & PERMISSIONS
        if existing is not None and existing.kind is Kind.FILE:
            return existing.mode & PERMISSIONS
        return entry.mode & PERMISSIONS & ~self._umask

    async def remove_leftovers(self) -> None:
        """Remove what an earlier failure had to leave behind."""
        for part in tuple(self.leftovers):
            with suppress(MissingError):
                await self._target.unlink(part)
            self.leftovers.discard(part)

    async def _copy_open(self, file: FileCopy, reader: Reader, progress: Progress) -> str:
        part = self._part(file.target)
        writer: Writer | None = None
        counted = 0

        def count(size: int) -> None:
            nonlocal counted
            counted += size
            progress(size)

        try:
            writer = await self._target.open_write(part)
            size = await self._pump(file, reader, writer, count)
            mtime = file.entry.mtime_ns if self._preserve else None
            mode = self.mode(file.entry, file.existing)
            finished = await writer.finish(Finish(mode, mtime, self._durable))
            if finished.size != size:
                raise self._short(file, finished.size, size)
            await self._place(part, file)
        except BaseException as error:
            progress(-counted)
            await self._discard(part, writer)
            if isinstance(error, VagueError):
                raise await self._explained(error, file) from error
            raise
        return finished.complaint

    async def _place(self, part: bytes, file: FileCopy) -> None:
        if file.existing is None:
            await self._target.rename(part, file.target)
        else:
            await self._target.replace(part, file.target)

    # -- content

    async def _pump(
        self, file: FileCopy, reader: Reader, writer: Writer, progress: Progress
    ) -> int:
        """Copy the content and return its size, which is that of the source, then and now."""
        chunk = min(self._source.limits.chunk, self._target.limits.chunk)
        if file.entry.size <= chunk:
            return await self._pump_small(file, reader, writer, progress, chunk)
        before = await reader.stat()
        if _differs(before, file.entry):
            raise _Changed(before)
        size = await _pump_large(reader, writer, file.entry.size, chunk, progress)
        self._compare(file.entry, await reader.stat(), size)
        return size

    async def _pump_small(
        self, file: FileCopy, reader: Reader, writer: Writer, progress: Progress, chunk: int
    ) -> int:
        """Read first, and write only what is known to be whole."""
        size = file.entry.size or chunk
        # One round trip: a server answers in order, so the attributes are those after reading.
        pieces, after = await together(reader.read(0, size), reader.stat())
        done = sum(map(len, pieces))
        if pieces:
            await writer.write(0, pieces)
            progress(done)
        if done < file.entry.size or (done and not file.entry.size):
            done = await _pump_rest(reader, writer, done, chunk, progress)
            after = await reader.stat()
        self._compare(file.entry, after, done)
        return done

    def _compare(self, before: Entry, after: Entry, size: int) -> None:
        """Raise _Changed where what was read is not all of what the source is now."""
        if before.size == 0 and after.size == 0 and size:
            return  # a pseudo file; its time is that of the look at it
        if _differs(before, after):
            raise _Changed(after)
        if size != after.size and not (size < after.size and after.size in _PAGES):
            raise _Changed(after)

    # -- failure

    def _part(self, target: bytes) -> bytes:
        return join(parent_of(target), part_name(name_of(target), secrets.token_hex(4)))

    async def _discard(self, part: bytes, writer: Writer | None) -> None:
        """Take the temporary file away, even where the copy was cancelled."""
        self.leftovers.add(part)

        async def discard() -> None:
            with suppress(SSHDashError):
                if writer is not None:
                    await writer.close()
            with suppress(MissingError):
                await self._target.unlink(part)
            self.leftovers.discard(part)

        cancelled = False
        with suppress(SSHDashError):
            cancelled = await finish(discard(), _PATIENCE)
        if cancelled:
            raise asyncio.CancelledError

    async def _explained(self, error: VagueError, file: FileCopy) -> FileError:
        """Return what a bare "failure" was about, where the disk tells."""
        try:
            space = await self._target.statvfs(parent_of(file.target))
        except (FileError, ConnectionLost):
            return error
        if space is None or space.free > _LITTLE_ROOM:
            return error
        host = "" if self._target.is_local else self._target.label
        return disk_full("write", file.target, host, space.free)

    def _changed(self, file: FileCopy) -> FileError:
        host = "" if self._source.is_local else self._source.label
        hint = "retry once nobody writes to it"
        return FileError("source changed while copied", shown(file.source), "", hint, host)

    def _short(self, file: FileCopy, found: int, expected: int) -> FileError:
        host = "" if self._target.is_local else self._target.label
        detail = f"{found:,} of {expected:,} bytes arrived"
        return FileError("the copy is not whole", shown(file.target), detail, "retry", host)


async def _pump_large(
    reader: Reader, writer: Writer, size: int, chunk: int, progress: Progress
) -> int:
    """Copy `size` bytes with several chunks under way; return where the content ended."""
    end = size
    starts = iter(range(0, size, chunk))

    async def worker() -> None:
        nonlocal end
        for start in starts:
            offset, stop = start, min(start + chunk, size)
            while offset < stop:
                pieces = await reader.read(offset, stop - offset)
                if not pieces:
                    end = min(end, offset)
                    return
                await writer.write(offset, pieces)
                length = sum(map(len, pieces))
                offset += length
                progress(length)

    await together(*(worker() for _ in range(max(2, _WINDOW // chunk))))
    return end


async def _pump_rest(
    reader: Reader, writer: Writer, offset: int, chunk: int, progress: Progress
) -> int:
    """Copy from `offset` to the end, wherever that is."""
    while pieces := await reader.read(offset, chunk):
        await writer.write(offset, pieces)
        length = sum(map(len, pieces))
        offset += length
        progress(length)
    return offset


def _differs(one: Entry, other: Entry) -> bool:
    return (one.kind, one.size, one.mtime_ns) != (other.kind, other.size, other.mtime_ns)
