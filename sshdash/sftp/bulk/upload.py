"""New folders full of small files, by one tar at the host that unpacks them all.

They are unpacked in a folder of our own beside the target, which gets its name once all in it is
found to be whole. It is a short cut that nothing depends on: whatever is not as expected, and
whatever else is in these folders, goes by SFTP, and is reported from there.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import asyncssh

from sshdash.errors import ConnectionLost, SSHDashError
from sshdash.sftp import local_calls as calls
from sshdash.sftp.beneath import Confined
from sshdash.sftp.bulk.command import READY, begin_in, is_plain, unpack
from sshdash.sftp.bulk.proof import Proof, file_line, folder_line
from sshdash.sftp.bulk.small import LEAST, batches, sliced
from sshdash.sftp.bulk.staging import Staging
from sshdash.sftp.bulk.starter import Starter
from sshdash.sftp.bulk.stream import Hangs, Stream
from sshdash.sftp.bulk.tree import Tree, without, worthwhile
from sshdash.sftp.bulk.ustar import end, file_header, folder_header, padding
from sshdash.sftp.copier import Copier
from sshdash.sftp.directories import mode_at_first
from sshdash.sftp.entries import join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger, Track
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.tasks import together
from sshdash.sftp.turns import Turns
from sshdash.sftp.walk import Source

log = logging.getLogger(__name__)

_READ, _READ_BYTES = 256, 1024 * 1024
"""What is read in one call, and sent in one turn of the loop."""
_NEAR = 0.010
"""Seconds of a round trip below which as much as this is enough:"""
_UNDER_WAY = 512 * 1024
"""bytes that the host has got, or is about to get, and tar has not taken."""
_UNPACKING = 120.0
"""Seconds in which nothing of what is under way arrives, or for the last of it to be unpacked."""
_SECOND = 10**9


class _Packed(NamedTuple):
    """Some files as they go into the stream."""

    data: bytes
    size: int
    """Bytes of their contents."""
    unread: list[bytes]
    """Names of those that are not as they were listed, and do not go into it."""
    lines: list[bytes]
    """What is to be told of the others."""


class Upload:
    """The new folders of one run."""

    def __init__(
        self,
        starter: Starter,
        source: LocalFilesystem,
        target: Filesystem,
        folder: bytes,
        ledger: Ledger,
        copier: Copier,
        preserve: bool,
    ) -> None:
        """`folder` is where all places are; with `preserve` times are kept."""
        self._starter = starter
        self._pulse = starter.lease.connection.pulse
        self._source = source
        self._target = target
        self._folder = folder
        self._ledger = ledger
        self._copier = copier
        self._preserve = preserve
        self._command = unpack(timed=preserve)
        self._turns = Turns()

    def expect(self, folder: Source) -> None:
        """Have a stream ready for a new folder that may be worth it, which is known only later."""
        if folder.existing is None and not self._copier.pace.is_limited:
            self._starter.expect(self._command)
            self._pulse.begin()

    async def copy(
        self, folders: list[Source], files: list[Source], more: bool
    ) -> tuple[list[Source], list[Source]]:
        """Copy what can be, and return the folders that are not finished, and the files left.

        Whether `more` than these goes there is for whoever knows.
        """
        if len(files) < LEAST or self._copier.pace.is_limited:
            return folders, files
        arrived: set[bytes] = set()
        finished: set[bytes] = set()
        for tree in await worthwhile(folders, files, self._is_begun, self._turns):
            is_all = not more and len(tree.folders) == len(folders)
            try:
                finished |= await self._copy(tree, arrived, len(files) if is_all else None)
            except ConnectionLost:
                raise
            except (Hangs, OSError, ValueError, asyncssh.Error, SSHDashError) as error:
                log.debug("a folder of small files goes by SFTP: %s", error)
                break
            log.debug("%d small files went in one stream", len(tree.files))
        folders, files = await without(arrived, folders, files, self._turns)
        return [one for one in folders if one.place not in finished], files

    def _is_begun(self, file: Source) -> bool:
        partials = self._ledger.partials
        return bool(partials) and join(self._folder, file.place) in partials

    async def _copy(self, tree: Tree, arrived: set[bytes], wanted: int | None) -> set[bytes]:
        """Copy a tree and return which of its folders are finished.

        Of `arrived` see `Staging.place`; so many files are `wanted` in its folders, None where
        something else goes there, too.
        """
        staging = Staging(tree, self._target, self._folder, self._ledger, self._copier)
        if not is_plain(staging.path):
            raise ValueError("a name that not every shell takes as it is")
        proof = Proof()
        async with await self._starter.start(self._command) as stream:
            await stream.expect(READY)
            round_trip = self._pulse.round_trips[-1]
            if round_trip is not None and round_trip < _NEAR:
                stream.narrow(_UNDER_WAY)
            async with staging:
                with self._ledger.gathering(len(tree.files), tree.size) as track:
                    async with stream:  # it ends before what it made is removed
                        # The host waits for the folder, so that nobody waits here for it.
                        make = self._target.mkdir(staging.path, 0o700)
                        await together(make, self._send(tree, staging.path, stream, track, proof))
                        await self._hear(stream, proof)
                    await staging.place(arrived, track, whole=len(tree.files) == wanted)
        return staging.finished

    async def _send(
        self, tree: Tree, staging: bytes, stream: Stream, track: Track, proof: Proof
    ) -> None:
        """Send a tree to be unpacked."""
        await asyncio.sleep(0)  # behind the request for the folder
        await stream.send(begin_in(staging))
        for some in sliced(tuple(tree.folders.items()), _READ):
            await self._turns.take()
            proof.expect([folder_line(name) for name, _ in some if name])
            await stream.send(self._folders_of(some))
        ready: asyncio.Queue[_Packed | None] = asyncio.Queue(1)
        await together(self._read(tree, ready), self._pass_on(ready, stream, track, proof))
        await stream.send(end(), last=True)

    async def _read(self, tree: Tree, ready: "asyncio.Queue[_Packed | None]") -> None:
        """Read a tree's files, one part while another is sent; None follows the last."""
        # Names alone: the garbage collector would look through as many pairs.
        for names in batches(tuple(tree.files), _READ, _READ_BYTES, tree.size_of):
            some = [(name, tree.files[name]) for name in names]
            pack = partial(_pack, some, self._copier, self._preserve)
            packed = await self._source.at_once("read", tree.top.path, pack)
            for name in packed.unread:
                del tree.files[name]
            await ready.put(packed)
        await ready.put(None)

    async def _pass_on(
        self, ready: "asyncio.Queue[_Packed | None]", stream: Stream, track: Track, proof: Proof
    ) -> None:
        """Send what was read, no faster than is allowed."""
        while (packed := await ready.get()) is not None:
            await self._copier.pace.take(len(packed.data))
            await stream.send(packed.data)
            proof.expect(packed.lines)
            track.advance(packed.size)

    async def _hear(self, stream: Stream, proof: Proof) -> None:
        """Take what is told of a tree once it is unpacked. Raises ValueError unless it is whole."""
        while pieces := await stream.take(_UNPACKING):
            for piece in pieces:
                proof.feed(piece)
                await self._turns.take()
        stream.ensure_success()
        proof.finish()

    def _folders_of(self, folders: Sequence[tuple[bytes, Source]]) -> bytes:
        return b"".join(
            folder_header(
                b"./" + name,
                mode_at_first(self._copier.mode(folder.entry)),
                max(0, folder.entry.mtime_ns // _SECOND),
            )
            for name, folder in folders
            if name
        )


# -- in a thread


def _pack(
    files: Sequence[tuple[bytes, Source]], copier: Copier, timed: bool, run: Confined
) -> _Packed:
    """Return files as they go into the stream."""
    pieces: list[bytes] = []
    unread: list[bytes] = []
    lines: list[bytes] = []
    size = 0
    for name, file in files:
        entry = file.entry
        try:
            content = calls.unchanged(file.path, entry)
        except (OSError, SSHDashError):
            content = None
        if content is None:
            unread.append(name)  # why is found out, and reported, by who copies it then
            continue
        seconds = entry.mtime_ns // _SECOND
        pieces.append(file_header(b"./" + name, copier.mode(entry), entry.size, seconds))
        pieces.append(content)
        pieces.append(padding(entry.size))
        lines.append(file_line(name, entry.size, seconds if timed else None))
        size += entry.size
    return _Packed(b"".join(pieces), size, unread, lines)
