"""Files of this machine. Every call that may wait for a disk runs in a thread."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from sshdash.paths import home
from sshdash.sftp import local_calls as calls
from sshdash.sftp.beneath import Beneath, Confined, unconfined
from sshdash.sftp.entries import Entry, Kind, join, name_of
from sshdash.sftp.failures import from_system
from sshdash.sftp.filesystem import (
    HERE,
    Buffer,
    CopySource,
    Digest,
    Filesystem,
    Finish,
    Finished,
    Limits,
    Owner,
    Pieces,
    Space,
)
from sshdash.sftp.local_handles import LocalReader, LocalWriter
from sshdash.sftp.read_ahead import ReadAhead
from sshdash.sftp.spelling import settle
from sshdash.sftp.tasks import end
from sshdash.sftp.threads import Threads

Result = TypeVar("Result")

_CHUNK = 1024 * 1024
_OPEN_FILES = 1000


class LocalFilesystem:
    """This machine's files, with the rights of whoever runs sshdash."""

    label = "local"
    is_local = True
    limits = Limits(chunk=_CHUNK, files=_OPEN_FILES)

    def __init__(self) -> None:
        self._threads = Threads()
        self._beneath: Beneath | None = None
        """The folder below which no link in place of a folder is followed."""
        self._ahead: ReadAhead | None = None
        self._reading: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return "<LocalFilesystem>"

    async def confine(self, root: bytes) -> None:
        """Change nothing below the folder `root`, a real path, through links from now on.

        Raises FileError where that is no folder.
        """
        opened = await self._threads.run("open", root, partial(Beneath, root), Beneath.close)
        before, self._beneath = self._beneath, opened
        if before is not None:
            before.close()

    def _in(self, call: Callable[..., Result], *paths: bytes) -> Callable[[], Result]:
        """Return a call that is done with paths, in open folders where it is confined."""
        run = partial(call) if self._beneath is None else partial(self._beneath.run, call)
        return partial(run, *paths)

    def _on(self, call: Callable[..., Result], path: bytes) -> Callable[[], Result]:
        """Return a call that is done with what has a path, which is no link where confined."""
        run = partial(call) if self._beneath is None else partial(self._beneath.run_on, call)
        return partial(run, path)

    async def at_once(
        self, operation: str, path: bytes, work: Callable[[Confined], Result]
    ) -> Result:
        """Return what `work` returns, which does many calls in one thread by what it is given."""
        run = unconfined if self._beneath is None else self._beneath.run
        return await self._threads.run(operation, path, partial(work, run))

    def copies_from(self, source: CopySource) -> bool:
        """Return whether copies stay on this machine."""
        return isinstance(source, LocalFilesystem)

    def home(self) -> bytes:
        """Return the user's home folder."""
        return os.fsencode(home())

    async def expand(self, path: bytes) -> bytes:
        """Return a path as a person writes it, absolute and normalized.

        Raises FileError, also where it is relative and the working directory is gone.
        """
        if path[:1] != b"/":
            try:
                path = join(os.getcwdb(), path)
            except OSError as error:
                raise from_system(error, "find the working directory", path) from None
        return await settle(path, self.realpath)

    async def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        """Yield the directory's entries in batches; the kernel gives no name to refuse."""
        if self._ahead is not None and (found := self._ahead.take(path)) is not None:
            yield found
            return
        begin = partial(calls.Listing, path)
        listing = await self._threads.run("list", path, begin, calls.Listing.close)
        try:
            entries = listing.first
            while True:
                if entries:
                    yield entries
                if listing.is_whole:
                    break
                entries = await self._threads.run("list", path, listing.more)
        finally:
            listing.close()

    def read_ahead(self, root: bytes) -> None:
        """List what is below a folder from now on, for who is going to ask for it soon. Once."""
        self._ahead = ahead = ReadAhead(root)
        self._reading = asyncio.create_task(self._threads.run("list", root, ahead.read))

    async def listdir(self, path: bytes) -> list[Entry]:
        """Return all entries of a directory, in the system's order."""
        return [entry async for batch in self.scandir(path) for entry in batch]

    async def resolve_links(self, path: bytes, entries: list[Entry]) -> list[Entry]:
        """Return `entries` of the directory `path` with link targets filled in."""
        if all(entry.kind is not Kind.SYMLINK for entry in entries):
            return entries
        return await self._threads.run("list", path, partial(calls.resolved, path, entries))

    async def stat(self, path: bytes) -> Entry:
        """Return what `path` leads to, links followed."""
        return calls.entry(
            name_of(path), await self._threads.run("stat", path, partial(os.stat, path))
        )

    async def lstat(self, path: bytes) -> Entry:
        """Return what `path` itself is."""
        result = await self._threads.run("stat", path, partial(os.lstat, path))
        return calls.entry(name_of(path), result)

    async def exists(self, path: bytes) -> Entry | None:
        """Return what `path` itself is, None where there is nothing."""
        result = await self._threads.run("stat", path, partial(calls.lstat_if_there, path))
        return calls.entry(name_of(path), result) if result else None

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
        return Space(
            result.f_blocks * result.f_frsize,
            result.f_bavail * result.f_frsize,
            result.f_favail if result.f_files else None,
            bool(result.f_flag & os.ST_RDONLY),
        )

    async def mkdir(self, path: bytes, mode: int = 0o777) -> None:
        """Make one directory; `mode` is reduced by the umask."""
        await self._threads.run(
            "make the directory", path, self._in(partial(os.mkdir, mode=mode), path)
        )

    async def symlink(self, target: bytes, path: bytes) -> None:
        """Make the symbolic link `path` that points to `target`."""
        link = self._in(partial(os.symlink, target), path)
        await self._threads.run("make the link", path, link)

    async def rename(self, old: bytes, new: bytes) -> None:
        """Rename, refusing a `new` that exists."""
        await self._threads.run("rename", old, self._in(calls.rename, old, new))

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename onto `new`, atomically."""
        await self._threads.run("put in place", new, self._in(os.replace, old, new))

    async def sync_folder(self, path: bytes) -> None:
        """Return once the names in a directory are on the disk."""
        await self._threads.run("write", path, partial(calls.sync_folder, path))

    async def unlink(self, path: bytes) -> None:
        """Remove one file or link."""
        await self._threads.run("remove", path, self._in(os.unlink, path))

    async def rmdir(self, path: bytes) -> None:
        """Remove one empty directory."""
        await self._threads.run("remove", path, self._in(os.rmdir, path))

    async def chmod(self, path: bytes, mode: int) -> None:
        """Set the permission bits of what `path` leads to."""
        await self._threads.run("change the mode", path, partial(os.chmod, path, mode))

    async def set_attributes(
        self,
        path: bytes,
        mode: int | None,
        mtime_ns: int | None,
        owner: tuple[int, int] | None = None,
    ) -> None:
        """Set what is given of permission bits, modification time and owner."""
        call = partial(calls.set_attributes, mode=mode, mtime_ns=mtime_ns, owner=owner)
        await self._threads.run("set owner, mode or time", path, self._on(call, path))

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        """Set access and modification time of what `path` leads to."""
        await self._threads.run("set the time", path, partial(calls.set_time, path, mtime_ns))

    async def set_own_time(self, path: bytes, mtime_ns: int) -> None:
        """Set access and modification time of what has a path itself, a link or a folder."""
        call = partial(os.utime, ns=(mtime_ns, mtime_ns), follow_symlinks=False)
        await self._threads.run("set the time", path, self._in(call, path))

    async def chown(self, path: bytes, uid: int, gid: int) -> None:
        """Give what `path` leads to another owner and group."""
        await self._threads.run("change the owner", path, partial(os.chown, path, uid, gid))

    async def set_itself(self, path: bytes, mode: int | None, owner: Owner | None = None) -> None:
        """Set mode and owner of what has a path itself, which is no link where confined."""

        def change(at: bytes) -> None:
            if owner is not None:
                os.chown(at, *owner)
            if mode is not None:
                os.chmod(at, mode)

        what = "change the owner" if owner else "change the mode"
        await self._threads.run(what, path, self._on(change, path))

    async def describe(self, path: bytes) -> Entry:
        """Return all that can be told of `path` itself, its owners by name."""
        return await self._threads.run("stat", path, partial(calls.described, path))

    async def umask(self, directory: bytes) -> int:
        """Return the bits that new files do not get."""
        return await self._threads.run("make files in", directory, partial(calls.umask, directory))

    async def read_head(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` first bytes of a regular file."""
        return await self._threads.run("read", path, partial(calls.head, path, limit))

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        """Return at most `size` first bytes of a file and its attributes after the reading."""
        return await self._threads.run("read", path, partial(calls.fetch, path, size))

    async def store(self, path: bytes, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        """Create a file with this content and finish it."""
        call = partial(calls.store, pieces=pieces, finish=finish)
        return await self._threads.run("write", path, self._in(call, path))

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Return the SHA-256 of a file."""
        digest = hashlib.sha256()
        hashed = 0
        while True:  # again and again, as a thread cannot be stopped
            call = partial(calls.hash_on, path, hashed, digest)
            done = await self._threads.run("read", path, call)
            hashed += done
            if done < calls.HASHED:
                return Digest(digest.digest(), HERE)

    async def copy_xattrs(self, source: bytes, target: bytes) -> str:
        """Give a file the extended attributes of another; return what went wrong."""
        copy = self._in(partial(calls.copy_xattrs, source), target)
        return await self._threads.run("set extended attributes", target, copy)

    async def hardlink(self, old: bytes, new: bytes) -> None:
        """Give the file `old` a second name."""
        link = self._in(partial(os.link, follow_symlinks=False), old, new)
        await self._threads.run("make the hard link", new, link)

    async def open_read(self, path: bytes) -> LocalReader:
        """Open a regular file; anything else, a link too, raises FileError."""
        descriptor = await self._threads.run(
            "read", path, partial(calls.open_regular, path), os.close
        )
        return LocalReader(self._threads, path, descriptor)

    async def open_write(self, path: bytes) -> LocalWriter:
        """Create a file that must not exist yet, readable by its owner alone (0600)."""

        def undo(descriptor: int) -> None:
            os.close(descriptor)
            self._in(os.unlink, path)()

        descriptor = await self._threads.run("create", path, self._in(calls.create, path), undo)
        return LocalWriter(self._threads, path, descriptor)

    async def open_again(self, path: bytes) -> LocalWriter:
        """Open a file that was created here and not finished."""
        opening = self._in(partial(calls.open_regular, access=os.O_WRONLY), path)
        descriptor = await self._threads.run("write", path, opening, os.close)
        return LocalWriter(self._threads, path, descriptor, begun=True)

    async def close(self) -> None:
        """Let the threads end."""
        if self._ahead is not None and self._reading is not None:
            self._ahead.end()
            await end((self._reading,))
        self._threads.close()
        if self._beneath is not None:
            self._beneath.close()


async def confined(filesystem: Filesystem, folder: bytes) -> bytes:
    """Return a folder without links; what is below it is changed through none from now on.

    That is so for this machine's; a host's folder is as it was. Raises FileError.
    """
    if not isinstance(filesystem, LocalFilesystem):
        return folder
    real = await filesystem.realpath(folder)
    await filesystem.confine(real)
    return real
