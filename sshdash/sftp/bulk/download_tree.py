"""New folders full of small files of a host, by one tar there that packs them all.

They are written in a folder of our own beside the target, which gets its name once all in it is
whole. It is a short cut that nothing depends on: whatever is not as expected, and whatever else is
in these folders, goes by SFTP, and is reported from there.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial

import asyncssh

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp.beneath import Confined
from sshdash.sftp.bulk.command import create_in, is_plain
from sshdash.sftp.bulk.download import Download
from sshdash.sftp.bulk.nursery import Nursery
from sshdash.sftp.bulk.small import LEAST, sliced
from sshdash.sftp.bulk.staging import Staging
from sshdash.sftp.bulk.starter import Starter
from sshdash.sftp.bulk.stream import Hangs, Stream
from sshdash.sftp.bulk.tree import Tree, without, worthwhile
from sshdash.sftp.bulk.ustar import Listed, Reader, Spoilt, Unwanted
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import join
from sshdash.sftp.ledger import Ledger, Track
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.storing import Folders
from sshdash.sftp.tasks import together
from sshdash.sftp.turns import Turns
from sshdash.sftp.walk import Source

log = logging.getLogger(__name__)

_PIECES = 16
"""Pieces of the stream that are written in one call: it cannot be cancelled."""
_NAMES = 500
"""Names that are sent in one turn of the loop."""
_SECOND = 10**9
_HERE = b"./"
"""What tar puts before every name, and needs before one that looks like an option."""


class DownloadTree:
    """The new folders of one run."""

    def __init__(
        self,
        starter: Starter,
        target: LocalFilesystem,
        folder: bytes,
        ledger: Ledger,
        copier: Copier,
    ) -> None:
        """`folder` is where all places are."""
        self._starter = starter
        self._target = target
        self._folder = folder
        self._ledger = ledger
        self._copier = copier
        self._turns = Turns()
        self.useless = False
        """Whether the host does not do it, so that there is no use in asking again."""

    def expect(self, folder: Source) -> None:
        """Have a stream ready for a new folder that may be worth it, which is known only later."""
        limited = self._copier.pace.is_limited
        if folder.existing is None and is_plain(folder.path) and not limited:
            self._starter.expect(create_in(folder.path))

    def for_files(self, folders: Folders) -> Download:
        """Return what copies files into folders that are there, or made meanwhile."""
        lease = self._starter.lease
        return Download(lease, self._target, self._folder, self._ledger, self._copier, folders)

    async def copy(
        self, folders: list[Source], files: list[Source]
    ) -> tuple[list[Source], list[Source]]:
        """Copy what can be, and return the folders as they are now and the files that are left."""
        if len(files) < LEAST or self._copier.pace.is_limited:
            return folders, files
        arrived: set[bytes] = set()
        for tree in await worthwhile(folders, files, self._is_begun, self._turns):
            try:
                await self._copy(tree, arrived)
            except Spoilt as spoilt:
                log.debug("a folder of small files comes in parts: %s", spoilt)
                continue
            except FileError as error:
                log.debug("a folder of small files is not put here: %s", error)
                continue
            except (Unwanted, Hangs, OSError, asyncssh.Error, SSHDashError) as error:
                log.debug("small files go by SFTP: %s", error)
                self.useless = True
                break
            log.debug("%d small files came in one stream", len(tree.files))
        return await without(arrived, folders, files, self._turns)

    def _is_begun(self, file: Source) -> bool:
        partials = self._ledger.partials
        return bool(partials) and join(self._folder, file.place) in partials

    async def _copy(self, tree: Tree, arrived: set[bytes]) -> None:
        if not is_plain(tree.top.path):
            raise Spoilt("a name that not every shell takes as it is")
        staging = Staging(tree, self._target, self._folder, self._ledger, self._copier)
        nursery = Nursery(staging.path)
        async with staging:
            with self._ledger.gathering(len(tree.files), tree.size) as track:
                try:
                    make = partial(nursery.make, [name for name in tree.folders if name], 0o700)
                    await self._target.at_once("make", self._folder, make)
                    await self._receive(tree, nursery, track)
                finally:
                    nursery.close()
                await staging.place(arrived, track)

    async def _receive(self, tree: Tree, nursery: Nursery, track: Track) -> None:
        """Write what comes. Raises where anything is not as expected."""
        listed: dict[bytes, Listed] = {}
        async for some in self._turns.slices(tree.files.items()):
            for name, file in some:
                listed[_HERE + name] = Listed(file.entry.size, file.entry.mtime_ns // _SECOND)
        reader = Reader(listed)
        write = partial(_write, tree, nursery, reader, self._copier)
        async with await self._starter.start(create_in(tree.top.path)) as stream:
            # It takes names only as fast as what it packs is taken.
            await together(self._name(stream, listed), self._take(stream, write, track))
            if stream.problem is not None:
                raise Unwanted(str(stream.problem))
            if stream.status != 0:
                why = f"status {stream.status}: {stream.said}"
                raise (Spoilt if reader.is_whole else Unwanted)(why)
        if not reader.has_all:
            raise Unwanted("not everything came")

    async def _name(self, stream: Stream, names: Iterable[bytes]) -> None:
        for some in sliced(names, _NAMES):
            await self._turns.take()
            await stream.send(b"\0".join((*some, b"")))
        await stream.send(b"", last=True)

    async def _take(self, stream: Stream, write: Callable[..., int], track: Track) -> None:
        while pieces := await stream.take():
            for some in sliced(pieces, _PIECES):
                data = b"".join(some)
                await self._copier.pace.take(len(data))
                writing = partial(write, data)
                track.advance(await self._target.at_once("write", self._folder, writing))


# -- in a thread


def _write(
    tree: Tree, nursery: Nursery, reader: Reader, copier: Copier, data: bytes, run: Confined
) -> int:
    """Write the files that are complete with some more of the stream; return their bytes."""
    size = 0
    for member in reader.feed(data):
        entry = tree.files[member.name.removeprefix(_HERE)].entry
        if member.seconds != entry.mtime_ns // _SECOND:
            raise Spoilt("a file is not as it was listed")
        nursery.store(member.name, member.content, copier.mode(entry), copier.mtime_ns(entry))
        size += len(member.content)
    return size
