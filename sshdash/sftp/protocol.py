"""SFTP's requests, one method each. Paths, names and targets are bytes in both directions.

A method that is called sends its request at its first step, before anything else runs, so
requests made one after the other reach the server in that order.
"""

import asyncio
from collections.abc import Sequence

import asyncssh

from sshdash.sftp.filesystem import Buffer, Pieces
from sshdash.sftp.messages import (
    Attributes,
    Code,
    Message,
    Name,
    Payload,
    ServerLimits,
    Status,
    Volume,
    string,
    uint32,
    uint64,
)
from sshdash.sftp.wire import Answer, Wire
from sshdash.untrusted import clean

_HANDLE_MAX = 256
_NO_ATTRIBUTES = Attributes().encode()


class StatusError(Exception):
    """The server answered a request with a status other than OK."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.code = status.code
        self.text = clean(status.text, 200)


class Protocol:
    """Requests on one `Wire`. They raise StatusError and WireClosed."""

    def __init__(self, wire: Wire, extensions: dict[bytes, bytes]) -> None:
        self.wire = wire
        self.extensions = extensions
        self.limits = ServerLimits(0, 0, 0, 0)
        version = wire.server_version
        self._links_reversed = "OpenSSH" in version or "paramiko" in version

    @classmethod
    async def start(cls, connection: asyncssh.SSHClientConnection) -> "Protocol":
        """Open a session on `connection` and learn what its server can do.

        Raises asyncssh.ChannelOpenError where there is no SFTP, WireClosed where what answers
        does not speak it.
        """
        wire = await Wire.open(connection)
        try:
            protocol = cls(wire, await wire.greet())
            if b"limits@openssh.com" in protocol.extensions:
                answer = await protocol._extended(b"limits@openssh.com")
                protocol.limits = wire.read_as(answer, Payload.limits)
        except BaseException:
            wire.close()
            raise
        return protocol

    def offers(self, extension: bytes) -> bool:
        """Return whether the server told of an extension."""
        return extension in self.extensions

    # -- files

    async def open_file(self, path: bytes, flags: int, mode: int | None = None) -> bytes:
        """Open a file and return its handle."""
        attributes = _NO_ATTRIBUTES if mode is None else Attributes(mode=mode).encode()
        return await self._handle(Message.OPEN, string(path) + uint32(flags) + attributes)

    async def close_handle(self, handle: bytes) -> None:
        """Close a file or directory."""
        self._check(await self.wire.request(Message.CLOSE, string(handle)))

    async def read(self, handle: bytes, offset: int, size: int) -> Pieces:
        """Return the pieces of at most `size` bytes at `offset`, none at the end."""
        body = string(handle) + uint64(offset) + uint32(size)
        answer = await self.wire.request(Message.READ, body)
        if answer.kind == Message.DATA:
            return self._data(answer.pieces, size)
        if not self._is_end(answer):
            raise self.wire.fail("a read was answered with OK")
        return []

    async def write(self, handle: bytes, offset: int, pieces: Sequence[Buffer]) -> None:
        """Write `pieces` one after the other, from `offset` on."""
        head = string(handle) + uint64(offset) + uint32(sum(map(len, pieces)))
        self._check(await self.wire.request(Message.WRITE, head, *pieces))

    async def fsync(self, handle: bytes) -> None:
        """Make a file's content durable (fsync@openssh.com)."""
        self._check(await self._extended(b"fsync@openssh.com", string(handle)))

    async def stat_handle(self, handle: bytes) -> Attributes:
        """Return the attributes of an open file."""
        return self._attributes(await self.wire.request(Message.FSTAT, string(handle)))

    async def set_handle(self, handle: bytes, attributes: Attributes) -> None:
        """Set attributes of an open file."""
        body = string(handle) + attributes.encode()
        self._check(await self.wire.request(Message.FSETSTAT, body))

    # -- paths

    async def stat(self, path: bytes) -> Attributes:
        """Return the attributes of what `path` leads to."""
        return self._attributes(await self.wire.request(Message.STAT, string(path)))

    async def lstat(self, path: bytes) -> Attributes:
        """Return the attributes of `path` itself."""
        return self._attributes(await self.wire.request(Message.LSTAT, string(path)))

    async def set_path(self, path: bytes, attributes: Attributes) -> None:
        """Set attributes of what `path` leads to."""
        body = string(path) + attributes.encode()
        self._check(await self.wire.request(Message.SETSTAT, body))

    async def open_directory(self, path: bytes) -> bytes:
        """Open a directory for reading and return its handle."""
        return await self._handle(Message.OPENDIR, string(path))

    async def read_directory(self, handle: bytes) -> list[Name] | None:
        """Return some more entries, None at the end."""
        answer = await self.wire.request(Message.READDIR, string(handle))
        if answer.kind == Message.STATUS and self._is_end(answer):
            return None
        return self._names(answer)

    async def remove(self, path: bytes) -> None:
        """Remove a file or link."""
        self._check(await self.wire.request(Message.REMOVE, string(path)))

    async def make_directory(self, path: bytes, mode: int) -> None:
        """Make a directory."""
        body = string(path) + Attributes(mode=mode).encode()
        self._check(await self.wire.request(Message.MKDIR, body))

    async def remove_directory(self, path: bytes) -> None:
        """Remove an empty directory."""
        self._check(await self.wire.request(Message.RMDIR, string(path)))

    async def realpath(self, path: bytes) -> bytes:
        """Return the canonical absolute path."""
        return self._one_name(await self.wire.request(Message.REALPATH, string(path)))

    async def expand_path(self, path: bytes) -> bytes:
        """Return a path with ``~`` and ``~user`` resolved (expand-path@openssh.com)."""
        body = string(b"expand-path@openssh.com") + string(path)
        return self._one_name(await self.wire.request(Message.EXTENDED, body))

    async def readlink(self, path: bytes) -> bytes:
        """Return where a link points."""
        return self._one_name(await self.wire.request(Message.READLINK, string(path)))

    async def symlink(self, target: bytes, path: bytes) -> None:
        """Make a link. OpenSSH takes the arguments the other way round than the draft says."""
        first, second = (target, path) if self._links_reversed else (path, target)
        self._check(await self.wire.request(Message.SYMLINK, string(first) + string(second)))

    async def rename(self, old: bytes, new: bytes) -> None:
        """Rename onto a name that must not exist."""
        self._check(await self.wire.request(Message.RENAME, string(old) + string(new)))

    async def posix_rename(self, old: bytes, new: bytes) -> None:
        """Rename over whatever file is there (posix-rename@openssh.com)."""
        body = string(old) + string(new)
        self._check(await self._extended(b"posix-rename@openssh.com", body))

    async def statvfs(self, path: bytes) -> Volume:
        """Return the room on a file system (statvfs@openssh.com)."""
        answer = await self._extended(b"statvfs@openssh.com", string(path))
        return self.wire.read_as(answer, Payload.volume)

    # -- answers

    async def _handle(self, kind: int, body: bytes) -> bytes:
        asked = self.wire.request(kind, body)
        try:
            answer = await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(self._close_late)
            raise
        if answer.kind != Message.HANDLE:
            self._check(answer)
            raise self.wire.fail("a handle was expected")
        handle = self.wire.read_as(answer, Payload.string)
        if len(handle) > _HANDLE_MAX:
            raise self.wire.fail("a handle is too long")
        return handle

    def close_soon(self, handle: bytes) -> None:
        """Close a file or directory without waiting for the answer."""
        if self.wire.closed is None:
            self.wire.request(Message.CLOSE, string(handle)).add_done_callback(_ignore)

    def _close_late(self, asked: asyncio.Future[Answer]) -> None:
        """Close what was opened for somebody who no longer waits."""
        if asked.cancelled() or asked.exception() or self.wire.closed is not None:
            return
        answer = asked.result()
        if answer.kind == Message.HANDLE:
            self.close_soon(self.wire.read_as(answer, Payload.string))

    def _check(self, answer: Answer) -> None:
        if answer.kind != Message.STATUS:
            raise self.wire.fail(f"a status was expected, message {answer.kind} came")
        status = self.wire.read_as(answer, Payload.status)
        if status.code != Code.OK:
            raise StatusError(status)

    def _is_end(self, answer: Answer) -> bool:
        """Return True at the end of a file or directory; raise what else a status says."""
        try:
            self._check(answer)
        except StatusError as error:
            if error.code == Code.EOF:
                return True
            raise
        return False

    def _attributes(self, answer: Answer) -> Attributes:
        if answer.kind != Message.ATTRS:
            self._check(answer)
            raise self.wire.fail("attributes were expected")
        return self.wire.read_as(answer, Payload.attributes)

    async def _extended(self, name: bytes, body: bytes = b"") -> Answer:
        """Return the reply, or the status of an extension that answers with one."""
        answer = await self.wire.request(Message.EXTENDED, string(name) + body)
        if answer.kind == Message.EXTENDED_REPLY:
            return answer
        self._check(answer)
        return answer

    def _names(self, answer: Answer) -> list[Name]:
        if answer.kind != Message.NAME:
            self._check(answer)
            raise self.wire.fail("names were expected")
        return self.wire.read_as(answer, Payload.names)

    def _one_name(self, answer: Answer) -> bytes:
        names = self._names(answer)
        if len(names) != 1:
            raise self.wire.fail("one name was expected")
        return names[0].filename

    def _data(self, pieces: Pieces, size: int) -> Pieces:
        """Return the pieces without the length in front, which must be true."""
        if not pieces or len(pieces[0]) < 4:
            pieces = [b"".join(pieces)]
        length = int.from_bytes(pieces[0][:4], "big")
        pieces[0] = memoryview(pieces[0])[4:]
        if length != sum(map(len, pieces)) or length > size:
            raise self.wire.fail("more or less data than was asked for")
        return [piece for piece in pieces if len(piece)]


def _ignore(asked: asyncio.Future[Answer]) -> None:
    """Fetch the outcome nobody waits for, so that the loop does not complain about it."""
    if not asked.cancelled():
        asked.exception()
