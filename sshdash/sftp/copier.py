"""Copies one file: whole and verified, or not at all.

The content goes to a temporary sibling that only the owner may read. It takes the target's
name once it is complete, of the right size, and the source is known not to have changed
meanwhile. Until then the old target is untouched, whatever fails and wherever it is cancelled.
Where a lost connection ended it, the temporary file can be kept and gone on with.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from msgspec import structs

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.entries import PERMISSIONS, Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import MissingError, VagueError, shown
from sshdash.sftp.filesystem import CopySource, Filesystem, Finish, Reader, Writer
from sshdash.sftp.names import part_name
from sshdash.sftp.partial import (
    Arrived,
    CannotResume,
    Partial,
    check,
    is_placed,
    remove_parts,
)
from sshdash.sftp.tasks import finish, together
from sshdash.sftp.vague import explained
from sshdash.sftp.within import WORTH, copy_within

_WINDOW = 8 * 1024 * 1024
"""Bytes of one file that are under way at once."""
_UPLOAD = 2 * 1024 * 1024
"""The same from here to a host: what OpenSSH's server takes before it says that there is room.
More would be read and wait in memory, out of the processor's cache when its turn comes.
"""
_OVERLAP = 8
"""Parts that a window is cut in, so that something is always under way while others are waited for.
"""
_CHUNKS = 64
"""Chunks of one file under way at once, however small they are."""
_PAGES = (4096, 16384, 65536)
"""Sizes that a kernel's pseudo files claim whatever is in them."""
_PATIENCE = 10.0
"""Seconds for taking a temporary file away before it is left behind and reported."""
_DURABLE = 1024 * 1024
"""New files from this size on, and all that replace one, are on the disk before they get their
name. For small new files that would take longer than the copy, and a crash costs no old file.
"""

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
        source: CopySource,
        target: Filesystem,
        preserve: bool = True,
        umask: int = 0o077,
    ) -> None:
        self._source = source
        self._target = target
        self._preserve = preserve
        self._umask = umask
        self._within = target.copies_from(source)
        self._small = min(source.limits.chunk, target.limits.chunk)
        if self._within and not target.is_local:
            self._small = min(self._small, WORTH)
        self.durable = False
        """Whether everything must be on the disk before it gets its name, small new files too."""
        self.leftovers: set[bytes] = set()
        """Temporary files that could not be removed, because the connection was gone."""
        self.partials: dict[bytes, Partial] | None = None
        """By target, what a lost connection left to go on with; None where nothing is kept."""
        self.restarted: Callable[[FileCopy, str], None] = lambda file, reason: None
        """Told of a file that is started over although part of it had arrived, and why."""
        self.resumed: Callable[[FileCopy, int], None] = lambda file, done: None
        """Told of a file that is gone on with, and how much of it was there."""
        self.interrupted = False
        """Whether the connection was lost, which somebody else may have met first."""

    async def copy(self, file: FileCopy, progress: Progress) -> str:
        """Copy and return a complaint about attributes that could not be set, or nothing.

        `progress` is called with bytes as they arrive; with a negative number where they are
        started over. Raises FileError and ConnectionLost.
        """
        for attempt in (1, 2):
            try:
                return await self._copy(file, progress)
            except _Changed as changed:
                # What was listed may be older than the file that was opened: once more.
                if attempt == 2 or changed.entry.kind is not Kind.FILE:
                    raise self._changed(file) from None
                entry = structs.replace(changed.entry, name=file.entry.name)
                file = replace(file, entry=entry)
        raise AssertionError("two attempts return or raise")

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
            await self._discard(part)
            raise

    def mode(self, entry: Entry, existing: Entry | None = None) -> int:
        """Return the permission bits that the copy of `entry` gets."""
        if self._preserve:
            return entry.mode & PERMISSIONS
        if existing is not None and existing.kind is Kind.FILE:
            return existing.mode & PERMISSIONS
        return entry.mode & PERMISSIONS & ~self._umask

    async def remove_leftovers(self) -> None:
        """Remove what an earlier failure had to leave behind, as far as that is allowed."""
        await remove_parts(self._target, self.leftovers)

    async def _copy(self, file: FileCopy, progress: Progress) -> str:
        under_way = _UnderWay(self._part(file.target), progress)
        partial = self.partials.get(file.target) if self.partials else None
        if partial is not None and self.partials is not None:
            placed = await is_placed(partial, self._target, file.target, self._preserve)
            del self.partials[file.target]
            if placed:
                progress(partial.entry.size)
                return ""
            under_way.part = partial.part
            if partial.done:
                under_way.partial = partial
                under_way.count(partial.done)
            else:
                await self._discard(partial.part)
        try:
            if file.entry.size <= self._small and under_way.partial is None:
                complaint = await self._copy_small(file, under_way)
            else:
                complaint = await self._copy_large(file, under_way)
            under_way.placing = True
            if file.existing is None:
                await self._target.rename(under_way.part, file.target)
            else:
                await self._target.replace(under_way.part, file.target)
        except VagueError as error:
            under_way.forget()
            try:
                # Before the temporary file is gone, and its room free again.
                cause = await explained(error, self._target, file.target, file.entry.size)
            finally:
                await self._discard(under_way.part)
            raise cause from error
        except BaseException as error:
            under_way.forget()
            if not self._keep(file, under_way, error):
                await self._discard(under_way.part)
            raise
        return complaint

    def _keep(self, file: FileCopy, under_way: "_UnderWay", error: BaseException) -> bool:
        """Keep what has arrived where a lost connection is why the copy ends; return whether.

        Copies that were under way beside the one which met the loss end as cancelled.
        """
        self.interrupted |= isinstance(error, ConnectionLost)
        lost = isinstance(error, ConnectionLost | asyncio.CancelledError) and self.interrupted
        if self.partials is None or not lost:
            return False
        done, placing = under_way.arrived.until, under_way.placing
        if under_way.partial is not None and not done:
            # Nothing was done about it yet, so all of it is still to be gone on with.
            self.partials[file.target] = under_way.partial
            return True
        if not done and not placing:
            return False
        self.partials[file.target] = Partial(
            under_way.part, file.entry, done, file.existing is not None, placing
        )
        return True

    # -- content

    async def _copy_small(self, file: FileCopy, under_way: "_UnderWay") -> str:
        """Read first, and write only what is known to be whole."""
        # One byte more than there should be tells whether there is more.
        pieces, after = await self._source.fetch(file.source, file.entry.size + 1)
        size = sum(map(len, pieces))
        if size != file.entry.size:
            # A pseudo file, a server that answers in small parts, or a change: to be looked into.
            return await self._copy_large(file, under_way)
        _compare(file.entry, after, size)
        finished = await self._target.store(under_way.part, pieces, self._finish(file))
        self._verify(file, finished.size, size)
        under_way.count(size)
        return finished.complaint

    async def _copy_large(self, file: FileCopy, under_way: "_UnderWay") -> str:
        reader = await self._source.open_read(file.source)
        try:
            before = await reader.stat()
            if _differs(before, file.entry):
                raise _Changed(before)
            writer = await self._open_writer(file, reader, before, under_way)
            try:
                size = await self._pump(reader, writer, before.size, under_way)
                _compare(before, await reader.stat(), size)
                finished = await writer.finish(self._finish(file))
            finally:
                await writer.close()
        finally:
            await reader.close()
        self._verify(file, finished.size, size)
        return finished.complaint

    async def _open_writer(
        self, file: FileCopy, reader: Reader, now: Entry, under_way: "_UnderWay"
    ) -> Writer:
        """Return where the content goes: on behind what has arrived before, if that can be."""
        partial = under_way.partial
        if partial is not None:
            try:
                await check(partial, reader, now, self._target)
                writer = await self._target.open_again(partial.part)
            except (CannotResume, FileError) as error:
                # One that was about to get its name may be read-only by now, as its source is.
                under_way.partial, under_way.part = None, self._part(file.target)
                under_way.forget()
                await self._discard(partial.part)
                self.restarted(file, str(error))
            else:
                under_way.arrived.add(0, partial.done)
                self.resumed(file, partial.done)
                return writer
        return await self._target.open_write(under_way.part)

    async def _pump(self, reader: Reader, writer: Writer, size: int, under_way: "_UnderWay") -> int:
        """Copy the content and return its length; what claims to be empty is read to its end."""
        chunk = min(self._source.limits.chunk, self._target.limits.chunk)
        if size and self._within and size not in _PAGES:
            start = under_way.arrived.until
            await copy_within(reader, writer, start, size, under_way.wrote)
        if size:
            uploads = self._source.is_local and not self._target.is_local
            window = _UPLOAD if uploads else _WINDOW
            return await _pump_chunks(reader, writer, size, chunk, window, under_way)
        return await _pump_to_end(reader, writer, chunk, under_way)

    def _finish(self, file: FileCopy) -> Finish:
        mtime = file.entry.mtime_ns if self._preserve else None
        durable = self.durable or file.existing is not None or file.entry.size >= _DURABLE
        return Finish(self.mode(file.entry, file.existing), mtime, durable)

    def _verify(self, file: FileCopy, found: int, expected: int) -> None:
        if found != expected:
            host = "" if self._target.is_local else self._target.label
            detail = f"{found:,} of {expected:,} bytes arrived"
            raise FileError("the copy is not whole", shown(file.target), detail, "retry", host)

    # -- failure

    def _part(self, target: bytes) -> bytes:
        return join(parent_of(target), part_name(name_of(target), secrets.token_hex(4)))

    async def _discard(self, part: bytes) -> None:
        """Take the temporary file away, even where the copy was cancelled."""
        self.leftovers.add(part)

        async def discard() -> None:
            with suppress(MissingError):
                await self._target.unlink(part)
            self.leftovers.discard(part)

        cancelled = False
        with suppress(SSHDashError):
            cancelled = await finish(discard(), _PATIENCE)
        if cancelled:
            raise asyncio.CancelledError

    def _changed(self, file: FileCopy) -> FileError:
        host = "" if self._source.is_local else self._source.label
        hint = "retry once nobody writes to it"
        return FileError("source changed while copied", shown(file.source), "", hint, host)


class _UnderWay:
    """One copy of one file, from its beginning to its end."""

    def __init__(self, part: bytes, progress: Progress) -> None:
        self.part = part
        """The temporary file."""
        self.partial: Partial | None = None
        """What is gone on with, once it is known to be good."""
        self.arrived = Arrived()
        self.placing = False
        self._progress = progress
        self._counted = 0

    def wrote(self, offset: int, size: int) -> None:
        """Note bytes that are in the temporary file."""
        self.arrived.add(offset, size)
        self.count(size)

    def count(self, size: int) -> None:
        """Tell that bytes arrived."""
        self._counted += size
        self._progress(size)

    def forget(self) -> None:
        """Take back what was told: the copy has ended early."""
        self.count(-self._counted)


async def _pump_chunks(
    reader: Reader, writer: Writer, size: int, chunk: int, window: int, under_way: _UnderWay
) -> int:
    """Copy up to `size` with a window of chunks under way; return where the content ended."""
    end = size
    chunk = min(chunk, window // _OVERLAP)
    starts = iter(range(under_way.arrived.until, size, chunk))

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
                under_way.wrote(offset, length)
                offset += length

    missing = size - under_way.arrived.until
    width = min(_CHUNKS, max(2, window // chunk), -(-missing // chunk))
    await together(*(worker() for _ in range(width)))
    return end


async def _pump_to_end(reader: Reader, writer: Writer, chunk: int, under_way: _UnderWay) -> int:
    """Copy from the start to the end, wherever that is."""
    offset = 0
    while pieces := await reader.read(offset, chunk):
        await writer.write(offset, pieces)
        length = sum(map(len, pieces))
        offset += length
        under_way.count(length)
    return offset


def _compare(before: Entry, after: Entry, size: int) -> None:
    """Raise _Changed where what was read is not all of what the source is now."""
    if before.size == 0 and after.size == 0 and size:
        return  # a pseudo file; its time is that of the look at it
    if _differs(before, after):
        raise _Changed(after)
    if size != after.size and not (size < after.size and after.size in _PAGES):
        raise _Changed(after)


def _differs(one: Entry, other: Entry) -> bool:
    return (one.kind, one.size, one.mtime_ns) != (other.kind, other.size, other.mtime_ns)
