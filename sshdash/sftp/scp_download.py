"""Copies from a host without SFTP, by ``scp -f``: nothing is taken that was not asked for.

Names come from the server. Only the one root that was named is accepted, under the name that the
person chose, and below it only what is directly in its directory (CVE-2019-6111 and its kind).
"""

import asyncio
from collections.abc import Callable

from msgspec import structs

from sshdash.errors import FileError
from sshdash.prompts import Prompter
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import PERMISSIONS, SETGID, Entry, Kind, join, name_of
from sshdash.sftp.failures import UnsupportedError, shown
from sshdash.sftp.filesystem import CopySource, Digest, Filesystem, Limits, Pieces, Reader
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.plan import Step, decide
from sshdash.sftp.rcp import Complaint, End, Times
from sshdash.sftp.scp_channel import ScpChannel
from sshdash.sftp.scp_choices import Choices
from sshdash.sftp.scp_host import ScpHost
from sshdash.sftp.throttle import Pace
from sshdash.sftp.under_way import FileCopy
from sshdash.sftp.walk import Source, reason_of

_CHUNK = 256 * 1024
_MAX_DEPTH = 256
_MAX_ITEMS = 5_000_000


class Incoming:
    """One file that comes in, as the source of a copy: it goes by once."""

    is_local = False
    limits = Limits(chunk=_CHUNK, files=1)

    def __init__(self, channel: ScpChannel, entry: Entry, label: str) -> None:
        self.label = label
        self._channel = channel
        self._entry = entry
        self._position = 0
        self._settled = False
        self._moved = asyncio.Condition()

    async def lstat(self, path: bytes) -> Entry:
        """Return what the host told of it."""
        return self._entry

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        """Return all of it, which is small."""
        return await self.read(0, size), self._entry

    async def open_read(self, path: bytes) -> Reader:
        """Begin to read."""
        return self

    async def read(self, offset: int, size: int) -> Pieces:
        """Return exactly `size` bytes while there are as many.

        What is asked for before its turn waits. Raises FileError where the host could not read
        the file, which it tells at its end.
        """
        async with self._moved:
            await self._moved.wait_for(lambda: self._position >= offset)
            if offset != self._position:
                raise FileError("cannot read again", shown(self._entry.name), "it has gone by")
            pieces = await self._channel.data(min(size, self._entry.size - offset))
            self._position += sum(map(len, pieces))
            if self._position == self._entry.size and not self._settled:
                self._settled = True
                await self._channel.answer()
            self._moved.notify_all()
            return pieces

    @property
    def is_over(self) -> bool:
        """Whether all of it has come, and how it ended."""
        return self._settled

    async def drain(self) -> None:
        """Take what is left of it, so that the next can come."""
        while self._position < self._entry.size or not self._settled:
            await self.read(self._position, _CHUNK)

    async def extents(self, size: int) -> list[tuple[int, int]]:
        """Return all of it: holes are not told."""
        return [(0, size)]

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Raise UnsupportedError: it goes by once."""
        raise UnsupportedError("cannot compute the checksum", shown(path))

    async def stat(self) -> Entry:
        """Return what the host told of it."""
        return self._entry

    async def close(self) -> None:
        """Do nothing: what comes after it comes on the same channel."""


class Download:
    """One job. Its failures are noted in the ledger; what ends all of it is raised."""

    def __init__(
        self,
        request: CopyRequest,
        source: ScpHost,
        target: Filesystem,
        ledger: Ledger,
        prompter: Prompter,
        pace: Pace,
    ) -> None:
        self._request = request
        self._host = source
        self._target = target
        self._ledger = ledger
        self._pace = pace
        self._folder = request.target_dir
        self._umask = 0
        self._items = 0
        labels = source.label, target.label
        self._choices = Choices(request, ledger, prompter, labels, target.exists)

    async def run(self, scanned: Callable[[], None]) -> None:
        """Copy everything. What there is shows only as it comes."""
        request = self._request
        if (await self._target.stat(request.target_dir)).kind is not Kind.DIRECTORY:
            raise FileError("the target is not a directory", shown(request.target_dir))
        self._folder = await self._target.realpath(request.target_dir)
        if isinstance(self._target, LocalFilesystem):
            await self._target.confine(self._folder)
        self._umask = 0 if request.preserve else await self._target.umask(self._folder)
        scanned()
        for path in request.paths:
            name = request.target_name or name_of(path)
            if not name:
                self._ledger.fail(path, "it has no name to be copied under")
                continue
            words = (b"-f", b"-p", *((b"-r",) if request.recursive else ()), path)
            try:
                async with await self._host.start(*words) as channel:
                    await channel.acknowledge()
                    await self._take(channel, path, name)
            except FileError as error:
                self._ledger.fail(path, reason_of(error))

    async def _take(self, channel: ScpChannel, path: bytes, name: bytes) -> None:
        """Take one root and what is below it."""
        stack: list[Source] = []
        began, mtime_ns = False, 0
        while (record := await channel.record()) is not None:
            if isinstance(record, Complaint):
                self._complain(record, path)
                began = True
            elif isinstance(record, Times):
                mtime_ns = record.mtime_ns
                await channel.acknowledge()
            elif isinstance(record, End):
                if not stack:
                    raise _unasked("the end of a directory that did not begin")
                await self._leave(stack.pop())
                await channel.acknowledge()
            else:
                if began and not stack:
                    raise _unasked("more than one file was sent")
                began = True
                entry, mtime_ns = structs.replace(record, mtime_ns=mtime_ns), 0
                above = stack[-1] if stack else None
                await self._enter(channel, await self._source(entry, above, path, name), stack)
        if stack or not began:
            detail = channel.said or "it ended without a word"
            raise FileError("scp ended early", "", detail, host=self._host.label)

    async def _source(self, entry: Entry, above: Source | None, path: bytes, name: bytes) -> Source:
        """Return what came with its place and what is there now."""
        self._count()
        if above is not None:
            path, name = join(above.path, entry.name), join(above.place, entry.name)
            if name.count(b"/") > _MAX_DEPTH:
                raise _unasked(f"more than {_MAX_DEPTH} directories deep")
        return Source(path, name, entry, await self._target.exists(join(self._folder, name)))

    async def _enter(self, channel: ScpChannel, source: Source, stack: list[Source]) -> None:
        """Take a file, or go into a directory."""
        verdict = decide(source.entry, source.existing, self._request.recursive)
        reason = verdict.reason if verdict.step is Step.REFUSE else ""
        if source.path.endswith(b"/") and source.entry.kind is not Kind.DIRECTORY:
            reason = "not a directory"  # which its name said
        try:
            if source.entry.kind is Kind.DIRECTORY:
                if not reason and source.existing is None:
                    await self._target.mkdir(join(self._folder, source.place), 0o700)
            else:
                self._ledger.found(source.entry)
                if not reason:
                    await self._file(channel, source, asks=verdict.step is Step.ASK)
                    return
        except FileError as error:
            reason = reason_of(error)
        if reason:
            is_file = source.entry.kind is Kind.FILE
            self._ledger.fail(source.path, reason, source.entry if is_file else None)
            await channel.refuse("not taken")
        else:
            stack.append(source)
            await channel.acknowledge()

    async def _leave(self, folder: Source) -> None:
        """Give a directory its mode and time, which filling it would have changed."""
        entry, request = folder.entry, self._request
        existing = folder.existing
        if existing is not None and not request.preserve:
            return
        mode: int | None = entry.mode & PERMISSIONS & ~self._umask
        if existing is not None and mode is not None:
            mode = mode | existing.mode & SETGID if request.folder_modes else None
        path = join(self._folder, folder.place)
        try:
            await self._target.set_attributes(
                path, mode, entry.mtime_ns if request.preserve else None
            )
        except FileError as error:
            if mode is not None:  # a folder of others, who let us write there, stays as it is
                self._ledger.fail(folder.path, reason_of(error))

    async def _file(self, channel: ScpChannel, file: Source, asks: bool) -> None:
        """Take one file, or leave it out where that is the choice. Raises FileError."""
        done = file.key in self._ledger.done
        settled = None if done else file
        if asks and not done:
            settled = await self._choices.settle(file, self._folder)
        if settled is None:
            self._ledger.skip(file)
            await channel.refuse("skipped")
            return
        await channel.acknowledge()
        incoming = Incoming(channel, settled.entry, self._host.label)
        reason = await self._copy(incoming, settled)
        if reason:
            self._ledger.fail(file.path, reason, file.entry)
            try:
                await incoming.drain()
            except FileError as error:
                if not incoming.is_over:
                    raise
                self._ledger.fail(file.path, reason_of(error))
            await channel.refuse("not taken")
        else:
            await channel.acknowledge()

    async def _copy(self, incoming: CopySource, file: Source) -> str:
        """Copy what comes in to its place, and return why that failed."""
        copier = Copier(incoming, self._target, self._request.preserve, self._umask)
        copier.leftovers = self._ledger.leftovers
        copier.under_way = self._ledger.under_way
        copier.recorded = self._ledger.recorded
        copier.pace = self._pace
        target = join(self._folder, file.place)
        try:
            with self._ledger.tracking(file) as track:
                copy = FileCopy(file.path, target, file.entry, file.existing)
                complaint = await copier.copy(copy, track.advance)
        except FileError as error:
            return reason_of(error)
        if complaint:
            self._ledger.fail(file.path, f"copied, but {complaint}")
        return ""

    def _count(self) -> None:
        self._items += 1
        if self._items > _MAX_ITEMS:
            raise _unasked("more files than anybody has")

    def _complain(self, complaint: Complaint, path: bytes) -> None:
        """Note what the host could not read."""
        self._count()
        said = complaint.text.removeprefix("scp: ")
        where, _, reason = said.rpartition(": ")
        self._ledger.fail(where.encode() if where else path, f"the host says: {reason or said}")
        if complaint.fatal:
            raise FileError("scp gave up", "", complaint.text, host=self._host.label)


def _unasked(detail: str) -> FileError:
    return FileError("the host sends what was not asked for", "", detail, "do not trust it")
