"""Lists a whole tree with one find(1), where there is GNU's: ten times as fast as SFTP.

It is a short cut and nothing depends on it. Whatever is not as expected, one folder that cannot be
read included, and everything is listed folder by folder instead.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import asyncssh

from sshdash import processes
from sshdash.errors import SSHDashError
from sshdash.quoting import command_line
from sshdash.sftp.entries import Entry, Kind, is_plain_name, join
from sshdash.sftp.job import Endpoint
from sshdash.sftp.tasks import end

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

log = logging.getLogger(__name__)

_FORMAT = b"%y %s %T@ %l\\0%P\\0"
"""Kind, size, time and where a link leads; the path from the root."""
_FIELDS = 2
_MOST = 1_000_000
"""Entries that are kept until they are asked for; a larger tree is listed folder by folder."""
_LONGEST = 64 * 1024
"""Bytes of what is told of one entry: two paths of 4096 at most, and numbers."""
_MOST_BYTES = 256 * 1024 * 1024
"""Bytes of what is told of all of them: what nobody has would fill the memory."""
_READ = 64 * 1024
_PATIENCE = 20.0
"""Seconds without another word after which it is given up: something else answers, or hangs."""
_SECOND = 10**9
_SIZE, _TIME = 18, 11
"""Digits at most, of sizes and of seconds since the epoch: nothing counts with more."""
_KINDS = {
    b"f": Kind.FILE,
    b"d": Kind.DIRECTORY,
    b"l": Kind.SYMLINK,
    b"p": Kind.FIFO,
    b"s": Kind.SOCKET,
    b"c": Kind.DEVICE,
    b"b": Kind.DEVICE,
}

LeaseFor = Callable[[str, str], Awaitable["Lease"]]
"""Returns a lease on a host's connection for a purpose."""


Lines = dict[bytes, bytes]
"""What is in a folder: names, and what find says of each, which is read only where it matters."""


class TreeIndex:
    """What find told of a tree, by folder; what was taken is forgotten."""

    def __init__(self, most: int = _MOST, size: int = _MOST_BYTES) -> None:
        """It takes `most` entries of `size` bytes together."""
        self._most = most
        self._free = size
        self._folders: dict[bytes, Lines] = {b"": {}}
        self._rest = b""
        self.count = 0

    def __repr__(self) -> str:
        return f"<TreeIndex [{self.count} entries, {len(self._folders)} folders]>"

    def feed(self, data: bytes) -> None:
        """Take some output. Raises ValueError for a tree that is too large."""
        self._free -= len(data)
        fields = (self._rest + data).split(b"\0")
        whole = (len(fields) - 1) // _FIELDS * _FIELDS
        self._rest = b"\0".join(fields[whole:])
        folders = self._folders
        for about, path in zip(fields[0:whole:2], fields[1:whole:2], strict=True):
            folder, _, name = path.rpartition(b"/")
            if folder in folders:
                folders[folder][name] = about
            else:
                folders[folder] = {name: about}
            if about[:1] == b"d":
                folders.setdefault(path, {})
        self.count += whole // _FIELDS
        if len(self._rest) > _LONGEST:
            raise ValueError("a line without an end")
        if self.count > self._most or self._free < 0:
            raise ValueError("more entries than are kept")

    def finish(self) -> None:
        """Raise ValueError where the output ended in the middle of something."""
        if self._rest:
            raise ValueError("the output is not whole")

    def take(self, place: bytes) -> Lines | None:
        """Return what is in a folder, None where nothing is known of it."""
        return self._folders.pop(place, None)


def entries_of(lines: Lines) -> dict[bytes, Entry]:
    """Return lines as entries. Raises ValueError for what no find prints."""
    return {name: _entry(name, line) for name, line in lines.items() if is_plain_name(name)}


def is_alike(line: bytes, other: bytes) -> bool:
    """Return whether two lines tell of files of one size and second, or of the same links.

    Where not, the entries may still be alike.
    """
    if line[:1] == b"f":
        return line == other or line.partition(b".")[0] == other.partition(b".")[0]
    return line == other and line[:1] == b"l"


def _entry(name: bytes, line: bytes) -> Entry:
    kind, size, time, link = line.split(b" ", 3)
    seconds, _, fraction = time.partition(b".")
    if not size.isdigit() or len(size) > _SIZE or len(seconds) > _TIME:
        raise ValueError("a number that no file has")
    return Entry(
        name,
        _KINDS.get(kind, Kind.OTHER),
        int(size),
        mtime_ns=int(seconds) * _SECOND + int(fraction[:9].ljust(9, b"0")),
        target=link if kind == b"l" else None,
    )


async def index_tree(
    lease_for: LeaseFor, endpoint: Endpoint, root: bytes, seen: Callable[[int], None]
) -> TreeIndex | None:
    """Return the index of a tree, None where that cannot be had; `seen` hears of the progress."""
    try:
        if not endpoint:
            return await _local(root, seen)
        async with await lease_for(endpoint, "find") as lease:
            return await _remote(lease, root, seen)
    except (OSError, asyncssh.Error, SSHDashError, ValueError) as error:
        log.info("a tree is listed folder by folder: %s", error)
        return None


class _Output(Protocol):
    async def read(self, n: int, /) -> bytes: ...


async def _read(
    output: _Output, errors: _Output, index: TreeIndex, seen: Callable[[int], None]
) -> bytes:
    """Feed the index and return the beginning of what was complained of, as soon as anything is.

    Find waits for somebody to read all of its complaints, and tells nothing more meanwhile.
    """
    complaint = asyncio.ensure_future(errors.read(1))
    reading = asyncio.ensure_future(output.read(_READ))
    try:
        while True:
            waited_for = {reading} if complaint.done() else {reading, complaint}
            async with asyncio.timeout(_PATIENCE):
                await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if complaint.done() and complaint.result():
                return complaint.result()
            if not reading.done():
                continue
            if not (data := reading.result()):
                break
            index.feed(data)
            seen(index.count)
            reading = asyncio.ensure_future(output.read(_READ))
            await asyncio.sleep(0)  # a turn for everybody else
        index.finish()
        async with asyncio.timeout(_PATIENCE):
            return await complaint
    finally:
        await end((complaint, reading))


async def _local(root: bytes, seen: Callable[[int], None]) -> TreeIndex | None:
    process = await asyncio.create_subprocess_exec(
        "find",
        join(root, b""),
        *("-mindepth", "1", "-printf", _FORMAT),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert process.stdout
    assert process.stderr
    index = TreeIndex()
    try:
        complaint = await _read(process.stdout, process.stderr, index, seen)
        return index if not complaint and await process.wait() == 0 else None
    finally:
        await processes.end(process)


async def _remote(lease: "Lease", root: bytes, seen: Callable[[int], None]) -> TreeIndex | None:
    words = (b"find", join(root, b""), b"-mindepth", b"1", b"-printf", _FORMAT)
    start = partial(_start, command_line(words))
    process = await lease.session(start)
    index = TreeIndex()
    try:
        if await _read(process.stdout, process.stderr, index, seen):
            return None
        await process.wait_closed()
        return index if process.exit_status == 0 else None
    finally:
        process.close()


async def _start(
    command: bytes, ssh: asyncssh.SSHClientConnection
) -> "asyncssh.SSHClientProcess[bytes]":
    return await ssh.create_process(
        command,
        stdin=asyncssh.DEVNULL,
        encoding=None,
        env=(),
        send_env=(),
    )
