"""What local files are done with: blocking calls, each run in a thread by its caller."""

import errno
import grp
import hashlib
import os
import pwd
import secrets
import stat as modes
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from msgspec.structs import replace

from sshdash.sftp.entries import Entry, Kind, join, kind_of
from sshdash.sftp.failures import irregular
from sshdash.sftp.filesystem import Buffer, Finish, Finished, Pieces, untaken
from sshdash.sftp.local_content import HOLE, extend, write, write_sparse
from sshdash.untrusted import clean

_BATCH = 500
"""Entries handed on at once while a directory is read."""
_BLOCK = 1024 * 1024
HASHED = 64 * 1024 * 1024
"""Bytes that are hashed in one call, at least, where there are so many."""
_UNIT = 512
"""Bytes that stat(2) counts blocks in."""
_NO_FOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC


class Listing:
    """A directory that is being read, in the system's order."""

    def __init__(self, path: bytes) -> None:
        """Start and read the first entries, which mostly are all. Raises OSError."""
        self._items = os.scandir(path)
        self.is_whole = False
        """Whether its end was come to."""
        try:
            self.first = self.more()
        except BaseException:
            self.close()
            raise

    def more(self) -> list[Entry]:
        """Return some more entries; what went away meanwhile is none. Raises OSError."""
        items = list(islice(self._items, _BATCH))
        self.is_whole = len(items) < _BATCH
        return [found for item in items if (found := _scanned(item)) is not None]

    def close(self) -> None:
        """End reading it."""
        self._items.close()


def _scanned(item: os.DirEntry[bytes]) -> Entry | None:
    try:
        return entry(item.name, item.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None  # it went away between the listing and the look at it


def entry(name: bytes, result: os.stat_result) -> Entry:
    """Return the entry for a stat result."""
    is_file = modes.S_ISREG(result.st_mode)
    held = result.st_blocks * _UNIT
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
        linked=(result.st_dev, result.st_ino) if is_file and result.st_nlink > 1 else None,
        held=held if is_file and held < result.st_size else None,
        links=result.st_nlink,
    )


def resolved(folder: bytes, entries: list[Entry]) -> list[Entry]:
    """Return entries with the targets of links filled in."""
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


def lstat_if_there(path: bytes) -> os.stat_result | None:
    """Return what a path itself is, None where there is nothing."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def open_regular(path: bytes, access: int = os.O_RDONLY) -> int:
    """Open a regular file, for reading by default; anything else, a link too, is refused."""
    # Without O_NONBLOCK a FIFO put in the file's place would hold the thread for good.
    descriptor = os.open(path, access | os.O_NONBLOCK | _NO_FOLLOW)
    try:
        mode = os.fstat(descriptor).st_mode
        if not modes.S_ISREG(mode):
            raise irregular(path, kind_of(mode))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def unchanged(path: bytes, was: Entry) -> bytes | None:
    """Return all of a regular file, None where it is not what it was any more.

    Raises OSError. What took its place may be no file, of which this may read what comes at once.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | _NO_FOLLOW)
    try:
        content = os.pread(descriptor, was.size + 1, 0)
        now = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    is_same = len(content) == was.size == now.st_size and now.st_mtime_ns == was.mtime_ns
    return content if is_same and modes.S_ISREG(now.st_mode) else None


def fetch(path: bytes, size: int) -> tuple[Pieces, Entry]:
    """Return at most `size` first bytes and the attributes after the reading."""
    descriptor = open_regular(path)
    try:
        pieces: Pieces = []
        offset = 0
        while offset < size and (data := os.pread(descriptor, size - offset, offset)):
            pieces.append(data)
            offset += len(data)
        return pieces, entry(b"", os.fstat(descriptor))
    finally:
        os.close(descriptor)


def create(path: bytes, folder: int | None = None, mode: int = 0o600) -> int:
    """Create a file that must not exist, in an open `folder`, and return its descriptor."""
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
    return os.open(path, how, mode, dir_fd=folder)


def store(
    path: bytes, pieces: Sequence[Buffer], finish: Finish, folder: int | None = None
) -> Finished:
    """Create a file with this content, in an open `folder`, and finish it."""
    descriptor = create(path, folder)
    try:
        fill(descriptor, pieces)
    except BaseException:
        os.close(descriptor)
        raise
    return finish_file(descriptor, finish)


def fill(descriptor: int, pieces: Sequence[Buffer]) -> None:
    """Give a new file all of its content; what is nothing but zeros takes no room."""
    size = sum(map(len, pieces))
    if size < HOLE:
        write(descriptor, 0, pieces)
    else:
        write_sparse(descriptor, 0, pieces)
        extend(descriptor, size)


def head(path: bytes, limit: int) -> bytes:
    """Return at most `limit` first bytes of a regular file."""
    descriptor = open_regular(os.path.realpath(path))
    try:
        parts: list[bytes] = []
        missing = limit
        while missing and (part := os.read(descriptor, missing)):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def hash_on(path: bytes, offset: int, digest: "hashlib._Hash") -> int:
    """Add bytes of a file from `offset` on, for a moment; return how many: fewer at the end."""
    descriptor = open_regular(path)
    try:
        done = 0
        while done < HASHED and (data := os.pread(descriptor, _BLOCK, offset + done)):
            digest.update(data)
            done += len(data)
        return done
    finally:
        os.close(descriptor)


def copy_xattrs(source: bytes, target: bytes) -> str:
    """Give a file the extended attributes of another; return which it could not get, and why."""
    if not hasattr(os, "listxattr"):
        return "extended attributes not set: this system's are not known here"
    problems: dict[str, str] = {}
    for name in os.listxattr(source, follow_symlinks=False):
        try:
            value = os.getxattr(source, name, follow_symlinks=False)
            os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as error:
            problems[name] = error.strerror or str(error)
    if not problems:
        return ""
    name, why = next(iter(problems.items()))
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"extended attribute not set: {clean(name, 80)}{more}: {why}"


def finish_file(descriptor: int, finish: Finish) -> Finished:
    """Make a file durable, set its attributes and close it."""
    complaint = ""
    try:
        if finish.size is not None:
            extend(descriptor, finish.size)
            if finish.cut:
                os.ftruncate(descriptor, finish.size)
        if finish.durable:
            sync(descriptor)
        try:
            if finish.owner is not None:
                os.fchown(descriptor, *finish.owner)  # first, as it may take bits of the mode
            if finish.mode is not None:
                os.fchmod(descriptor, finish.mode)
            if finish.mtime_ns is not None:
                os.utime(descriptor, ns=(finish.mtime_ns, finish.mtime_ns))
        except (OSError, OverflowError) as error:
            complaint = f"{finish.attributes} not set: {getattr(error, 'strerror', None) or error}"
        size = os.fstat(descriptor).st_size
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return Finished(size, complaint)


def set_attributes(
    path: bytes, mode: int | None, mtime_ns: int | None, owner: tuple[int, int] | None
) -> None:
    """Set what is given of permission bits, modification time and owner."""
    if owner is not None:
        os.chown(path, *owner)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    if mode is not None:
        os.chmod(path, mode)


def set_time(path: bytes, mtime_ns: int) -> None:
    """Set access and modification time."""
    os.utime(path, ns=(mtime_ns, mtime_ns))


def described(path: bytes) -> Entry:
    """Return what a path itself is, and whether an access list says more than its mode."""
    found = entry(os.path.basename(path), os.lstat(path))
    return replace(found, has_acl=_has("posix_acl", path))


def _has(attribute: str, path: bytes) -> bool:
    """Return whether an extended attribute of such a name is there."""
    if not hasattr(os, "listxattr"):  # macOS keeps them elsewhere
        return False
    try:
        return any(attribute in name for name in os.listxattr(path, follow_symlinks=False))
    except OSError:
        return False  # a file system without them


def sync(descriptor: int) -> None:
    """Make a file durable, where its file system can."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system without it
            raise


def sync_folder(path: bytes) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def rename(old: bytes, new: bytes) -> None:
    """Rename without ever replacing: a hard link is the one atomic way to claim a free name.

    Raises FileExistsError where the name is taken, and OSError.
    """
    try:
        os.link(old, new, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a directory, or a file system without hard links
        if os.path.lexists(new):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new) from None
        os.rename(old, new)
    else:
        try:
            os.unlink(old)
        except FileNotFoundError:
            pass  # gone already: an answer of NFS that was lost, or somebody else
        except OSError:
            if _is_one_file(old, new):  # else the new name would be the last one
                os.unlink(new)  # it stays where it was, and there alone
                raise


def _is_one_file(path: bytes, other: bytes) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except OSError:
        return False


def umask(folder: bytes) -> int:
    """Return the bits that new files in a folder do not get: its default access list decides."""
    if _has("posix_acl_default", folder):
        path = join(folder, b".sshdash-%b.part" % secrets.token_hex(4).encode())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o777)
        try:
            return untaken(modes.S_IMODE(os.fstat(descriptor).st_mode))
        finally:
            os.close(descriptor)
            os.unlink(path)
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
