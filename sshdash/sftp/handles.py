"""Open files of a host: reading and writing with many requests in flight."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.answers import Asked, StatusError, at_end, whole
from sshdash.sftp.bulk.starter import Starter
from sshdash.sftp.early import EarlySync
from sshdash.sftp.entries import Entry
from sshdash.sftp.failures import from_status
from sshdash.sftp.filesystem import Buffer, Finish, Finished, Pieces, Reader
from sshdash.sftp.messages import Attributes, Open
from sshdash.sftp.protocol import Protocol
from sshdash.sftp.remote_entries import NANO, entry_of
from sshdash.sftp.tasks import together
from sshdash.sftp.wire import WireClosed

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease
    from sshdash.sftp.further import Further
    from sshdash.sftp.opening import Way

Result = TypeVar("Result")

_PROOF = 2 * 1024 * 1024
"""Bytes that tell how fast a line is."""
_HELD_UP = 1024 * 1024
"""Bytes in a round trip from which on a server's room for two megabytes is what holds it up."""
FSYNC = b"fsync@openssh.com"
COPY_DATA = b"copy-data"


class Session:
    """A protocol session whose failures are told in our words."""

    def __init__(
        self, lease: "Lease", protocol: Protocol, way: "Way", starter: Starter | None = None
    ) -> None:
        self.lease = lease
        self.starter = Starter(lease) if starter is None else starter
        """What runs commands beside it."""
        self.protocol = protocol
        self.way = way
        self.host = way.label(lease.host)
        """The host as it is named, with the user where it is another than logged in."""

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
        hint = "connect again and retry" if lost_all else "retry"
        return ConnectionLost(title, str(error), hint, self.host)


class RemoteReader:
    """A file of a host open for reading."""

    def __init__(self, session: Session, path: bytes, handle: bytes, block: int) -> None:
        self._session = session
        self._path = path
        self._handle: bytes | None = handle
        self._block = block

    @property
    def handle(self) -> bytes:
        """The server's name for the open file, which means something in its own session only."""
        return self._open

    async def read(self, offset: int, size: int) -> Pieces:
        """Return at most `size` bytes from `offset`; fewer may come, none at the end."""
        asked = self._ask(offset, size)
        return _joined(await self._session.call("read", self._path, whole(asked)), self._block)

    async def fetch(self, size: int) -> tuple[Pieces, Entry]:
        """Return at most `size` first bytes and the attributes afterwards, and close."""
        asked = self._ask(0, size)
        # A server handles the requests for one file in their order (draft, section 6.1), so
        # these are the attributes after reading although nothing was waited for.
        attributes = self._session.protocol.stat_handle(self._open)
        await self.close()
        parts = await self._session.call("read", self._path, whole(asked))
        after = entry_of(b"", await self._session.call("read", self._path, attributes))
        return _joined(parts, self._block), after

    async def head(self, limit: int) -> bytes:
        """Return at most `limit` first bytes."""
        data = bytearray()
        while len(data) < limit:
            pieces = await self.read(len(data), limit - len(data))
            if not pieces:
                break
            data += b"".join(pieces)
        return bytes(data)

    async def extents(self, size: int) -> list[tuple[int, int]]:
        """Return all of it: SFTP does not tell holes."""
        return [(0, size)]

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now."""
        asked = self._session.protocol.stat_handle(self._open)
        return entry_of(b"", await self._session.call("read", self._path, asked))

    async def close(self) -> None:
        """Close it, without waiting: nothing of interest can fail."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._session.protocol.close_handle(handle)

    def _ask(self, offset: int, size: int) -> list[Asked[Pieces]]:
        end = offset + size
        return [
            self._session.protocol.read(self._open, start, min(self._block, end - start))
            for start in range(offset, end, self._block)
        ]

    @property
    def _open(self) -> bytes:
        assert self._handle is not None, "the file is closed"
        return self._handle


class _Lane:
    """One of the sessions that write a file, and what it has to do."""

    __slots__ = ("handle", "session", "waiting")

    def __init__(self, session: Session, handle: bytes) -> None:
        self.session = session
        self.handle = handle
        self.waiting = 0
        """Bytes that are under way."""


class RemoteWriter:
    """A new file of a host open for writing.

    It is written to the disk early by a session of its own (`further`): in this one a server
    would take nothing else meanwhile.
    """

    def __init__(
        self,
        session: Session,
        path: bytes,
        handle: bytes,
        block: int,
        further: "Further",
    ) -> None:
        self._session = session
        self._path = path
        self._handle: bytes | None = handle
        self._block = block
        self._further = further
        self._lanes: list[_Lane] = []
        """Those besides the session itself, and it too where there are any."""
        self._began = 0.0
        self._answered = 0
        self._spread = False
        """Whether all of them are used."""
        self._early = EarlySync(self._sync)

    async def write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        """Write all of `pieces`, one after the other, from `offset` on."""
        if self._lanes:
            await self._write_by(self._lane(), offset, pieces)
        else:
            await self._session.call("write", self._path, whole(self._ask(offset, pieces)))
        self._early.wrote()

    async def widen(self, size: int) -> int:
        """Have `size` bytes spread over several sessions where one is not enough for the line.

        Returns over how many.
        """
        further = await self._further.lanes(size)
        if not further:
            return 1
        self._lanes = [_Lane(self._session, self._open)]
        await together(*(self._add_lane(session) for session in further))
        self._began = asyncio.get_running_loop().time()
        return len(self._lanes)

    async def _add_lane(self, session: Session) -> None:
        opening = session.protocol.open_file(self._path, Open.WRITE)
        with suppress(FileError, ConnectionLost):  # where a file is opened once only, for one
            self._lanes.append(_Lane(session, await session.call("write", self._path, opening)))

    def _lane(self) -> _Lane:
        """Return which of the sessions takes what comes next.

        It is the first alone until that is known to be what holds the line up: where the line is
        slow, what is written then has no gaps, and all of it can be gone on with.
        """
        if not self._spread:
            return self._lanes[0]
        return min(self._lanes, key=_waiting)

    def _arrived(self, size: int) -> None:
        self._answered += size
        if not self._spread and self._answered >= _PROOF:
            took = asyncio.get_running_loop().time() - self._began
            self._spread = self._answered * self._further.round_trip > took * _HELD_UP

    async def _write_by(self, lane: _Lane, offset: int, pieces: Sequence[Buffer]) -> None:
        blocks = _blocks(offset, pieces, self._block)
        protocol, size = lane.session.protocol, sum(map(len, pieces))
        lane.waiting += size
        try:
            asked = [protocol.write(lane.handle, at, block) for at, block in blocks]
            await lane.session.call("write", self._path, whole(asked))
        except ConnectionLost:
            first, *further = self._lanes or (lane,)
            if lane is first or self._session.protocol.wire.closed is not None:
                raise
            # A server may end one by itself: what it had answered is in the file.
            self._lanes = [first, *(one for one in further if one is not lane)]
            await self._write_by(first, offset, pieces)
            return
        finally:
            lane.waiting -= size
        self._arrived(size)

    def _close_lanes(self) -> None:
        """Close what the further sessions have open, without waiting: all of it was answered."""
        lanes, self._lanes = self._lanes[1:], []
        for lane in lanes:
            lane.session.protocol.close_handle(lane.handle)

    async def copy_from(self, reader: Reader, offset: int, size: int) -> int:
        """Have the server copy `size` bytes; 0 is returned where the source ends before that."""
        assert isinstance(reader, RemoteReader)
        protocol, handles = self._session.protocol, (reader.handle, self._open)
        asking = at_end(protocol.copy_data(*handles, offset, size))
        copied = size if await self._session.call("write", self._path, asking) else 0
        self._early.wrote()
        return copied

    async def finish(self, finish: Finish) -> Finished:
        """Set attributes, make it durable and close it, all in one round trip."""
        await self._early.stop()
        self._close_lanes()
        return await self.store((), finish)

    async def store(self, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        """Write `pieces` from the start and finish, all in one round trip."""
        # The close is the last that a server does of these, whatever is awaited first; an
        # error in any of them is seen before the file gets its name.
        protocol, handle = self._session.protocol, self._open
        asked = self._ask(0, pieces) if pieces else []
        if finish.size is not None:
            asked.append(protocol.set_handle(handle, Attributes(size=finish.size)))
        attributes = protocol.stat_handle(handle)
        if finish.durable and protocol.offers(FSYNC):
            asked.append(protocol.fsync(handle))
        complaint = self._set(handle, finish)
        asked.append(protocol.close_handle(handle))
        self._handle = None
        call = self._session.call
        found = await call("write", self._path, attributes)
        said = (
            ""
            if complaint is None
            else await call("write", self._path, _complaint(complaint, finish))
        )
        await call("write", self._path, whole(asked))
        return Finished(found.size or 0, said)

    async def close(self) -> None:
        """Close it without finishing and without waiting for the answer."""
        await self._early.stop()
        self._close_lanes()
        handle, self._handle = self._handle, None
        if handle is not None:
            self._session.protocol.close_handle(handle)

    def _ask(self, offset: int, pieces: Sequence[Buffer]) -> list[Asked[None]]:
        blocks = _blocks(offset, pieces, self._block)
        return [self._session.protocol.write(self._open, at, block) for at, block in blocks]

    def _set(self, handle: bytes, finish: Finish) -> Asked[None] | None:
        if finish.mode is None and finish.mtime_ns is None:
            return None
        seconds = None if finish.mtime_ns is None else finish.mtime_ns // NANO
        uid, gid = finish.owner or (None, None)
        wanted = Attributes(uid=uid, gid=gid, mode=finish.mode, mtime=seconds)
        return self._session.protocol.set_handle(handle, wanted)

    async def _sync(self) -> None:
        helper = await self._further.helper()
        opened = helper.protocol.open_file(self._path, Open.READ)
        handle = await helper.call("write", self._path, opened)
        try:
            await helper.call("write", self._path, helper.protocol.fsync(handle))
        finally:
            helper.protocol.close_handle(handle)

    @property
    def _open(self) -> bytes:
        assert self._handle is not None, "the file is closed"
        return self._handle


def _waiting(lane: _Lane) -> int:
    return lane.waiting


async def _complaint(asked: Asked[None], finish: Finish) -> str:
    """Return why attributes were not set; the content may still be whole."""
    try:
        await asked
    except StatusError as error:
        return f"{finish.attributes} not set: {error.text}"
    return ""


def _joined(parts: Sequence[Pieces], block: int) -> Pieces:
    """Return the pieces up to the first short answer: what follows it would not join up."""
    pieces: Pieces = []
    for part in parts:
        pieces += part
        if sum(map(len, part)) < block:
            break
    return pieces


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
