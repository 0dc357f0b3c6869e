"""What the browser and the copier need from a file system, here or on a host.

Paths are absolute, bytes, joined by ``/``. Every failure is an `SSHDashError` (`FileError`
for a path, `ConnectionLost` for the whole file system) with cleaned text.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from sshdash.sftp.entries import Entry


@dataclass(frozen=True, slots=True)
class Space:
    """The room on a file system, in bytes, for a user without privileges."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may carry, and how much may be under way."""

    read_size: int
    """Bytes one read may ask for."""
    write_size: int
    """Bytes one write may carry."""
    requests: int
    """Requests in flight for one file."""
    files: int
    """Files open at the same time."""


class Reader(Protocol):
    """A file open for reading."""

    async def read(self, offset: int, size: int) -> bytes:
        """Return at most `size` bytes from `offset`; fewer may come, none at the end."""
        ...

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now (the name is empty)."""
        ...

    async def close(self) -> None:
        """Close it; harmless when closed already."""
        ...


class Writer(Protocol):
    """A new file open for writing."""

    async def write(self, offset: int, data: bytes) -> None:
        """Write all of `data` at `offset`."""
        ...

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now (the name is empty)."""
        ...

    async def set_attributes(self, mode: int | None, mtime_ns: int | None) -> None:
        """Set permission bits and modification time, each where given."""
        ...

    async def sync(self) -> None:
        """Make the content durable where the system offers that, else return at once."""
        ...

    async def close(self) -> None:
        """Close it, raising what a late write failure says; harmless when closed already."""
        ...


class Filesystem(Protocol):
    """Files on this machine or on a host."""

    @property
    def label(self) -> str:
        """The host as the user names it, or ``local``."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine."""
        ...

    @property
    def limits(self) -> Limits:
        """What may be asked at once."""
        ...

    def home(self) -> bytes:
        """Return where browsing starts and relative paths begin."""
        ...

    def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        """Yield the directory's entries in batches, without ``.`` and ``..``.

        Names that would mean something elsewhere, and second entries of the same name, are
        left out, and put into `refused` where given.
        """
        ...

    async def listdir(self, path: bytes) -> list[Entry]:
        """Return all entries of a directory, in the system's order."""
        ...

    async def resolve_links(self, path: bytes, entries: list[Entry]) -> list[Entry]:
        """Return `entries` of the directory `path` with link targets filled in."""
        ...

    async def stat(self, path: bytes) -> Entry:
        """Return what `path` leads to, links followed."""
        ...

    async def lstat(self, path: bytes) -> Entry:
        """Return what `path` itself is."""
        ...

    async def exists(self, path: bytes) -> Entry | None:
        """Return what `path` itself is, None where there is nothing."""
        ...

    async def realpath(self, path: bytes) -> bytes:
        """Return `path` absolute and without links."""
        ...

    async def readlink(self, path: bytes) -> bytes:
        """Return where a symbolic link points."""
        ...

    async def statvfs(self, path: bytes) -> Space | None:
        """Return the room on the file system that holds `path`, None where not told."""
        ...

    async def mkdir(self, path: bytes, mode: int = 0o777) -> None:
        """Make one directory; `mode` is reduced by the umask."""
        ...

    async def symlink(self, target: bytes, path: bytes) -> None:
        """Make the symbolic link `path` that points to `target`."""
        ...

    async def rename(self, old: bytes, new: bytes) -> None:
        """Rename, refusing a `new` that exists."""
        ...

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename onto `new`, which stays whole until the moment it is replaced."""
        ...

    async def unlink(self, path: bytes) -> None:
        """Remove one file or link (the link, never what it points to)."""
        ...

    async def rmdir(self, path: bytes) -> None:
        """Remove one empty directory."""
        ...

    async def chmod(self, path: bytes, mode: int) -> None:
        """Set the permission bits of what `path` leads to."""
        ...

    async def set_times(self, path: bytes, mtime_ns: int) -> None:
        """Set the modification time of what `path` leads to."""
        ...

    async def read_head(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` first bytes of a regular file."""
        ...

    async def open_read(self, path: bytes) -> Reader:
        """Open a file whose `lstat` said it is regular."""
        ...

    async def open_write(self, path: bytes) -> Writer:
        """Create a file that must not exist yet, readable by its owner alone (0600)."""
        ...

    async def close(self) -> None:
        """Give back the channel and the connection; harmless when closed already."""
        ...
