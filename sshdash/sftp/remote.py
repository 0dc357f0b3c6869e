"""Files of a host, over SFTP on its shared connection."""

import asyncio
import errno
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from sshdash.errors import FileError
from sshdash.sftp.answers import Asked
from sshdash.sftp.bulk.command import Command
from sshdash.sftp.bulk.starter import Starter
from sshdash.sftp.entries import Entry, Kind, join, name_of
from sshdash.sftp.failures import (
    ExistsError,
    MissingError,
    UnsupportedError,
    VagueError,
    failure,
    irregular,
    shown,
)
from sshdash.sftp.filesystem import (
    Buffer,
    CopySource,
    Digest,
    Finish,
    Finished,
    Limits,
    Owner,
    Pieces,
    Space,
)
from sshdash.sftp.further import Further
from sshdash.sftp.handles import COPY_DATA, RemoteReader, RemoteWriter, Session
from sshdash.sftp.held_up import HeldUp
from sshdash.sftp.itself import set_itself, set_own_time
from sshdash.sftp.looks import STATVFS, Look
from sshdash.sftp.messages import Attributes, Name, Open
from sshdash.sftp.opening import PATIENCE, SUBSYSTEM, Way, open_session
from sshdash.sftp.remote_description import described
from sshdash.sftp.remote_digest import RemoteDigests
from sshdash.sftp.remote_entries import NANO, entry_of, kept_entries, space_of
from sshdash.sftp.remote_umask import umask_in
from sshdash.sftp.spelling import settle
from sshdash.sftp.tasks import each, together, undivided
from sshdash.sftp.two_steps import swap
from sshdash.sftp.unsearched import ensure_searched
from sshdash.sftp.vague import explained

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease

Result = TypeVar("Result")

_SAFE_BLOCK = 32 * 1024
"""What every server takes in one request, by the draft."""
_MAX_BLOCK = 256 * 1024
_BLOCKS = 4
"""Requests that one read or write of the copier is spread over."""
_OPEN_FILES = 1000
_SAFE_FILES = 64
"""How many where a server does not tell its limit."""
_LISTING_AHEAD = 16
"""Requests for more names that are under way at once in a long listing."""
_LINKS_AHEAD = 64
_MAX_ENTRIES = 2_000_000
"""A listing that goes on beyond this is taken for an endless one."""
_MAX_NAMES = 256 * 1024 * 1024
"""Bytes of names beyond which one is taken for a trap: it would fill the memory."""
_NEW_FILE = Open.WRITE | Open.CREATE | Open.EXCLUSIVE


class RemoteFilesystem:
    """A host's files, seen with the rights of the user who logged in.

    It owns a channel of its own, so that nothing another one waits for can hold it up.
    """

    is_local = False

    def __init__(self, session: Session, home: bytes) -> None:
        self._session = session
        self._protocol = session.protocol
        self._home = home
        self._closed = False
        self._further = Further(session)
        self._held_up = HeldUp(session, self._further.helper)
        self._digests = RemoteDigests(session, self.open_read)
        told = session.protocol.limits
        self._read_block = min(told.read or _SAFE_BLOCK, _MAX_BLOCK)
        self._write_block = min(told.write or _SAFE_BLOCK, _MAX_BLOCK)
        chunk = _BLOCKS * min(self._read_block, self._write_block)
        files = min(_OPEN_FILES, told.handles // 2 or _SAFE_FILES)
        # OpenSSH carries requests out in turn, which no draft promises.
        self.limits = Limits(chunk, files, "OpenSSH" in self._protocol.wire.server_version)

    def __repr__(self) -> str:
        return f"<RemoteFilesystem {self.label} [{self._protocol.wire!r}]>"

    @classmethod
    async def open(
        cls,
        lease: "Lease",
        way: Way = SUBSYSTEM,
        looks: Sequence[Look] = (),
        command: Command | None = None,
    ) -> "RemoteFilesystem":
        """Open the files of a leased connection; `close` releases the lease.

        `looks` are what is going to be asked first, `command` what is likely to be run.
        Raises NoSftpError where the server has no SFTP, SessionError, ConnectionLost. The lease
        stays the caller's where this fails.
        """
        return cls(*await open_session(lease, way, looks, command))

    @property
    def label(self) -> str:
        """The host as the user names it, with the user in brackets where it is another one."""
        return self._session.host

    @property
    def commands(self) -> Starter | None:
        """What runs commands with the same rights as these files have, None where nothing does."""
        return self._session.starter if self._session.way is SUBSYSTEM else None

    @property
    def replaces_at_once(self) -> bool:
        """Whether a file is replaced in one step."""
        return self._protocol.offers(b"posix-rename@openssh.com")

    def copies_from(self, source: CopySource) -> bool:
        """Return whether the server copies from file to file: handles mean nothing elsewhere."""
        return source is self and self._protocol.offers(COPY_DATA)

    def home(self) -> bytes:
        """Return the folder the server starts in, which is the user's home."""
        return self._home

    async def expand(self, path: bytes) -> bytes:
        """Return a path as a person writes it, absolute and normalized; ``~`` is the home."""
        folder = self._home
        user, _, rest = path.partition(b"/")
        if path.startswith(b"/"):
            folder = b"/"
        elif user == b"~":
            path = rest
        elif user.startswith(b"~") and self._protocol.offers(b"expand-path@openssh.com"):
            folder = await self._call("find", path, self._protocol.expand_path(user))
            path = rest
        return await settle(join(folder, path.lstrip(b"/")), self.realpath)

    async def scandir(
        self, path: bytes, refused: list[bytes] | None = None
    ) -> AsyncIterator[list[Entry]]:
        """Yield the directory's entries in batches, without ``.``, ``..`` and unsafe names."""
        opening = self._protocol.open_directory(path)
        handle = await self._session.call("list", path, opening)
        seen: dict[bytes, None] = {}
        listed = size = 0
        ahead: deque[Asked[list[Name] | None]] = deque()
        width = 2
        try:
            while True:
                while len(ahead) < width:
                    ahead.append(self._protocol.read_directory(handle))
                names = await self._session.call("list", path, ahead.popleft())
                if names is None:
                    if not listed:
                        await ensure_searched(self.lstat, path, self.label)
                    return
                width = min(width * 2, _LISTING_AHEAD)
                listed += max(1, len(names))  # the same names again count, and so do none
                size += sum(len(one.filename) for one in names)
                if listed > _MAX_ENTRIES or size > _MAX_NAMES:
                    raise failure("list", path, 0, self.label, "more entries than anybody has")
                yield kept_entries(names, seen, refused)
        finally:
            self._protocol.close_handle(handle)

    async def listdir(self, path: bytes) -> list[Entry]:
        """Return all entries of a directory, in the server's order, unsafe names left out."""
        return [entry async for batch in self.scandir(path) for entry in batch]

    async def resolve_links(self, path: bytes, entries: list[Entry]) -> list[Entry]:
        """Return `entries` of the directory `path` with link targets filled in."""
        found: dict[bytes, Entry] = {}

        async def resolve(entry: Entry) -> None:
            found[entry.name] = await self._with_target(join(path, entry.name), entry)

        links = [entry for entry in entries if entry.kind is Kind.SYMLINK]
        await each(links, min(_LINKS_AHEAD, len(links)), resolve)
        return [found.get(entry.name, entry) for entry in entries] if found else entries

    async def stat(self, path: bytes) -> Entry:
        """Return what `path` leads to, links followed."""
        return entry_of(name_of(path), await self._call("stat", path, self._protocol.stat(path)))

    async def lstat(self, path: bytes) -> Entry:
        """Return what `path` itself is."""
        return entry_of(name_of(path), await self._call("stat", path, self._protocol.lstat(path)))

    async def exists(self, path: bytes) -> Entry | None:
        """Return what `path` itself is, None where there is nothing."""
        with suppress(MissingError):
            return await self.lstat(path)
        return None

    async def realpath(self, path: bytes) -> bytes:
        """Return `path` absolute and without links."""
        return await self._call("resolve", path, self._protocol.realpath(path))

    async def readlink(self, path: bytes) -> bytes:
        """Return where a symbolic link points."""
        return await self._call("read the link", path, self._protocol.readlink(path))

    async def statvfs(self, path: bytes) -> Space | None:
        """Return the room on the file system that holds `path`, None where not told."""
        if not self._protocol.offers(STATVFS):
            return None
        return space_of(await self._call("stat", path, self._protocol.statvfs(path)))

    async def mkdir(self, path: bytes, mode: int = 0o777) -> None:
        """Make one directory; the server reduces `mode` by its umask."""
        await self._named("make the directory", path, self._protocol.make_directory(path, mode))

    async def symlink(self, target: bytes, path: bytes) -> None:
        """Make the symbolic link `path` that points to `target`."""
        await self._named("make the link", path, self._protocol.symlink(target, path))

    async def rename(self, old: bytes, new: bytes) -> None:
        """Rename, refusing a `new` that exists; OpenSSH does so without a race."""
        await self._named("rename", new, self._protocol.rename(old, new))

    async def replace(self, old: bytes, new: bytes) -> None:
        """Rename onto `new`, which stays whole until the moment it is replaced.

        A server without posix-rename@openssh.com needs two steps, between which the old file
        has another name; it gets its own back where the second step fails.
        """
        if self.replaces_at_once:
            await self._call("put in place", new, self._protocol.posix_rename(old, new))
            return
        if await self.exists(new) is None:
            await self.rename(old, new)
            return
        await undivided(swap(self, old, new), PATIENCE)

    async def unlink(self, path: bytes) -> None:
        """Remove one file or link."""
        try:
            await self._call("remove", path, self._protocol.remove(path))
        except VagueError as error:
            raise await explained(error, self, path) from error

    async def rmdir(self, path: bytes) -> None:
        """Remove one empty directory."""
        try:
            await self._call("remove", path, self._protocol.remove_directory(path))
        except VagueError:
            if await self.listdir(path):
                raise failure("remove", path, errno.ENOTEMPTY, self.label) from None
            raise

    async def chmod(self, path: bytes, mode: int) -> None:
        """Set the permission bits of what `path` leads to."""
        await self._set("change the mode", path, Attributes(mode=mode))

    async def set_attributes(
        self, path: bytes, mode: int | None, mtime_ns: int | None, owner: Owner | None = None
    ) -> None:
        """Set what is given of permission bits, modification time (whole seconds) and owner."""
        seconds, (uid, gid) = mtime_ns and mtime_ns // NANO, owner or (None, None)
        wanted = Attributes(uid=uid, gid=gid, mode=mode, mtime=seconds)
        await self._set("set owner, mode or time", path, wanted)

    async def set_time(self, path: bytes, mtime_ns: int) -> None:
        """Set access and modification time of what `path` leads to, in whole seconds."""
        await self._set("set the time", path, Attributes(mtime=mtime_ns // NANO))

    async def set_own_time(self, path: bytes, mtime_ns: int) -> None:
        """Set the time of what has a path itself, of a link only where the server offers that."""
        await set_own_time(self._session, self.lstat, path, mtime_ns // NANO)

    async def chown(self, path: bytes, uid: int, gid: int) -> None:
        """Give what `path` leads to another owner and group, by their numbers."""
        await self._set("change the owner", path, Attributes(uid=uid, gid=gid))

    async def set_itself(self, path: bytes, mode: int | None, owner: Owner | None = None) -> None:
        """Set mode and owner of what has a path itself. Raises FileError for a link."""
        await set_itself(self._session, self.lstat, path, mode, owner)

    async def describe(self, path: bytes) -> Entry:
        """Return all that can be told of `path` itself, its owners by name where they have one."""
        return await described(self._session, path, await self.lstat(path))

    async def umask(self, directory: bytes) -> int:
        """Return the bits that new files in `directory` do not get, by making one there."""
        return await umask_in(directory, self._session, self)

    async def read_head(self, path: bytes, limit: int) -> bytes:
        """Return at most `limit` first bytes of a regular file.

        It has a channel of its own, because a read that never ends would block every request
        behind it.
        """
        entry = await self.stat(path)
        if entry.kind is not Kind.FILE:
            raise irregular(path, entry.kind, self.label)
        session, _ = await open_session(self._session.lease, self._session.way)
        try:
            async with asyncio.timeout(PATIENCE):
                opening = session.protocol.open_file(path, Open.READ)
                handle = await session.call("read", path, opening)
                return await RemoteReader(session, path, handle, self._read_block).head(limit)
        except TimeoutError:
            text = f"nothing came within {PATIENCE:.0f} seconds"
            raise failure("read", path, 0, self.label, text) from None
        finally:
            session.protocol.wire.close()

    async def fetch(self, path: bytes, size: int) -> tuple[Pieces, Entry]:
        """Return at most `size` first bytes and the attributes afterwards: two round trips."""
        with self._held_up.watching(path):
            return await (await self._open_read(path)).fetch(size)

    async def store(self, path: bytes, pieces: Sequence[Buffer], finish: Finish) -> Finished:
        """Create a file with this content and finish it: two round trips."""
        return await (await self.open_write(path)).store(pieces, finish)

    async def sha256(self, path: bytes, size: int, reading: bool = False) -> Digest:
        """Return the SHA-256 of a file, by whatever way the host offers."""
        return await self._digests.sha256(path, size, reading)

    async def hardlink(self, old: bytes, new: bytes) -> None:
        """Give the file `old` a second name. Raises UnsupportedError where that is not offered."""
        if not self._protocol.offers(b"hardlink@openssh.com"):
            raise UnsupportedError("cannot make the hard link", shown(new), host=self.label)
        await self._named("make the hard link", new, self._protocol.hardlink(old, new))

    async def open_read(self, path: bytes) -> RemoteReader:
        """Open a file whose `lstat` said it is regular."""
        with self._held_up.watching(path):
            return await self._open_read(path)

    async def _open_read(self, path: bytes) -> RemoteReader:
        handle = await self._call("read", path, self._protocol.open_file(path, Open.READ))
        return RemoteReader(self._session, path, handle, self._read_block)

    async def open_write(self, path: bytes) -> RemoteWriter:
        """Create a file that must not exist yet, readable by its owner alone (0600)."""
        handle = await self._named("create", path, self._protocol.open_file(path, _NEW_FILE, 0o600))
        return RemoteWriter(self._session, path, handle, self._write_block, self._further)

    async def open_again(self, path: bytes) -> RemoteWriter:
        """Open a file that was created here and not finished."""
        handle = await self._call("write", path, self._protocol.open_file(path, Open.WRITE))
        return RemoteWriter(self._session, path, handle, self._write_block, self._further)

    async def close(self) -> None:
        """Give back the channel and the connection; harmless when closed already."""
        if self._closed:
            return
        self._closed = True
        self._protocol.wire.close()
        self._further.close()
        try:
            await together(self._session.starter.close(), self._held_up.close())
        finally:
            self._session.lease.release()

    async def _call(self, operation: str, path: bytes, asking: Awaitable[Result]) -> Result:
        return await self._session.call(operation, path, asking)

    async def _set(self, operation: str, path: bytes, wanted: Attributes) -> None:
        await self._call(operation, path, self._protocol.set_path(path, wanted))

    async def _named(self, operation: str, path: bytes, asking: Awaitable[Result]) -> Result:
        """Call for something that makes `path`: OpenSSH says only "failure" where it exists."""
        try:
            return await self._call(operation, path, asking)
        except VagueError as error:
            if await self.exists(path) is None:
                raise await explained(error, self, path) from error
            raise ExistsError(
                error.title, error.path, "it exists already", host=self.label
            ) from error

    async def _with_target(self, path: bytes, link: Entry) -> Entry:
        target, kind = None, None
        with suppress(FileError):
            target = await self.readlink(path)
        with suppress(FileError):
            kind = (await self.stat(path)).kind
        return replace(link, target=target, target_kind=kind)
