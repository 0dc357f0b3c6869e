"""SFTP's requests, one method each. Paths, names and targets are bytes in both directions.

A method sends its request when it is called and returns what can be awaited, so requests made
one after the other reach the server in that order, whoever is awaited first.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from sshdash.sftp.answers import Answers, Asked, Value
from sshdash.sftp.filesystem import Buffer, Pieces
from sshdash.sftp.looks import STATVFS, Look
from sshdash.sftp.messages import (
    Attributes,
    Message,
    Name,
    ServerLimits,
    Volume,
    string,
    uint32,
    uint64,
)
from sshdash.sftp.wire import Answer, Wire

LSETSTAT = b"lsetstat@openssh.com"
USERS_GROUPS = b"users-groups-by-id@openssh.com"
_NO_ATTRIBUTES = Attributes().encode()
_LIMITS = b"limits@openssh.com"
_LOOKING = frozenset(
    {Message.STAT, Message.LSTAT, Message.REALPATH, Message.OPENDIR, Message.READDIR}
)
"""Requests that change nothing."""
FIRST = (
    (Message.REALPATH, string(b".")),
    (Message.EXTENDED, string(_LIMITS)),
)
"""What `Protocol.begin` needs to know, for a `Wire` to ask with its greeting."""


class HandleProtocol:
    """Requests for what is open, and for opening it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._answers = Answers(wire)
        self._ahead: dict[tuple[int, bytes], list[asyncio.Future[Answer]]] = {}
        """What was asked with the greeting and nobody wanted to know yet, by type and body."""

    def open_file(self, path: bytes, flags: int, mode: int | None = None) -> Asked[bytes]:
        """Open a file and return its handle."""
        attributes = _NO_ATTRIBUTES if mode is None else Attributes(mode=mode).encode()
        body = string(path) + uint32(flags) + attributes
        return self._ask(Message.OPEN, body, self._answers.handle)

    def open_directory(self, path: bytes) -> Asked[bytes]:
        """Open a directory for reading and return its handle."""
        return self._ask(Message.OPENDIR, string(path), self._answers.handle)

    def close_handle(self, handle: bytes) -> Asked[None]:
        """Close a file or directory."""
        return self._ask(Message.CLOSE, string(handle), self._answers.ok)

    def read(self, handle: bytes, offset: int, size: int) -> Asked[Pieces]:
        """Return the pieces of at most `size` bytes at `offset`, none at the end."""
        body = string(handle) + uint64(offset) + uint32(size)
        return self._ask(Message.READ, body, partial(self._answers.data, size=size))

    def write(self, handle: bytes, offset: int, pieces: Sequence[Buffer]) -> Asked[None]:
        """Write `pieces` one after the other, from `offset` on."""
        head = string(handle) + uint64(offset) + uint32(sum(map(len, pieces)))
        return Asked(self.wire.request(Message.WRITE, head, *pieces), self._answers.ok)

    def read_directory(self, handle: bytes) -> Asked[list[Name] | None]:
        """Return some more entries, None at the end."""
        return self._ask(Message.READDIR, string(handle), self._answers.names)

    def stat_handle(self, handle: bytes) -> Asked[Attributes]:
        """Return the attributes of an open file."""
        return self._ask(Message.FSTAT, string(handle), self._answers.attributes)

    def set_handle(self, handle: bytes, attributes: Attributes) -> Asked[None]:
        """Set attributes of an open file."""
        body = string(handle) + attributes.encode()
        return self._ask(Message.FSETSTAT, body, self._answers.ok)

    def fsync(self, handle: bytes) -> Asked[None]:
        """Make a file's content durable (fsync@openssh.com)."""
        return self._extended(b"fsync@openssh.com", string(handle), self._answers.ok)

    def copy_data(self, source: bytes, target: bytes, offset: int, size: int) -> Asked[None]:
        """Copy `size` bytes, never 0, between two handles, at the same place in both (copy-data).

        draft-ietf-secsh-filexfer-extensions-00, section 7.
        """
        from_where = string(source) + uint64(offset) + uint64(size)
        to_where = string(target) + uint64(offset)
        return self._extended(b"copy-data", from_where + to_where, self._answers.ok)

    def _ask(self, kind: int, body: bytes, read: Callable[[Answer], Value]) -> Asked[Value]:
        asked = self._asked_ahead(kind, body) if self._ahead else None
        return Asked(asked or self.wire.request(kind, body), read, self.wire.disregard)

    def _asked_ahead(self, kind: int, body: bytes) -> "asyncio.Future[Answer] | None":
        """Return what was asked ahead, for one who asks the same.

        The first who asks for more than a look ends that: he may change what the others see.
        """
        if found := self._ahead.pop((kind, body), None):
            answer, *rest = found
            if rest:
                self._ahead[kind, body] = rest
            return answer
        if kind not in _LOOKING:
            for unwanted in self._ahead.values():
                for one in unwanted:
                    self.wire.disregard(one)
            self._ahead.clear()
        return None

    def _extended(self, name: bytes, body: bytes, read: Callable[[Answer], Value]) -> Asked[Value]:
        return self._ask(Message.EXTENDED, string(name) + body, read)


class Protocol(HandleProtocol):
    """All requests, and what the server told of itself."""

    def __init__(self, wire: Wire, extensions: dict[bytes, bytes]) -> None:
        super().__init__(wire)
        self.extensions = extensions
        self.limits = ServerLimits(0, 0, 0, 0)
        version = wire.server_version
        self._links_reversed = "OpenSSH" in version or "paramiko" in version

    @classmethod
    async def begin(cls, wire: Wire, looks: Sequence[Look] = ()) -> "tuple[Protocol, bytes]":
        """Greet the server on a new channel and return it with the folder it starts in.

        `looks` are what the wire asks behind `FIRST`, as far as it asks anything ahead.
        Raises WireClosed where what answers does not speak SFTP; the channel is closed then.
        """
        try:
            protocol = cls(wire, await wire.greet())
            answers = protocol._answers
            first, limits, *ahead = wire.first or [wire.request(*one) for one in FIRST]
            if protocol.offers(_LIMITS):
                protocol.limits = await Asked(limits, answers.limits)
            home = await Asked(first, answers.one_name)
            for look, answer in zip(looks, ahead, strict=False):
                protocol._ahead.setdefault((look.kind, look.body(home)), []).append(answer)
            return protocol, home
        except BaseException:
            wire.close()
            raise

    def offers(self, extension: bytes) -> bool:
        """Return whether the server told of an extension."""
        return extension in self.extensions

    def stat(self, path: bytes) -> Asked[Attributes]:
        """Return the attributes of what `path` leads to."""
        return self._ask(Message.STAT, string(path), self._answers.attributes)

    def lstat(self, path: bytes) -> Asked[Attributes]:
        """Return the attributes of `path` itself."""
        return self._ask(Message.LSTAT, string(path), self._answers.attributes)

    def set_path(self, path: bytes, attributes: Attributes) -> Asked[None]:
        """Set attributes of what `path` leads to."""
        return self._ask(Message.SETSTAT, string(path) + attributes.encode(), self._answers.ok)

    def set_link(self, path: bytes, attributes: Attributes) -> Asked[None]:
        """Set attributes of `path` itself, be it a link (lsetstat@openssh.com)."""
        return self._extended(LSETSTAT, string(path) + attributes.encode(), self._answers.ok)

    def remove(self, path: bytes) -> Asked[None]:
        """Remove a file or link."""
        return self._ask(Message.REMOVE, string(path), self._answers.ok)

    def make_directory(self, path: bytes, mode: int) -> Asked[None]:
        """Make a directory."""
        body = string(path) + Attributes(mode=mode).encode()
        return self._ask(Message.MKDIR, body, self._answers.ok)

    def remove_directory(self, path: bytes) -> Asked[None]:
        """Remove an empty directory."""
        return self._ask(Message.RMDIR, string(path), self._answers.ok)

    def realpath(self, path: bytes) -> Asked[bytes]:
        """Return the canonical absolute path."""
        return self._ask(Message.REALPATH, string(path), self._answers.one_name)

    def expand_path(self, path: bytes) -> Asked[bytes]:
        """Return a path with ``~`` and ``~user`` resolved (expand-path@openssh.com)."""
        return self._extended(b"expand-path@openssh.com", string(path), self._answers.one_name)

    def readlink(self, path: bytes) -> Asked[bytes]:
        """Return where a link points."""
        return self._ask(Message.READLINK, string(path), self._answers.one_name)

    def symlink(self, target: bytes, path: bytes) -> Asked[None]:
        """Make a link. OpenSSH takes the arguments the other way round than the draft says."""
        first, second = (target, path) if self._links_reversed else (path, target)
        return self._ask(Message.SYMLINK, string(first) + string(second), self._answers.ok)

    def rename(self, old: bytes, new: bytes) -> Asked[None]:
        """Rename onto a name that must not exist."""
        return self._ask(Message.RENAME, string(old) + string(new), self._answers.ok)

    def posix_rename(self, old: bytes, new: bytes) -> Asked[None]:
        """Rename over whatever file is there (posix-rename@openssh.com)."""
        body = string(old) + string(new)
        return self._extended(b"posix-rename@openssh.com", body, self._answers.ok)

    def statvfs(self, path: bytes) -> Asked[Volume]:
        """Return the room on a file system (statvfs@openssh.com)."""
        return self._extended(STATVFS, string(path), self._answers.volume)

    def check_file(self, path: bytes, algorithm: bytes) -> Asked[tuple[bytes, bytes]]:
        """Return a hash of a whole file, and which it is (check-file, of later drafts)."""
        body = string(path) + string(algorithm) + uint64(0) + uint64(0) + uint32(0)
        return self._extended(b"check-file-name", body, self._answers.file_check)

    def hardlink(self, old: bytes, new: bytes) -> Asked[None]:
        """Give a file a second name (hardlink@openssh.com)."""
        body = string(old) + string(new)
        return self._extended(b"hardlink@openssh.com", body, self._answers.ok)

    def users_groups(
        self, uids: Sequence[int], gids: Sequence[int]
    ) -> Asked[tuple[list[str], list[str]]]:
        """Return the names of users and groups, empty where they have none (USERS_GROUPS)."""
        body = b"".join(string(b"".join(map(uint32, numbers))) for numbers in (uids, gids))
        read = partial(self._answers.owners, users=len(uids), groups=len(gids))
        return self._extended(USERS_GROUPS, body, read)
