"""Small new files of a host, by one tar for many of them: a quarter of the work of SFTP requests.

It is a short cut that nothing depends on. A batch gets its names once tar has said that all went
well, which it does not where a file changed as it was read. Whatever is not as expected goes by
SFTP as if nothing had been tried, and is reported from there.
"""

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

import asyncssh
from msgspec import Struct

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp import local_calls as calls
from sshdash.sftp.beneath import Confined
from sshdash.sftp.bulk.command import create_in, folder_above, name_in
from sshdash.sftp.bulk.small import LEAST, batches, is_small, sliced
from sshdash.sftp.bulk.stream import Hangs, Stream
from sshdash.sftp.bulk.ustar import Listed, Reader, Spoilt, Unwanted, fits
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import join, name_of, parent_of
from sshdash.sftp.filesystem import Finish
from sshdash.sftp.ledger import Ledger, Track
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.storing import Folders
from sshdash.sftp.tasks import each, finish, undivided
from sshdash.sftp.turns import Turns
from sshdash.sftp.under_way import FileCopy
from sshdash.sftp.walk import Source

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

log = logging.getLogger(__name__)

_FILES, _BYTES = 1000, 4 * 1024 * 1024
"""What one tar is asked for at most: as much is copied once more where a file in it changes."""
_WIDTH = 2
"""How many run at the same time: servers allow ten sessions, and others use some."""
_PIECES = 8
"""Pieces of the stream that are written in one call: it cannot be cancelled."""
_NAMES = 128
"""Files that get their names in one call."""
_PATIENCE = 10.0
"""Seconds for cleaning up."""
_SECOND = 10**9


class _File(Struct, frozen=True):
    """One file of a batch."""

    source: Source
    target: bytes
    part: bytes
    finish: Finish


class _Batch:
    """Files that come in one stream, by the name tar has for them."""

    def __init__(self, folder: bytes, files: dict[bytes, _File]) -> None:
        self.folder = folder
        self.files = files
        self.begun: dict[bytes, _File] = {}
        """By part, those whose temporary files may be there."""
        self.whole: list[_File] = []
        """Those that only lack their names."""

    def listed(self) -> dict[bytes, Listed]:
        """Return what they were when they were listed."""
        return {
            name: Listed(one.source.entry.size, one.source.entry.mtime_ns // _SECOND)
            for name, one in self.files.items()
        }


class Download:
    """The small files of one run."""

    def __init__(
        self,
        lease: "Lease",
        target: LocalFilesystem,
        folder: bytes,
        ledger: Ledger,
        copier: Copier,
        folders: Folders,
    ) -> None:
        """`folder` is where all places of files are; `folders` makes those below."""
        self._lease = lease
        self._target = target
        self._folder = folder
        self._ledger = ledger
        self._copier = copier
        self._folders = folders
        self._turns = Turns()
        self._useless = False
        """Whether the host does not do it, so that there is no use in asking again."""
        self._left: list[Source] = []

    async def choose(self, files: Sequence[Source]) -> tuple[list[Source], list[Source]]:
        """Return those that are copied so, and the others."""
        if len(files) < LEAST or self._copier.pace.is_limited:
            return [], [*files]
        chosen: list[Source] = []
        others: list[Source] = []
        for file in files:
            await self._turns.take()
            (chosen if self._is_plain(file) else others).append(file)
        return (chosen, others) if len(chosen) >= LEAST else ([], [*files])

    async def copy(self, files: Sequence[Source]) -> list[Source]:
        """Copy and return the files that are still to be copied."""
        some = batches(files, _FILES, _BYTES, lambda file: file.entry.size)
        await each(some, _WIDTH, self._copy)
        left, self._left = self._left, []
        return left

    def _is_plain(self, file: Source) -> bool:
        partials = self._ledger.partials
        return is_small(file) and not (partials and self._to(file) in partials)

    def _to(self, file: Source) -> bytes:
        return join(self._folder, file.place)

    # -- one batch

    async def _copy(self, files: Sequence[Source]) -> None:
        if self._useless or self._copier.pace.is_limited:
            self._left += files
            return
        batch = await self._prepare(files)
        under_way = self._copier.under_way
        size = sum(one.source.entry.size for one in batch.files.values())
        placed: set[tuple[bytes, bytes]] = set()
        try:
            with self._ledger.gathering(len(batch.files), size) as track:
                await self._copier.recorded()
                await self._receive(batch, track)
                await self._place(batch, track, placed)
            log.debug("%d small files came in one stream", len(placed))
        except Spoilt as spoilt:
            log.debug("small files go by SFTP: %s", spoilt)
        except (Unwanted, Hangs, OSError, asyncssh.Error, SSHDashError) as error:
            log.debug("small files go by SFTP from now on: %s", error)
            self._useless = True
        finally:
            try:
                await self._discard(batch)
            finally:
                for one in batch.files.values():
                    under_way.pop(one.target, None)
        self._left += [file for file in files if file.key not in placed]

    async def _prepare(self, files: Sequence[Source]) -> _Batch:
        folder = folder_above(file.path for file in files)
        batch = _Batch(folder, {})
        for file in files:
            await self._turns.take()
            name = name_in(folder, file.path)
            if not fits(name, file.entry.size, file.entry.mtime_ns // _SECOND):
                continue
            copy = FileCopy(file.path, self._to(file), file.entry)
            under_way, how = self._copier.planned(copy)
            self._copier.under_way[copy.target] = under_way
            batch.files[name] = _File(file, copy.target, under_way.part, how)
        return batch

    async def _receive(self, batch: _Batch, track: Track) -> None:
        """Write what comes to temporary files. Raises where anything is not as expected."""
        reader = Reader(batch.listed())
        names = b"".join(name + b"\0" for name in batch.files)
        command = create_in(batch.folder).line
        async with await Stream.start(self._lease, command, [names]) as stream:
            lost = await self._lost(batch)
            while pieces := await stream.take():
                while pieces:
                    data = b"".join(pieces[:_PIECES])
                    del pieces[:_PIECES]
                    await self._copier.pace.take(len(data))
                    write = partial(_write, batch, reader, data, lost)
                    track.advance(await self._target.at_once("write", self._folder, write))
            if stream.problem is not None:
                raise Unwanted(str(stream.problem))
            if stream.status != 0:
                why = f"status {stream.status}: {stream.said}"
                raise (Spoilt if reader.is_whole else Unwanted)(why)
            if not reader.is_whole:
                raise Unwanted("the stream is cut off")

    async def _lost(self, batch: _Batch) -> set[bytes]:
        """Return the folders that could not be made."""
        asked: dict[bytes, bool] = {}
        for one in batch.files.values():
            folder = parent_of(one.target)
            if folder not in asked:
                try:
                    await self._folders.ready(one.target)
                    asked[folder] = True
                except FileError:
                    asked[folder] = False
        return {folder for folder, made in asked.items() if not made}

    async def _place(self, batch: _Batch, track: Track, placed: set[tuple[bytes, bytes]]) -> None:
        """Give what is whole its names, those of nothing that is there."""

        async def place(files: Sequence[_File]) -> None:
            done = await self._target.at_once("rename", self._folder, partial(_rename, files))
            for one in done:
                track.advance(-one.source.entry.size)
                self._ledger.arrive(one.source)
                placed.add(one.source.key)
                del batch.begun[one.part]

        for files in sliced(batch.whole, _NAMES):
            for one in files:
                self._copier.under_way[one.target].placing = True
            await undivided(place(files), _PATIENCE)

    async def _discard(self, batch: _Batch) -> None:
        """Take the temporary files away that did not get their names."""
        if not batch.begun:
            return
        parts = set(batch.begun)
        leftovers = self._copier.leftovers
        leftovers |= parts

        async def discard() -> None:
            gone = await self._target.at_once("remove", self._folder, partial(_remove, parts))
            leftovers.difference_update(gone)

        cancelled = False
        with suppress(SSHDashError):
            cancelled = await finish(discard(), _PATIENCE)
        if cancelled:
            raise asyncio.CancelledError


# -- in a thread


def _write(batch: _Batch, reader: Reader, data: bytes, lost: set[bytes], run: Confined) -> int:
    """Write the files that are complete with some more of the stream; return their bytes."""
    whole = len(batch.whole)
    members = [(batch.files[member.name], member) for member in reader.feed(data)]
    for folder, some in groupby(members, key=lambda one: parent_of(one[0].part)):
        # One that changed since it was listed is left, and so is one that has no place to go.
        wanted = [
            (one, member.content)
            for one, member in some
            if member.seconds == one.source.entry.mtime_ns // _SECOND and folder not in lost
        ]
        if wanted:
            batch.begun.update((one.part, one) for one, _ in wanted)
            run(partial(_store, batch, wanted), wanted[0][0].part)
    return sum(one.source.entry.size for one in batch.whole[whole:])


def _store(batch: _Batch, files: Sequence[tuple[_File, bytes]], first: bytes) -> None:
    """Make temporary files in the folder of the `first`, which is opened for all of them."""
    folder = parent_of(first)
    for one, content in files:
        finished = calls.store(join(folder, name_of(one.part)), (content,), one.finish)
        if finished.size == one.source.entry.size and not finished.complaint:
            batch.whole.append(one)


def _rename(files: Sequence[_File], run: Confined) -> list[_File]:
    """Give files their names and return those that have them now."""
    placed: list[_File] = []
    for _, some in groupby(files, key=lambda one: parent_of(one.part)):
        beside = list(some)
        with suppress(OSError):  # whatever is there is reported from the other way
            run(partial(_place, beside, placed), beside[0].part)
    return placed


def _place(files: Sequence[_File], placed: list[_File], first: bytes) -> None:
    """Give files in the folder of the `first` their names."""
    folder = parent_of(first)
    for one in files:
        with suppress(OSError):
            calls.rename(join(folder, name_of(one.part)), join(folder, name_of(one.target)))
            placed.append(one)


def _remove(parts: Iterable[bytes], run: Confined) -> list[bytes]:
    """Remove files and return those that are gone."""
    gone = []
    for part in parts:
        with suppress(OSError):
            with suppress(FileNotFoundError):
                run(os.unlink, part)
            gone.append(part)
    return gone
