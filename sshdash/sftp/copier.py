"""Copies one file: whole and verified, or not at all.

The content goes to a temporary sibling that only the owner may read. It takes the target's
name once it is complete, of the right size, and the source is known not to have changed
meanwhile. Until then the old target is untouched, whatever fails and wherever it is cancelled.
Where a lost connection ended it, the temporary file can be kept and gone on with.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import structs

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.changes import PAGES, Changed, compare, differs, has_grown, unsteady
from sshdash.sftp.checksums import compare_digests
from sshdash.sftp.entries import PERMISSIONS, STICKY, Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import FullError, MissingError, RefusedError, VagueError, shown
from sshdash.sftp.filesystem import CopySource, Digest, Filesystem, Finish, Pieces, Reader, Writer
from sshdash.sftp.going_on import go_on
from sshdash.sftp.in_place import Tears, Unreplaceable
from sshdash.sftp.names import file_keys, part_name
from sshdash.sftp.partial import (
    CannotResume,
    Partial,
    check,
    ends_alike,
    is_placed,
    remove_parts,
)
from sshdash.sftp.pump import UPLOAD_WINDOW, WINDOW, pump
from sshdash.sftp.storing import Existing, Folders, store
from sshdash.sftp.streams import Stream
from sshdash.sftp.tasks import CancelledTooLate, finish, undivided
from sshdash.sftp.throttle import Pace
from sshdash.sftp.under_way import FileCopy, Progress, UnderWay, ensure_unnamed
from sshdash.sftp.vague import explained
from sshdash.sftp.within import WORTH, copy_within

_PATIENCE = 10.0
"""Seconds for taking a temporary file away before it is left behind and reported."""
_PAGE = 4096
_DURABLE = 1024 * 1024
"""New files from this size on, and all that replace one, are on the disk before they get their
name. For small new files that would take longer than the copy, and a crash costs no old file.
"""


async def _agreed(file: FileCopy, part: bytes) -> None:
    """Nothing speaks against it."""


async def _unrecorded() -> None:
    """Nobody goes on after a crash."""


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
        self._within = target.copies_from(source)
        self._chunk = min(source.limits.chunk, target.limits.chunk)
        self._small = min(self._chunk, WORTH if self._within and not target.is_local else 2**63)
        self._window = UPLOAD_WINDOW if source.is_local and not target.is_local else WINDOW
        self._keys = file_keys()
        self.umask = umask
        """What new files do not get of their source's permission bits, unless these are kept."""
        self.pace = Pace()
        """How fast it may go."""
        self.under_way: dict[bytes, UnderWay] = {}
        """By target, the files under way."""
        self.recorded: Callable[[], Awaitable[None]] = _unrecorded
        """Returns once `under_way` is known to whoever goes on after a crash."""
        self.folders: Folders = Existing()
        """What the targets go into."""
        self.durable = False
        """Whether everything must be on the disk before it gets its name, small new files too."""
        self.leftovers: set[bytes] = set()
        """Temporary files that could not be removed, because the connection was gone."""
        self.checked: Callable[[Digest, Digest], None] | None = None
        """Told of each file whose checksum is the same on both ends; None where none is taken."""
        self.replacing: Callable[[FileCopy, bytes], Awaitable[None]] = _agreed
        """Told a file and its temporary one, right before that replaces what is there; raises
        FileError where it must not."""
        self.keeps_owner = False
        """Whether copies get the user and group of their source, by number."""
        self.xattrs: Callable[[bytes, bytes], Awaitable[str]] | None = None
        """Gives a file the extended attributes of another and returns a complaint, where asked."""
        self.torn = Tears()
        """Told of files that are written in place, and which of them are neither old nor new."""
        self.partials: dict[bytes, Partial] | None = None
        """By target, what a lost connection left to go on with; None where nothing is kept."""
        self.restarted: Callable[[FileCopy, str], None] = lambda file, reason: None
        """Told of a file that is started over although part of it had arrived, and why."""
        self.resumed: Callable[[FileCopy, int], None] = lambda file, done: None
        """Told of a file that is gone on with, and how much of it was there."""
        self.interrupted = False
        """Whether the connection was lost, which somebody else may have met first."""

    async def copy(self, file: FileCopy, progress: Progress) -> str:
        """Copy and return a complaint about attributes that were not set, or growth, or nothing.

        `progress` is called with bytes as they arrive; with a negative number where they are
        started over. Raises FileError, Unreplaceable among them, ConnectionLost, and
        CancelledTooLate where it was cancelled and the file has its name all the same.
        """
        attempt = self._copy_over if file.in_place else self._copy
        for again in (False, True):
            try:
                return await attempt(file, progress, again)
            except Changed as changed:
                # What was listed may be older than the file that was opened: once more.
                if again or changed.entry.kind is not Kind.FILE:
                    raise unsteady(file.source, self._source) from None
                entry = structs.replace(changed.entry, name=file.entry.name)
                file = structs.replace(file, entry=entry)
        raise AssertionError("two attempts return or raise")

    async def copy_link(self, file: FileCopy, target: bytes) -> None:
        """Make the symbolic link `file.target`, pointing to `target`.

        Raises FileError, ConnectionLost and CancelledTooLate.
        """
        await self.folders.ready(file.target)
        if file.existing is None:
            await undivided(self._make_link(file, target, file.target), _PATIENCE)
            return
        if self.partials and (partial := self.partials.pop(file.target, None)):
            await self._discard(partial.part)
        under_way = self._under_way(file, lambda size: None)
        self.under_way[file.target] = under_way
        try:
            await self.recorded()
            await self._make_link(file, target, under_way.part)
            under_way.placing = True
            await self._replace(under_way.part, file)
        except BaseException as error:
            await ensure_unnamed(under_way, self._target, error)
            await self._discard(under_way.part)
            raise
        finally:
            self.under_way.pop(file.target, None)

    async def _make_link(self, file: FileCopy, target: bytes, path: bytes) -> None:
        """Make the link at `path`, with its own time where the system there has such a thing."""
        await self._target.symlink(target, path)
        if self._preserve:
            with suppress(FileError):
                await self._target.set_own_time(path, file.entry.mtime_ns)

    def mode(self, entry: Entry, existing: Entry | None = None) -> int:
        """Return the permission bits that the copy of `entry` gets."""
        if self._preserve:
            kept = PERMISSIONS | (STICKY if entry.kind is Kind.DIRECTORY else 0)
            return entry.mode & kept
        if existing is not None and existing.kind is Kind.FILE:
            return existing.mode & PERMISSIONS
        return entry.mode & PERMISSIONS & ~self.umask

    def mtime_ns(self, entry: Entry) -> int | None:
        """Return the time that the copy of `entry` gets, None for that of its making."""
        return entry.mtime_ns if self._preserve else None

    def owner_of(self, entry: Entry) -> tuple[int, int] | None:
        """Return user and group that the copy of `entry` gets, None for whoever makes it."""
        return (entry.uid, entry.gid) if self.keeps_owner and entry.uid >= 0 else None

    def planned(self, file: FileCopy) -> tuple[UnderWay, Finish]:
        """Return a copy that somebody else carries out, not begun, and what ends it."""
        return self._under_way(file, lambda size: None), self._finish(file)

    def finish(self, entry: Entry) -> Finish:
        """Return what ends the copy of a small new file."""
        mode, mtime = self.mode(entry), self.mtime_ns(entry)
        return Finish(mode, mtime, durable=False, owner=self.owner_of(entry))

    async def remove_leftovers(self) -> None:
        """Remove what an earlier failure had to leave behind, as far as that is allowed."""
        await remove_parts(self._target, self.leftovers)

    async def _begin(self, file: FileCopy, progress: Progress) -> UnderWay | None:
        """Return a copy to be gone on with or begun, None where the file has got its name."""
        under_way = self._under_way(file, progress)
        partial = self.partials.get(file.target) if self.partials else None
        if partial is not None and self.partials is not None:
            placed = await is_placed(partial, self._target, file.target, self._preserve)
            del self.partials[file.target]
            if placed:
                await self._discard(partial.part)
                progress(partial.entry.size)
                return None
            if partial.done:
                under_way.part = partial.part
                under_way.partial = partial
                under_way.count(partial.done)
            else:
                await self._discard(partial.part)
        return under_way

    async def _copy(self, file: FileCopy, progress: Progress, again: bool) -> str:
        # What is read ahead is written only once it is known to be whole.
        content = await self._read(file) if self._is_small(file) and not again else None
        folders = self.folders
        await (folders.ready if content is None else folders.asked)(file.target)
        under_way = await self._begin(file, progress)
        if under_way is None:
            return ""
        self.under_way[file.target] = under_way
        try:
            await self.recorded()
            if content is not None:
                complaint = await self._store(file, content, under_way)
            else:
                complaint = await self._copy_large(file, under_way, again)
            if self.xattrs is not None:
                complaint = complaint or await self.xattrs(file.source, under_way.part)
            await self._place(file, under_way)
        except (VagueError, FullError) as error:
            under_way.forget()
            try:
                # Before the temporary file is gone, and its room free again.
                cause = await explained(error, self._target, file.target, file.entry.size)
            finally:
                await self._discard(under_way.part)
            raise cause from error
        except BaseException as error:
            try:
                await ensure_unnamed(under_way, self._target, error)
            except CancelledTooLate:
                if self.durable:  # a move, which has still to remove its source
                    self._keep(file, under_way, error)
                raise
            under_way.forget()
            if not self._keep(file, under_way, error):
                await self._discard(under_way.part)
            if isinstance(error, RefusedError) and file.may_be_written(error, under_way.part):
                raise Unreplaceable(error) from error
            raise
        finally:
            self.under_way.pop(file.target, None)
        return complaint

    async def _copy_over(self, file: FileCopy, progress: Progress, again: bool) -> str:
        """Write into what is there, which is not whole until the end."""
        under_way = self._under_way(file, progress)
        under_way.part = file.target
        self.torn.begin(file.source)
        try:
            await self.recorded()
            complaint = await self._copy_large(file, under_way, again)
            await self._check(file, file.target)
        except BaseException:
            under_way.forget()
            if under_way.sent:
                self.torn.tear(file.source)
            else:
                self.torn.end(file.source, whole=False)
            raise
        self.torn.end(file.source, whole=True)
        if self.xattrs is not None:
            complaint = complaint or await self.xattrs(file.source, file.target)
        return complaint

    async def _place(self, file: FileCopy, under_way: UnderWay) -> None:
        """Give what is whole its name, where its checksum is right, too."""
        await self._check(file, under_way.part)
        under_way.placing = True
        self.folders.placing(file.target)
        if file.existing is None:
            await self._target.rename(under_way.part, file.target)
        else:
            await self._replace(under_way.part, file)

    async def _check(self, file: FileCopy, path: bytes) -> None:
        """Compare the checksums of a source and its copy at `path`, where that is asked."""
        # A kernel's pseudo files claim to be empty, and may be different each time.
        if self.checked is not None and (file.entry.size or isinstance(self._source, Stream)):
            ends = self._source, file.source, file.entry, self._target
            self.checked(*await compare_digests(*ends, path, file.target))

    async def _replace(self, part: bytes, file: FileCopy) -> None:
        await self.replacing(file, part)
        await self._target.replace(part, file.target)

    def _keep(self, file: FileCopy, under_way: UnderWay, error: BaseException) -> bool:
        """Keep what has arrived where a lost connection is why the copy ends; return whether.

        Copies that were under way beside the one which met the loss end as cancelled.
        """
        self.interrupted |= isinstance(error, ConnectionLost)
        lost = isinstance(error, ConnectionLost | asyncio.CancelledError) and self.interrupted
        if self.partials is None or not lost:
            return False
        partial = under_way.so_far()
        if not partial.done and not partial.placing:
            return False
        self.partials[file.target] = partial
        return True

    # -- content

    def _is_small(self, file: FileCopy) -> bool:
        """Return whether a file is copied in one piece, from its beginning."""
        begun = file.resume or (self.partials is not None and file.target in self.partials)
        return not begun and file.entry.size <= self.pace.most(self._small)

    async def _read(self, file: FileCopy) -> Pieces | None:
        """Return all of a small file, None where it has another size than it claims."""
        await self.pace.take(file.entry.size)
        # One byte more than there should be tells whether there is more. Some of a kernel's files
        # that claim to be empty give nothing at all where so little is asked for.
        wanted = file.entry.size + 1 if file.entry.size else _PAGE
        pieces, after = await self._source.fetch(file.source, wanted)
        size = sum(map(len, pieces))
        if size != file.entry.size:
            # A pseudo file, a server that answers in small parts, or a change: to be looked into.
            return None
        compare(file.entry, after, size)
        return pieces

    async def _store(self, file: FileCopy, content: Pieces, under_way: UnderWay) -> str:
        rest = under_way.part, content, self._finish(file)
        if self._target.limits.in_order:
            finished = await store(self._target, *rest, self.folders)
        else:
            finished = await self._target.store(*rest)
        self._verify(file, finished.size, file.entry.size)
        under_way.count(file.entry.size)
        return finished.complaint

    async def _copy_large(self, file: FileCopy, under_way: UnderWay, again: bool) -> str:
        reader = await self._source.open_read(file.source)
        try:
            before = await reader.stat()
            if differs(before, file.entry):
                if not (again and has_grown(file.entry, before, file.entry.size)):
                    raise Changed(before)
                file = structs.replace(file, entry=before)
            if file.in_place:
                before = structs.replace(before, held=None)  # what is there has other holes
            writer = await self._open_writer(file, reader, before, under_way)
            try:
                if (
                    not file.in_place
                    and self._within
                    and before.held is None
                    and before.size not in PAGES
                ):
                    begun = under_way.arrived.until
                    await copy_within(reader, writer, begun, before.size, under_way.wrote)
                window = self._window * await writer.widen(before.size - under_way.arrived.until)
                size = await pump(reader, writer, before, self._chunk, window, under_way)
                after = await reader.stat()
                rest = self._target, under_way.part, size
                grown = has_grown(before, after, size) and await ends_alike(reader, *rest)
                grew = compare(before, after, size, may_grow=again or grown)
                hole = size if before.held is not None or file.in_place else None
                finished = await writer.finish(self._finish(file, hole))
            finally:
                await writer.close()
        finally:
            await reader.close()
        self._verify(file, finished.size, size)
        return finished.complaint or grew

    async def _open_writer(
        self, file: FileCopy, reader: Reader, now: Entry, under_way: UnderWay
    ) -> Writer:
        """Return where the content goes: on behind what has arrived before, if that can be."""
        if file.in_place:
            return await self._target.open_again(file.target)
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
                await self.recorded()
                self.restarted(file, str(error))
            else:
                under_way.arrived.add(0, partial.done)
                self.resumed(file, partial.done)
                return writer
        if not file.resume:
            return await self._target.open_write(under_way.part)
        writer = await go_on(self._target, file, reader, now, under_way)
        if under_way.arrived.until:
            self.resumed(file, under_way.arrived.until)
        return writer

    def _finish(self, file: FileCopy, size: int | None = None) -> Finish:
        entry, mtime = file.entry, self.mtime_ns(file.entry)
        durable = self.durable or file.existing is not None or entry.size >= _DURABLE
        owner = self.owner_of(entry)
        return Finish(self.mode(entry, file.existing), mtime, durable, size, owner, file.in_place)

    def _verify(self, file: FileCopy, found: int, expected: int) -> None:
        if found != expected:
            host = "" if self._target.is_local else self._target.label
            detail = f"{found:,} of {expected:,} bytes arrived"
            raise FileError("the copy is not whole", shown(file.target), detail, "retry", host)

    # -- failure

    def _under_way(self, file: FileCopy, progress: Progress) -> UnderWay:
        replacing = file.existing is not None
        part = self._part(file.target)
        return UnderWay(part, file.entry, replacing, progress, self.pace)

    def _part(self, target: bytes) -> bytes:
        return join(parent_of(target), part_name(name_of(target), next(self._keys)))

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
