"""Open files of this machine: what may wait for a disk is done in threads."""

import os
from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from sshdash.errors import FileError
from sshdash.sftp import local_calls as calls
from sshdash.sftp import local_content as content
from sshdash.sftp.early import EarlySync
from sshdash.sftp.entries import Entry
from sshdash.sftp.filesystem import Buffer, Finish, Finished, Pieces, Reader
from sshdash.sftp.threads import Threads

_AT_ONCE = 256 * 1024
"""Bytes that take less time to copy from memory than to have a thread do it."""


class LocalReader:
    """A local file open for reading."""

    def __init__(self, threads: Threads, path: bytes, descriptor: int) -> None:
        self._threads = threads
        self._path = path
        self._descriptor = descriptor

    @property
    def descriptor(self) -> int:
        """The system's number for the open file."""
        return self._descriptor

    async def read(self, offset: int, size: int) -> Pieces:
        """Return at most `size` bytes from `offset`; fewer may come, none at the end."""
        if size <= _AT_ONCE:
            cached = content.cached(self._descriptor, size, offset)
            if cached is not None:
                return [cached] if cached else []
        data = await self._threads.run(
            "read", self._path, partial(os.pread, self._descriptor, size, offset)
        )
        return [data] if data else []

    async def extents(self, size: int) -> list[tuple[int, int]]:
        """Return where there is data among the first `size` bytes."""
        look = partial(content.extents, self._descriptor, size)
        return await self._threads.run("read", self._path, look)

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now."""
        result = await self._threads.run("stat", self._path, partial(os.fstat, self._descriptor))
        return calls.entry(b"", result)

    async def close(self) -> None:
        """Close it; harmless when closed already."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            await self._threads.run("close", self._path, partial(os.close, descriptor))


class LocalWriter:
    """A new local file open for writing; what is `begun` may hold other bytes than zeros."""

    def __init__(self, threads: Threads, path: bytes, descriptor: int, begun: bool = False) -> None:
        self._threads = threads
        self._path = path
        self._descriptor = descriptor
        self._early = EarlySync(self._sync)
        self._error: FileError | None = None
        self._write = content.write if begun else content.write_sparse
        self._end = 0

    async def write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        """Write all of `pieces`, one after the other, from `offset` on; long zeros as holes."""
        self._end = max(self._end, offset + sum(map(len, pieces)))
        write = partial(self._write, self._descriptor, offset, pieces)
        await self._threads.run("write", self._path, write)
        self._early.wrote()

    async def widen(self, size: int) -> int:
        """Return that there is one way."""
        return 1

    async def copy_from(self, reader: Reader, offset: int, size: int) -> int:
        """Have the kernel copy at most `size` bytes, or share them where the file system can."""
        assert isinstance(reader, LocalReader)
        files = reader.descriptor, self._descriptor
        copy = partial(content.copy_range, *files, offset, size)
        copied = await self._threads.run("write", self._path, copy)
        self._early.wrote()
        return copied

    async def store(self, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        """Write `pieces` from the start and finish."""
        await self.write(0, pieces)
        return await self.finish(finish)

    async def finish(self, finish: Finish) -> Finished:
        """Set attributes, make it durable and close it."""
        await self._early.stop()
        if self._error is not None:
            raise self._error
        descriptor, self._descriptor = self._descriptor, -1
        finish = replace(finish, size=max(finish.size or 0, self._end))
        return await self._threads.run(
            "write", self._path, partial(calls.finish_file, descriptor, finish)
        )

    async def close(self) -> None:
        """Close it without finishing; harmless when closed already."""
        await self._early.stop()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            await self._threads.run("close", self._path, partial(os.close, descriptor))

    async def _sync(self) -> None:
        try:
            await self._threads.run("write", self._path, partial(calls.sync, self._descriptor))
        except FileError as error:
            self._error = error  # the system tells a failed write only once
            raise
