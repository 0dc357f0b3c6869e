"""Copies between a file and a stream that goes by once: standard input and output."""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Awaitable, Callable

from sshdash.errors import FileError
from sshdash.sftp.changes import Changed, compare
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import irregular, shown
from sshdash.sftp.filesystem import HERE, Digest, Filesystem, Limits, Pieces, Reader
from sshdash.sftp.tasks import end
from sshdash.sftp.throttle import Pace

_CHUNK = 1024 * 1024
_WINDOW = 8 * 1024 * 1024
"""Bytes read ahead of a slow reader of what is poured out."""
_NEW = 0o666
"""The mode of a file whose source has none, before the umask."""


class Stream:
    """What is read once, from its start to its end, as a copy's source: one file of any size.

    `read` returns at most so many bytes, none at the end.
    """

    label = "standard input"
    is_local = True
    limits = Limits(chunk=_CHUNK, files=1)

    def __init__(self, read: Callable[[int], Awaitable[bytes]]) -> None:
        self._read = read
        self._begun = b""
        self._offset = 0
        self._hash = hashlib.sha256()
        self._entry = Entry(b"-", Kind.FILE, 0, _NEW, time.time_ns())

    async def lstat(self, path: bytes) -> Entry:
        """Return a file that claims to be empty, as a kernel's do."""
        return self._entry

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        """Return the beginning, which will be read again."""
        self._begun = self._begun or await self._read(_CHUNK)
        return ([self._begun[:size]] if self._begun else []), self._entry

    async def open_read(self, path: bytes) -> Reader:
        """Begin to read."""
        return self

    async def read(self, offset: int, size: int) -> Pieces:
        """Return what comes next; raises FileError where that is not at `offset`."""
        if offset != self._offset:
            raise FileError("cannot read again", self.label, "it has gone by")
        data, self._begun = self._begun or await self._read(size), b""
        self._offset += len(data)
        self._hash.update(data)
        return [data] if data else []

    async def extents(self, size: int) -> list[tuple[int, int]]:
        """Return all of it."""
        return [(0, size)]

    async def stat(self) -> Entry:
        """Return the same as ever."""
        return self._entry

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Return the digest of what went by."""
        return Digest(self._hash.digest(), HERE)

    async def close(self) -> None:
        """Do nothing: whoever gave it ends it."""


async def pour(
    files: Filesystem,
    path: bytes,
    write: Callable[[bytes], Awaitable[None]],
    pace: Pace,
    verify: bool = False,
) -> tuple[Digest | None, str]:
    """Write a file's content out in order, reading no further ahead than a window.

    Return how its checksum was found where it is to `verify`, and a complaint where the file grew
    meanwhile: then what it was is out. Raises FileError, also where the file changed otherwise,
    and what `write` raises: then part of it is out already.
    """
    if files.is_local:
        path = await files.realpath(path)
    entry = await files.stat(path)
    host = "" if files.is_local else files.label
    if entry.kind is not Kind.FILE:
        raise irregular(path, entry.kind, host)
    reader = await files.open_read(path)
    digest = hashlib.sha256()
    try:
        before = await reader.stat()
        size = await _pour_all(reader, before.size, files.limits.chunk, write, pace, digest)
        grew = compare(before, await reader.stat(), size, may_grow=True)
    except Changed:
        hint = "what was written out is not a whole file: begin again"
        raise FileError("source changed while copied", shown(path), "", hint, host) from None
    finally:
        await reader.close()
    if grew or not verify or not entry.size:
        return None, grew
    found = await files.sha256(path, size)
    if found.value != digest.digest():
        found = await files.sha256(path, size, reading=True)
    if found.value != digest.digest():
        hint = "what was written out is not the file: begin again"
        raise FileError("the checksums differ", shown(path), f"by {found.by}", hint, host)
    return found, ""


async def _pour_all(
    reader: Reader,
    claimed: int,
    chunk: int,
    write: Callable[[bytes], Awaitable[None]],
    pace: Pace,
    digest: "hashlib._Hash",
) -> int:
    """Write out what a file claims to hold, all there is where that is nothing; return how much."""
    ahead: deque[asyncio.Task[bytes]] = deque()
    sizes: deque[int] = deque()
    asked = done = 0
    try:
        while True:
            while len(ahead) < max(2, _WINDOW // chunk):
                size = pace.most(chunk)
                if claimed:
                    size = min(size, claimed - asked)
                    if not size:
                        break
                await pace.take(size)
                ahead.append(asyncio.ensure_future(_whole(reader, asked, size)))
                sizes.append(size)
                asked += size
            if not ahead:
                return done
            data = await ahead.popleft()
            if data:
                digest.update(data)
                await write(data)
                done += len(data)
            if len(data) < sizes.popleft():
                return done
    finally:
        await end(ahead)


async def _whole(reader: Reader, offset: int, size: int) -> bytes:
    """Return `size` bytes from `offset`, fewer only at the end."""
    data = bytearray()
    while len(data) < size and (pieces := await reader.read(offset + len(data), size - len(data))):
        data += b"".join(pieces)
    return bytes(data)
