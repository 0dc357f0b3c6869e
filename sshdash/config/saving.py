"""Putting a new version in the place of a file: the old one or the new one, never between.

The new bytes go to a temporary file beside the old one, are synced to the disk, and take its name.
"""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from sshdash.config.diff import shown, unified
from sshdash.errors import FileError, SSHDashError
from sshdash.untrusted import clean

LOCK_SECONDS = 10.0
"""How long another sshdash may take for an edit."""
_TEMPORARY = ".sshdash-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WHY = {
    errno.EROFS: "it is on a file system that cannot be written",
    errno.EACCES: "you may not write in its folder",
    errno.EPERM: "you may not change it",
}


@dataclass(frozen=True, slots=True)
class Version:
    """A file as it was read."""

    path: str
    """As the configuration names it."""
    target: str
    """Where the links lead."""
    data: bytes | None
    """None where there is no file."""
    mode: int = 0o600
    owner: int = -1
    group: int = -1
    links: int = 1


class ChangedSince(SSHDashError):
    """A file is not as it was when the change was worked out; the detail is the difference."""

    def __init__(self, path: str, before: bytes | None, now: bytes | None) -> None:
        difference = unified(before, now, path)
        super().__init__(
            "The file was changed meanwhile",
            "\n".join([clean(path), *shown(difference)]),
            "nothing was written; look at what was changed, then do it again",
        )
        self.path = path
        self.before = before
        self.now = now
        self.difference = difference


def read_version(path: str) -> Version:
    """Return a file as it is now, also where it does not exist. Raises FileError."""
    target = os.path.realpath(path)
    try:
        descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return Version(path, target, None)
    except OSError as error:
        raise FileError("The file cannot be read", path, error.strerror or str(error)) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise FileError("Not a file that can be edited", path, "it is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read()
    except OSError as error:
        raise FileError("The file cannot be read", path, error.strerror or str(error)) from error
    finally:
        os.close(descriptor)
    mode = stat.S_IMODE(found.st_mode)
    return Version(path, target, data, mode, found.st_uid, found.st_gid, found.st_nlink)


def replace_file(version: Version, data: bytes | None) -> None:
    """Put `data` in the place of a version; None removes the file.

    Mode, owner and links to the file stay. Raises ChangedSince where the file is not that version
    any more and FileError where it cannot be written; then nothing has changed.
    """
    _refuse_protected(version)
    temporary = None
    try:
        if data is not None:
            temporary = _write_beside(version, data)
        _compare(version)
        if temporary is None:
            os.unlink(version.target)
        else:
            os.rename(temporary, version.target)
            temporary = None
        sync_folder(os.path.dirname(version.target))
    except OSError as error:
        raise write_failure(version.path, error) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)


def set_aside(file: Path) -> None:
    """Rename a file that cannot be read, so that it is out of the way and nothing of it lost."""
    with suppress(OSError):
        os.replace(file, f"{file}.broken")


def remove_leftovers(target: str) -> None:
    """Remove the temporary files of writers that were killed; only with the lock held."""
    folder, name = os.path.split(target)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(f".{name}{_TEMPORARY}") and entry.is_file(
                follow_symlinks=False
            ):
                os.unlink(entry.path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that is the file `path`; it goes with the process that holds it.

    Raises FileError where somebody else holds it for long.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path) -> None:
    """Wait for a lock, in a thread that is left behind where whoever holds it has stopped."""
    waiter = Thread(target=fcntl.flock, args=(descriptor, fcntl.LOCK_EX), daemon=True)
    waiter.start()
    waiter.join(LOCK_SECONDS)
    if waiter.is_alive():
        raise FileError(
            "Another sshdash is editing",
            str(path),
            f"it has been for more than {LOCK_SECONDS:g} s; nothing was changed",
            "end the one that hangs",
        )


def write_new(path: str, data: bytes, *, sync: bool = True) -> None:
    """Write a file that must not exist yet, for this user alone; `sync` down to the disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fchmod(descriptor, 0o600)
        if sync:
            os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
    finally:
        os.close(descriptor)


def sync_folder(folder: str) -> None:
    """Bring the names in a folder down to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot
            raise
    finally:
        os.close(descriptor)


def _write_beside(version: Version, data: bytes) -> str:
    """Write a temporary file with the mode, owner and attributes of the version."""
    folder, name = os.path.split(version.target)
    path = os.path.join(folder, f".{name}{_TEMPORARY}{secrets.token_hex(6)}")
    write_new(path, data)
    try:
        if version.data is None:
            _give_to_owner_of(folder, path)
        else:
            found = os.stat(path)
            if (found.st_uid, found.st_gid) != (version.owner, version.group):
                os.chown(path, version.owner, version.group)
            _copy_attributes(version.target, path)
            os.chmod(path, version.mode)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise
    return path


def _give_to_owner_of(folder: str, path: str) -> None:
    """Give a new file to whose folder it is in: root may work in somebody's home."""
    if os.geteuid() == 0:
        found = os.stat(folder)
        os.chown(path, found.st_uid, found.st_gid)


def _copy_attributes(source: str, target: str) -> None:
    """Copy extended attributes, such as access lists, where the system has them."""
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(source):
            with suppress(OSError):
                os.setxattr(target, name, os.getxattr(source, name))


def _refuse_protected(version: Version) -> None:
    if version.data is None:
        return
    if not version.mode & 0o222 or not os.access(version.target, os.W_OK):
        raise FileError(
            "The file is read-only",
            version.path,
            "it is meant not to be changed, so it was not",
            f"chmod u+w {clean(version.target)}",
        )
    if version.owner not in (os.geteuid(), 0) and os.geteuid() != 0:
        raise FileError("The file belongs to somebody else", version.path, "nothing was changed")


def _compare(version: Version) -> None:
    now = read_version(version.path)
    if now.data != version.data or now.target != version.target:
        raise ChangedSince(version.path, version.data, now.data)


def write_failure(path: str, error: OSError) -> FileError:
    """Return the error for a file that could not be written; the old one is as it was."""
    if error.errno in _FULL:
        return FileError("The disk is full", path, "nothing was changed", "make room, then again")
    why = _WHY.get(error.errno or 0, error.strerror or str(error))
    return FileError("The file cannot be written", path, f"{why}; nothing was changed")
