"""The SHA-256 of a file of a host: by its SFTP server, by a command there, or by reading it back.

The path is in a script that only a POSIX shell reads, in quotes that take every byte.
"""

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Awaitable, Callable

import asyncssh

from sshdash.connections.script import run_script
from sshdash.errors import FileError, SSHDashError
from sshdash.quoting import command_line
from sshdash.sftp.filesystem import READ, Digest, Pieces
from sshdash.sftp.handles import RemoteReader, Session
from sshdash.sftp.tasks import end

_SMALL = 1024 * 1024
"""Up to here reading a file back takes less than starting a command."""
_OUTPUT_MAX = 4096
_COMMANDS = 2
"""Commands that run at the same time: servers allow ten sessions, and copies use some."""
_PATIENCE = 60.0
_SLOWEST = 10_000_000
"""Seconds that a command may take, and what it may take per byte besides."""
_AHEAD = 4
"""Reads that are under way while others are hashed."""
_CHUNK = 1024 * 1024
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_SCRIPT = b"""\
LC_ALL=C; export LC_ALL
f=%b
[ -r "$f" ] || { echo unreadable; exit; }
if command -v sha256sum >/dev/null 2>&1; then sha256sum <"$f" && echo by sha256sum
elif command -v shasum >/dev/null 2>&1; then shasum -a 256 <"$f" && echo by shasum
elif command -v sha256 >/dev/null 2>&1; then sha256 -q <"$f" && echo by sha256
elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha256 <"$f" && echo by openssl
fi
"""
_UNREADABLE = b"unreadable"
"""What the script says of a file that a command cannot open; others may well be hashed."""
_BY = re.compile(rb"^by ([a-z0-9]+)$", re.MULTILINE)


class RemoteDigests:
    """Computes digests on one host; what does not work there is not tried again."""

    def __init__(
        self, session: Session, open_read: Callable[[bytes], Awaitable[RemoteReader]]
    ) -> None:
        self._session = session
        self._open_read = open_read
        self._turns = asyncio.Semaphore(_COMMANDS)
        self._has_command = True
        offers = session.protocol.offers
        self._has_extension = offers(b"check-file-name") or offers(b"check-file")

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Return the digest of a file of about `size` bytes; `reading` takes no other's word."""
        if not reading and self._has_extension and (found := await self._told(path)):
            return Digest(found, "check-file")
        if not reading and self._has_command and size > _SMALL:
            async with self._turns:
                if found_by := await self._run(path, size):
                    return found_by
        found = await self._read_small(path, size) if size <= _SMALL else None
        return Digest(found or await self._read_back(path), READ)

    async def _told(self, path: bytes) -> bytes | None:
        """Return what the SFTP server says, None where it says nothing that is a digest."""
        try:
            asked = self._session.protocol.check_file(path, b"sha256")
            name, found = await self._session.call("hash", path, asked)
        except FileError:
            return None
        return found if name == b"sha256" and len(found) == hashlib.sha256().digest_size else None

    async def _run(self, path: bytes, size: int) -> Digest | None:
        """Return what a command says, None where none does."""
        script = _SCRIPT % command_line((path,))
        try:
            async with asyncio.timeout(_PATIENCE + size / _SLOWEST):
                output = await run_script(self._session.lease, script, _OUTPUT_MAX)
        except (TimeoutError, OSError, asyncssh.Error):
            output = b""
        except SSHDashError:
            output = b""  # where the connection is gone, reading says so
        digest, by = _DIGEST.search(output), _BY.search(output)
        if digest and by:
            return Digest(bytes.fromhex(digest[0].decode()), by[1].decode())
        self._has_command = output.split()[-1:] == [_UNREADABLE]
        return None

    async def _read_small(self, path: bytes, size: int) -> bytes | None:
        """Return the digest of a file of that very size: two round trips; None for any other."""
        pieces, after = await (await self._open_read(path)).fetch(size + 1)
        if not sum(map(len, pieces)) == after.size == size:
            return None
        return hashlib.sha256(b"".join(pieces)).digest()

    async def _read_back(self, path: bytes) -> bytes:
        reader = await self._open_read(path)
        digest = hashlib.sha256()
        ahead: deque[asyncio.Task[Pieces]] = deque()
        offset = 0
        try:
            while True:
                while len(ahead) < _AHEAD:
                    start = offset + len(ahead) * _CHUNK
                    ahead.append(asyncio.ensure_future(reader.read(start, _CHUNK)))
                pieces = await ahead.popleft()
                for piece in pieces:
                    digest.update(piece)
                    await asyncio.sleep(0)  # a turn for everybody else
                got = sum(map(len, pieces))
                offset += got
                if got < _CHUNK:
                    await end(ahead)
                    ahead.clear()
                    if not got:
                        return digest.digest()
        finally:
            await end(ahead)
            await reader.close()
