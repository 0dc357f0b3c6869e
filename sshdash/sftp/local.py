"""Files of this machine. Every call that may wait for a disk runs in a thread."""

import errno
import grp
import os
import pwd
import stat as modes
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice

from sshdash.paths import home
from sshdash.sftp.entries import Entry, Kind, join, kind_of, name_of, normalize
from sshdash.sftp.failures import failure
from sshdash.sftp.filesystem import Buffer, Finish, Finished, Limits, Pieces, Space
from sshdash.sftp.threads import Threads

_BATCH = 500
"""Entries handed on at once while a directory is read."""
_CHUNK = 1024 * 1024
_OPEN_FILES = 64
_IOV = 512
"""Pieces for one gathering write, safely below every system's limit."""
_NO_FOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC


class LocalReader:
    """A local file open for reading."""

    def __init__(self, threads: Threads, path: bytes, descriptor: int) -> None:
        self._threads = threads
        self._path = path
        self._descriptor = descriptor

    async def read(self, offset: int, size: int) -> Pieces:
        """Return at most `size` bytes from `offset`; fewer may come, none at the end."""
        data = await self._threads.run(
            "read", self._path, partial(os.pread, self._descriptor, size, offset)
        )
        return [data] if data else []

    async def stat(self) -> Entry:
        """Return the open file's attributes as they are now."""
        result = await self._threads.run("stat", self._path, partial(os.fstat, self._descriptor))
        return _entry(b"", result)

    async def close(self) -> None:
        """Close it; harmless when closed already."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            await self._threads.run("close", self._path, partial(os.close, descriptor))


class LocalWriter:
    """A new local file open for writing."""

    def __init__(self, threads: Threads, path: bytes, descriptor: int) -> None:
        self._threads = threads
        self._path = path
        self._descriptor = descriptor

    async def write(self, offset: int, pieces: Sequence[Buffer]) -> None:
        """Write all of `pieces`, one after the other, from `offset` on."""
        write = partial(_write, self._descriptor, offset, pieces)
        await self._threads.run("write", self._path, write)

    async def finish(self, finish: Finish) -> Finished:
        """Set attributes, make it durable and close it."""
        descriptor, self._descriptor = self._descriptor, -1
        return await self._threads.run("write", self._path, partial(_finish, descriptor, finish))

    async def close(self) -> None:
        """Close it without finishing; harmless when closed already."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            await self._threads.run("close", self._path, partial(os.close, descriptor))


class LocalFilesystem:
    """This machine's files, with the rights of whoever runs sshdash."""

    label = "local"
    is_local = True
    limits = Limits(chunk=_CHUNK, files=_OPEN_FILES)

    def __init__(self) -> None:
        self._threads = Threads()

    def __repr__(self) -> str:
        return "<LocalFilesystem>"

    def home(self) -> bytes:
        """Return the user's home folder."""
        return os.fsencode(home())

    async def expand(self, path: bytes) -> bytes:
        """Return a path as a person writes it, absolute and normalized."""
        return normalize(join(os.getcwdb(), path) if not path.startswith(b"/") else path)

    async def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        """Yield the directory's entries in batches; the kernel gives no name to refuse."""
        listing = await self._threads.run("list", path, partial(_listing, path), _close_listing)
        try:
            while batch := await self._threads.run("list", path, partial(_batch, listing)):
                yield [entry for entry in batch if entry]
        finally:
            listing.close()

    async def listdir(self, path: bytes) -> list[Entry]:
        """Return all entries of a directory, in the system's order."""
        return [entry async for batch in self.scandir(path) for entry in batch]

    async def resolve_links(self, path: bytes, entries: list[Entry]) -> list[Entry]:
        """Return `entries` of the directory `path` with link targets filled in."""
        if all(entry.kind is not Kind.SYMLINK for entry in entries):
            return entries
        return await self._threads.run("list", path, partial(_resolved, path, entries))

    async def stat(self, path: bytes) -> Entry:
        """Return what `path` leads to, links followed."""
        return _entry(name_of(path), await self._threads.run("stat", path, partial(os.stat, path)))

    async def lstat(self, path: bytes) -> Entry:
        """Return what `path` itself is."""
        result = await self._threads.run("stat", path, partial(os.lstat, path))
        return _entry(name_of(path), result)

    async def exists(self, path: bytes) -> Entry | None:
        """Return what `path` itself is, None where there is nothing."""
        result = await self._threads.run("stat", path, partial(_lstat_if_there, path))
        return _entry(name_of(path), result) if result else None

    async def realpath(self, path: bytes) -> bytes:
        """Return `path` absolute and without links."""
        real = partial(os.path.realpath, path, strict=True)
        return await self._threads.run("resolve", path, real)

    async def readlink(self, path: bytes) -> bytes:
        """Return where a symbolic link points."""
        return await self._threads.run("read the link", path, partial(os.readlink, path))

    async def statvfs(self, path: bytes) -> Space | None:
        """Return the room on the file system that holds `path`."""
        result = await self._threads.run("stat", path, partial(os.statvfs, path))
        return Space(result.f_blocks * result.f_frsize, result.f_bavail * result.f_frsize)

    async def mkdir(self, path: bytes, mode: int = 0o777) -> None:
        """Make one directory; `mode` is reduced by the umask."""
        await self._threads.run("make the directory", path, partial(os.mkdir, path, mode))

    async def symlink(self, target: bytes, path: bytes) -> None:
        """Make the symbolic link `path` that points to `target`."""
        await self._threads.run("make the link", path, partial(os.symlink, target, path))

    async def rename(self, old: bytes, new: bytes) -> None:
        """Rename, refusing a `new` that exists."""
        await self._threads.run("rename", old, partial(_rename, old, new))

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename onto `new`, atomically."""
        await self._threads.run("put in place", new, partial(os.replace, old, new))

    async def unlink(self, path: bytes) -> None:
        """Remove one file or link."""
        await self._threads.run("remove", path, partial(os.unlink, path))

    async def rmdir(self, path: bytes) -> None:
        """Remove one empty directory."""
        await self._threads.run("remove", path, partial(os.rmdir, path))

    async def chmod(self, path: bytes, mode: int) -> None:
        """Set the permission bits of what `path` leads to."""
        await self._threads.run("change the mode", path, partial(os.chmod, path, mode))

    async def set_times(self, path: bytes, mtime_ns: int) -> None:
        """Set the modification time of what `path` leads to."""
        times = (mtime_ns, mtime_ns)
        await self._threads.run("set the time", path, partial(os.utime, path, ns=times))

    async def umask(self, directory: bytes) -> int:
        """Return the bits that new files do not get."""
        return await self._threads.run("read the umask", directory, _umask)

    async def read_head(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` first bytes of a regular file."""
        return await self._threads.run("read", path, partial(_head, path, limit))

    async def open_read(self, path: bytes) -> LocalReader:
        """Open a regular file; anything else, a link too, raises FileError."""
        descriptor = await self._threads.run("read", path, lambda: _open_regular(path), os.close)
        return LocalReader(self._threads, path, descriptor)

    async def open_write(self, path: bytes) -> LocalWriter:
        """Create a file that must not exist yet, readable by its owner alone (0600)."""

        def undo(descriptor: int) -> None:
            os.close(descriptor)
            os.unlink(path)

        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
        create = partial(os.open, path, flags, 0o600)
        descriptor = await self._threads.run("create", path, create, undo)
        return LocalWriter(self._threads, path, descriptor)

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.close()


# -- what runs in a thread


def _batch(listing: Iterator[os.DirEntry[bytes]]) -> list[Entry | None]:
    return [_scanned(item) for item in islice(listing, _BATCH)]


def _scanned(item: os.DirEntry[bytes]) -> Entry | None:
    try:
        return _entry(item.name, item.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None  # it went away between the listing and the look at it


def _listing(path: bytes) -> "os._ScandirIterator[bytes]":
    return os.scandir(path)


def _close_listing(listing: "os._ScandirIterator[bytes]") -> None:
    listing.close()


def _entry(name: bytes, result: os.stat_result) -> Entry:
    return Entry(
        name,
        kind_of(result.st_mode),
        result.st_size,
        modes.S_IMODE(result.st_mode),
        result.st_mtime_ns,
        result.st_uid,
        result.st_gid,
        _user(result.st_uid),
        _group(result.st_gid),
    )


def _resolved(folder: bytes, entries: list[Entry]) -> list[Entry]:
    return [_with_target(folder, e) if e.kind is Kind.SYMLINK else e for e in entries]


def _with_target(folder: bytes, entry: Entry) -> Entry:
    path = join(folder, entry.name)
    target: bytes | None = None
    kind: Kind | None = None
    try:
        target = os.readlink(path)
        kind = kind_of(os.stat(path).st_mode)
    except OSError:
        pass  # it dangles, or may not be looked at: that is what None says
    return replace(entry, target=target, target_kind=kind)


def _lstat_if_there(path: bytes) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _open_regular(path: bytes) -> int:
    # Without O_NONBLOCK a FIFO put in the file's place would hold the thread for good.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _NO_FOLLOW)
    try:
        mode = os.fstat(descriptor).st_mode
        if not modes.S_ISREG(mode):
            raise failure("read", path, 0, text=f"not a regular file ({kind_of(mode).value})")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _head(path: bytes, limit: int) -> bytes:
    descriptor = _open_regular(os.path.realpath(path))
    try:
        parts: list[bytes] = []
        missing = limit
        while missing and (part := os.read(descriptor, missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _write(descriptor: int, offset: int, pieces: Sequence[Buffer]) -> None:
    todo = [memoryview(piece) for piece in pieces]
    while todo:
        written = os.pwritev(descriptor, todo[:_IOV], offset)
        offset += written
        while todo and written >= len(todo[0]):
            written -= len(todo.pop(0))
        if written:
            todo[0] = todo[0][written:]


def _finish(descriptor: int, finish: Finish) -> Finished:
    complaint = ""
    try:
        if finish.durable:
            _sync(descriptor)
        try:
            if finish.mode is not None:
                os.fchmod(descriptor, finish.mode)
            if finish.mtime_ns is not None:
                os.utime(descriptor, ns=(finish.mtime_ns, finish.mtime_ns))
        except (OSError, OverflowError) as error:
            complaint = f"mode or time not set: {getattr(error, 'strerror', None) or error}"
        size = os.fstat(descriptor).st_size
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return Finished(size, complaint)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system without it
            raise


def _rename(old: bytes, new: bytes) -> None:
    """Rename without ever replacing: a hard link is the one atomic way to claim a free name."""
    try:
        os.link(old, new, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a directory, or a file system without hard links
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
        os.rename(old, new)
    else:
        os.unlink(old)


def _umask() -> int:
    # There is no way to only ask; for that instant the tightest mask is in force.
    current = os.umask(0o077)
    os.umask(current)
    return current


@lru_cache(maxsize=1000)
def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@lru_cache(maxsize=1000)
def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
