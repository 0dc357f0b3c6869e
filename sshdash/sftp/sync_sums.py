"""What stands for the content of files when they are compared: SHA-256."""

import asyncio
import hashlib
from collections.abc import Sequence

from sshdash.errors import FileError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.tasks import each

_WIDTH = 8
"""Files that are read at the same time."""
_CHUNK = 1024 * 1024


async def digests(filesystem: Filesystem, paths: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the digest of each file by its path; those that cannot be read are missing."""
    found: dict[bytes, bytes] = {}

    async def read(path: bytes) -> None:
        try:
            found[path] = await _digest(filesystem, path)
        except FileError:
            return  # it is missing in what is returned

    await each(paths, min(_WIDTH, len(paths)), read)
    return found


async def _digest(filesystem: Filesystem, path: bytes) -> bytes:
    """Return the digest of one file, read to its end."""
    digest = hashlib.sha256()
    reader = await filesystem.open_read(path)
    try:
        offset = 0
        while pieces := await reader.read(offset, _CHUNK):
            for piece in pieces:
                await asyncio.to_thread(digest.update, piece)
                offset += len(piece)
    finally:
        await reader.close()
    return digest.digest()
