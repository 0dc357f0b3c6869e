"""What the browser and the copier need from a file system, here or on a host.

Paths are absolute, bytes, joined by ``/``. Every failure is an `SSHDashError` (`FileError`
for a path, `ConnectionLost` for the whole file system) with cleaned text.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from msgspec import Struct

from sshdash.sftp.entries import Entry

Buffer = bytes | memoryview
Pieces = list[Buffer]
"""Data in the parts it came in, one after the other."""


Owner = tuple[int, int]
"""User and group, by their numbers."""


class Space(Struct, frozen=True):
    """The room on a file system for a user without privileges; sizes in bytes."""

    total: int
    free: int
    free_files: int | None = None
    """How many more files there may be, None where the file system sets no bound."""
    read_only: bool = False


class Limits(Struct, frozen=True):
    """What one call may carry, and how much may be under way."""

    chunk: int
    """Bytes that one `Reader.read` or `Writer.write` moves best."""
    files: int
    """Files that may be open at the same time."""
    in_order: bool = False
    """Whether what is asked first is done first, though nobody waited for it."""


class Finish(Struct, frozen=True, gc=False):
    """What to do with a written file before it is closed."""

    mode: int | None = None
    """Permission bits to set, None leaves it to its owner alone."""
    mtime_ns: int | None = None
    durable: bool = True
    """Whether the content must be on the disk, where the system can promise that."""
    size: int | None = None
    """How long it must be, where its end was a hole and not written."""
    owner: tuple[int, int] | None = None
    """User and group, as numbers."""
    cut: bool = False
    """Whether it is cut to that size, where it was longer before."""

    @property
    def attributes(self) -> str:
        """What is set, in words."""
        return "mode or time" if self.owner is None else "owner, mode or time"


class Finished(Struct, frozen=True, gc=False):
    """What became of a written file."""

    size: int
    """Bytes, as the system says after the last write."""
    complaint: str = ""
    """Which attribute could not be set and why, cleaned; empty where all were."""


HERE, READ = "here", "reading it back"


class Digest(Struct, frozen=True):
    """The SHA-256 of a file's content, and how it was found."""

    value: bytes
    by: str
    """``here``, ``check-file``, the name of a command, or ``reading it back``."""

    @property
    def was_read(self) -> bool:
        """Whether we hashed what we read ourselves, rather than take a host's word."""
        return self.by in (HERE, READ)


class Reader(Protocol):
    """A file open for reading."""

    async def read(self, offset: int, size: int) -> Pieces:
        """Return at most `size` bytes from `offset`; fewer may come, none at the end."""
        ...

    async def extents(self, size: int) -> list[tuple[int, int]]:
        """Return where there is data among the first `size` bytes: from and to, in order."""
        ...

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now (the name is empty)."""
        ...

    async def close(self) -> None:
        """Close it; harmless when closed already."""
        ...


class Writer(Protocol):
    """A new file open for writing."""

    async def write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        """Write all of `pieces`, one after the other, from `offset` on."""
        ...

    async def widen(self, size: int) -> int:
        """Return how many ways `size` bytes are spread over, more than one over a long line."""
        ...

    async def copy_from(self, reader: Reader, offset: int, size: int) -> int:
        """Have at most `size` bytes at `offset` copied where both files are.

        Only for a reader of a file system that this one `copies_from`. Returns how many bytes
        were copied, 0 where the content ends. Raises FileError where that cannot be done.
        """
        ...

    async def store(self, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        """Write `pieces` from the start and finish."""
        ...

    async def finish(self, finish: Finish) -> Finished:
        """Set attributes, make it durable and close it.

        Raises what a late write failure says.
        """
        ...

    async def close(self) -> None:
        """Close it without finishing; harmless when closed already."""
        ...


class CopySource(Protocol):
    """What files are copied from: a file system, or a stream."""

    @property
    def label(self) -> str:
        """The host as the user names it, or what else it is."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        ...

    @property
    def limits(self) -> Limits:
        """What may be asked at once."""
        ...

    async def lstat(self, path: bytes) -> Entry:
        """Return what `path` itself is."""
        ...

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        """Return at most `size` first bytes of a file and its attributes after the reading."""
        ...

    async def open_read(self, path: bytes) -> Reader:
        """Open a file whose `lstat` said it is regular."""
        ...

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Return the SHA-256 of a file of about `size` bytes."""
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

    def copies_from(self, source: CopySource) -> bool:
        """Return whether its writers can copy from the readers of `source` by themselves."""
        ...

    def home(self) -> bytes:
        """Return where browsing starts and relative paths begin."""
        ...

    async def expand(self, path: bytes) -> bytes:
        """Return a path as a person writes it, absolute and normalized, ``..`` behind links too.

        Relative ones begin in the working directory here, in the home folder on a host, where
        ``~`` and ``~user`` are understood too.
        """
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
        """Return all entries of a directory, in the system's order, unsafe names left out."""
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
        """Rename, refusing a `new` that exists (ExistsError where the system says so)."""
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

    async def set_attributes(
        self,
        path: bytes,
        mode: int | None,
        mtime_ns: int | None,
        owner: tuple[int, int] | None = None,
    ) -> None:
        """Set what is given of permission bits, modification time and owner (as numbers)."""
        ...

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        """Set access and modification time of what `path` leads to."""
        ...

    async def set_own_time(self, path: bytes, mtime_ns: int) -> None:
        """Set access and modification time of what has a path itself, a link or a folder.

        Raises FileError, UnsupportedError where a link's cannot be set.
        """
        ...

    async def chown(self, path: bytes, uid: int, gid: int) -> None:
        """Give what `path` leads to another owner and group, by their numbers."""
        ...

    async def set_itself(self, path: bytes, mode: int | None, owner: Owner | None = None) -> None:
        """Set mode and owner, where given, of what has a path itself.

        Raises FileError for a link.
        """
        ...

    async def describe(self, path: bytes) -> Entry:
        """Return all that can be told of `path` itself, its owners by name where they have one."""
        ...

    async def umask(self, directory: bytes) -> int:
        """Return the permission bits that new files in `directory` do not get."""
        ...

    async def read_head(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` first bytes of a regular file."""
        ...

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        """Return at most `size` first bytes of a file and its attributes after the reading.

        For small files, whose `lstat` said they are regular: it costs the fewest round trips.
        """
        ...

    async def store(self, path: bytes, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        """Create a file as `open_write` does, with this content, and finish it."""
        ...

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Return the SHA-256 of a file of about `size` bytes, by the fastest way there is.

        With `reading`, from its content as it comes from there, whatever else is offered.
        """
        ...

    async def hardlink(self, old: bytes, new: bytes) -> None:
        """Give the file `old` a second name; UnsupportedError where there is no such thing."""
        ...

    async def open_read(self, path: bytes) -> Reader:
        """Open a file whose `lstat` said it is regular."""
        ...

    async def open_write(self, path: bytes) -> Writer:
        """Create a file that must not exist yet, readable by its owner alone (0600)."""
        ...

    async def open_again(self, path: bytes) -> Writer:
        """Open a file that `open_write` created and nobody finished, with what is in it."""
        ...

    async def close(self) -> None:
        """Give back the channel and the connection; harmless when closed already."""
        ...
