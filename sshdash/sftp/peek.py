"""Looks into one file, a part at a time, on a channel of its own.

Some files of a kernel never give a byte: nothing else may wait behind such a read.
"""

import asyncio

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem, Reader
from sshdash.sftp.tasks import together

_PATIENCE = 20.0
"""Seconds that one read may take."""


class Peek:
    """A regular file that is looked into. It owns the file system it was given."""

    def __init__(self, filesystem: Filesystem, path: bytes, entry: Entry, reader: Reader) -> None:
        self._filesystem = filesystem
        self._path = path
        self._reader = reader
        self.entry = entry

    @classmethod
    async def open(cls, filesystem: Filesystem, path: bytes) -> "Peek":
        """Open what `path` leads to. Raises FileError where it is not a regular file.

        The file system is closed with the peek, or at once where this fails.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                real = await filesystem.realpath(path)
                entry = await filesystem.lstat(real)
                if entry.kind is not Kind.FILE:
                    detail = f"not a regular file ({entry.kind.value})"
                    raise FileError("cannot read", shown(path), detail, host=filesystem.label)
                return cls(filesystem, path, entry, await filesystem.open_read(real))
        except TimeoutError:
            await filesystem.close()
            raise _silent(path, filesystem) from None
        except BaseException:
            await filesystem.close()
            raise

    async def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer at the end. Raises FileError."""
        data = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE):
                while len(data) < size:
                    pieces = await self._reader.read(offset + len(data), size - len(data))
                    if not pieces:
                        break
                    data += b"".join(pieces)
        except TimeoutError:
            raise _silent(self._path, self._filesystem) from None
        return bytes(data)

    async def close(self) -> None:
        """Give the file and its channel back; harmless when closed already."""
        # Together: where the program ends, there may be no time for one after the other.
        await together(self._reader.close(), self._filesystem.close())


def _silent(path: bytes, filesystem: Filesystem) -> FileError:
    text = f"nothing came within {_PATIENCE:.0f} seconds"
    return FileError("cannot read", shown(path), text, host=filesystem.label)
