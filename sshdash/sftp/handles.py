"""Open files of a host: reading and writing with many requests in flight."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sshdash.errors import ConnectionLost
from sshdash.sftp.entries import Entry, kind_of
from sshdash.sftp.failures import from_status
from sshdash.sftp.filesystem import Buffer, Finish, Finished, Pieces
from sshdash.sftp.messages import Attributes
from sshdash.sftp.protocol import Protocol, StatusError
from sshdash.sftp.wire import WireClosed
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

Result = TypeVar("Result")

NANO = 10**9
FSYNC = b"fsync@openssh.com"


class Session:
    """A protocol session whose failures are told in our words."""

    def __init__(self, lease: "Lease", protocol: Protocol) -> None:
        self.lease = lease
        self.protocol = protocol
        self.host = lease.connection.host

    async def call(self, operation: str, path: bytes, asking: Awaitable[Result]) -> Result:
        """Return what `asking` does; its failures become FileError and ConnectionLost."""
        try:
            return await asking
        except StatusError as error:
            raise from_status(error.code, error.text, operation, path, self.host) from error
        except WireClosed as error:
            raise self._lost(error) from error

    def _lost(self, error: WireClosed) -> ConnectionLost:
        try:
            _ = self.lease.connection.ssh
        except ConnectionLost as lost:
            return lost
        lost_all = self.protocol.wire.connection_failed
        title = "the connection was lost" if lost_all else "the file session ended"
        return ConnectionLost(title, str(error), "connect again and retry", self.host)


class RemoteReader:
    """A file of a host open for reading."""

    def __init__(self, session: Session, path: bytes, handle: bytes, block: int) -> None:
        self._session = session
        self._path = path
        self._handle: bytes | None = handle
        self._block = block

    async def read(self, offset: int, size: int) -> Pieces:
        """Return at most `size` bytes from `offset`; fewer may come, none at the end."""
        if size <= self._block:
            return await self._read(offset, size)
        end = offset + size
        starts = range(offset, end, self._block)
        parts = await whole(*(self._read(at, min(self._block, end - at)) for at in starts))
        pieces: Pieces = []
        for start, part in zip(starts, parts, strict=True):
            pieces += part
            if sum(map(len, part)) < min(self._block, end - start):
                break  # what follows a short answer would not join up
        return pieces

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now."""
        asking = self._session.protocol.stat_handle(self._open)
        return entry_of(b"", await self._session.call("read", self._path, asking))

    async def close(self) -> None:
        """Close it, without waiting: nothing of interest can fail."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._session.protocol.close_soon(handle)

    @property
    def _open(self) -> bytes:
        assert self._handle is not None, "the file is closed"
        return self._handle

    async def _read(self, offset: int, size: int) -> Pieces:
        asking = self._session.protocol.read(self._open, offset, size)
        return await self._session.call("read", self._path, asking)


class RemoteWriter:
    """A new file of a host open for writing."""

    def __init__(self, session: Session, path: bytes, handle: bytes, block: int) -> None:
        self._session = session
        self._path = path
        self._handle: bytes | None = handle
        self._block = block

    async def write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        """Write all of `pieces`, one after the other, from `offset` on."""
        blocks = list(_blocks(offset, pieces, self._block))
        if len(blocks) == 1:
            await self._write(*blocks[0])
        else:
            await whole(*(self._write(*block) for block in blocks))

    async def finish(self, finish: Finish) -> Finished:
        """Set attributes, make it durable and close it, all in one round trip."""
        handle, self._handle = self._handle, None
        assert handle is not None, "the file is closed"
        return await self._session.call("write", self._path, self._finish(handle, finish))

    async def close(self) -> None:
        """Close it without finishing and without waiting."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._session.protocol.close_soon(handle)

    async def _write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        assert self._handle is not None, "the file is closed"
        asking = self._session.protocol.write(self._handle, offset, pieces)
        await self._session.call("write", self._path, asking)

    async def _finish(self, handle: bytes, finish: Finish) -> Finished:
        # A server handles the requests for one file in their order (draft, section 6.1), so
        # the close is the last of them although nothing before it is waited for.
        protocol = self._session.protocol
        attributes, _, complaint, _ = await whole(
            protocol.stat_handle(handle),
            self._sync(handle, finish),
            self._set(handle, finish),
            protocol.close_handle(handle),
        )
        return Finished(attributes.size or 0, complaint)

    async def _sync(self, handle: bytes, finish: Finish) -> None:
        if finish.durable and self._session.protocol.offers(FSYNC):
            await self._session.protocol.fsync(handle)

    async def _set(self, handle: bytes, finish: Finish) -> str:
        if finish.mode is None and finish.mtime_ns is None:
            return ""
        seconds = None if finish.mtime_ns is None else finish.mtime_ns // NANO
        try:
            wanted = Attributes(mode=finish.mode, mtime=seconds)
            await self._session.protocol.set_handle(handle, wanted)
        except StatusError as error:
            return f"mode or time not set: {error.text}"
        return ""


async def whole(*asking: Coroutine[Any, Any, Any]) -> list[Any]:
    """Await all, started in this order, and raise the first failure once none is under way.

    A failure that left others running would let them write into what is being cleaned up.
    """
    results = await asyncio.gather(*asking, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def entry_of(name: bytes, attributes: Attributes, longname: bytes = b"") -> Entry:
    """Return the entry for a server's attributes."""
    owner, group = _owners(longname)
    return Entry(
        name,
        kind_of(attributes.mode or 0),
        attributes.size or 0,
        (attributes.mode or 0) & 0o7777,
        (attributes.mtime or 0) * NANO,
        -1 if attributes.uid is None else attributes.uid,
        -1 if attributes.gid is None else attributes.gid,
        owner or ("" if attributes.uid is None else str(attributes.uid)),
        group or ("" if attributes.gid is None else str(attributes.gid)),
    )


def _owners(longname: bytes) -> tuple[str, str]:
    """Return owner and group from a line in the style of ``ls -l``, which most servers send."""
    fields = longname.split(None, 4)
    if len(fields) < 5 or len(fields[0]) < 10:
        return "", ""
    return clean(fields[2], 32), clean(fields[3], 32)


def _blocks(
    offset: int, pieces: Sequence[Buffer], size: int
) -> Iterator[tuple[int, Sequence[Buffer]]]:
    """Yield offset and pieces of blocks of at most `size` bytes."""
    block: list[Buffer] = []
    room = size
    for piece in pieces:
        rest = memoryview(piece)
        while len(rest) >= room:
            block.append(rest[:room])
            rest = rest[room:]
            yield offset, block
            offset += size
            block, room = [], size
        if len(rest):
            block.append(rest)
            room -= len(rest)
    if block:
        yield offset, block
