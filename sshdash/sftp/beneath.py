"""Local paths below a folder, none of whose own folders may become a link meanwhile.

Who may write in the target of a copy could put a link in the place of a folder in it, and have the
rest of the copy written elsewhere. So each folder on the way is opened from the one above it
(openat(2), O_NOFOLLOW), and what is done is done in that open folder, whatever its name leads to.
All calls block: they belong in a thread.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Protocol, TypeVar

from sshdash.errors import FileError
from sshdash.sftp.entries import is_inside
from sshdash.sftp.failures import shown

Result = TypeVar("Result")

_OPEN_FOLDERS = b"/proc/self/fd"
_FRESH = 1.0
"""Seconds that an open folder is used again for: whoever renames it is soon noticed."""
_MOST = 64
"""Folders that are kept open."""
_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC


class Confined(Protocol):
    """Does calls that change files, in open folders where these are confined."""

    def __call__(self, call: Callable[..., Result], /, *paths: bytes) -> Result:
        """Return what `call` returns for paths. Raises OSError."""
        ...


def unconfined(call: Callable[..., Result], /, *paths: bytes) -> Result:
    """Do a call where nothing is confined."""
    return call(*paths)


class _Folder:
    """An open folder, closed by the last of its users once it is not kept any more."""

    __slots__ = ("descriptor", "due", "users")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.due = time.monotonic() + _FRESH
        self.users = 1
        """The one that keeps it, too."""


class Beneath:
    """A folder that stays open. Raises OSError where it cannot be opened."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._descriptor = os.open(root, _LOOK | os.O_DIRECTORY)
        # Elsewhere (macOS) an open folder has no path: there it is only looked at before.
        self._has_paths = os.path.isdir(_OPEN_FOLDERS)
        self._kept: dict[bytes, _Folder] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Beneath {self._root!r} [{len(self._kept)} open]>"

    def run(self, call: Callable[..., Result], *paths: bytes) -> Result:
        """Return what `call` returns for paths; links in place of their folders are refused.

        The last part of each is left to `call`. Paths elsewhere are taken as they are.
        """
        return self._run(call, paths, itself=False)

    def run_on(self, call: Callable[..., Result], path: bytes) -> Result:
        """Do likewise with what has the path itself, which must be no link either."""
        return self._run(call, (path,), itself=True)

    def close(self) -> None:
        """Give the folders back; harmless when closed already."""
        self._forget_all()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _run(self, call: Callable[..., Result], paths: tuple[bytes, ...], itself: bool) -> Result:
        try:
            return self._do(call, paths, itself)
        except FileNotFoundError:
            self._forget_all()  # a folder that was removed may have been made anew
            return self._do(call, paths, itself)

    def _do(self, call: Callable[..., Result], paths: tuple[bytes, ...], itself: bool) -> Result:
        with ExitStack() as used:
            pinned = [used.enter_context(self._pinned(path, itself)) for path in paths]
            try:
                return call(*pinned)
            except FileError as error:
                error.path = shown(paths[0])  # not the number of an open folder
                raise

    @contextmanager
    def _pinned(self, path: bytes, itself: bool) -> Iterator[bytes]:
        """Give a path through the open folder that holds what `path` names."""
        if path == self._root or not is_inside(path, self._root):
            yield path
            return
        inside, _, name = path.rpartition(b"/")
        folder = self._take(inside, path)
        own = -1
        try:
            at = b"%s/%d/%s" % (_OPEN_FOLDERS, folder.descriptor, name)
            if itself:
                own = _opened(name, folder.descriptor, path)
                if stat.S_ISLNK(os.fstat(own).st_mode):
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                at = b"%s/%d" % (_OPEN_FOLDERS, own)
            yield at if self._has_paths else path
        finally:
            if own >= 0:
                os.close(own)
            self._give_back(folder)

    def _take(self, inside: bytes, path: bytes) -> _Folder:
        """Return an open folder, one user more; it is to be given back."""
        with self._lock:
            folder = self._kept.get(inside)
            if folder is not None and time.monotonic() < folder.due:
                folder.users += 1
                return folder
        folder = _Folder(self._open(inside, path))
        with self._lock:
            gone = [self._kept.pop(inside, None)]
            if len(self._kept) >= _MOST:
                gone.append(self._kept.pop(next(iter(self._kept))))
            self._kept[inside] = folder
            folder.users += 1
        for one in gone:
            if one is not None:
                self._give_back(one)
        return folder

    def _give_back(self, folder: _Folder) -> None:
        with self._lock:
            folder.users -= 1
            last = not folder.users
        if last:
            os.close(folder.descriptor)

    def _forget_all(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, {}
        for folder in kept.values():
            self._give_back(folder)

    def _open(self, inside: bytes, path: bytes) -> int:
        """Return a descriptor of a folder, each on the way opened from the one above it."""
        descriptor = os.dup(self._descriptor)
        for folder in filter(None, inside[len(self._root) :].split(b"/")):
            try:
                below = _opened(folder, descriptor, path, os.O_DIRECTORY)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor


def _opened(name: bytes, above: int, path: bytes, how: int = 0) -> int:
    try:
        return os.open(name, _LOOK | how, dir_fd=above)
    except NotADirectoryError:
        found = os.lstat(name, dir_fd=above)
        number = errno.ELOOP if stat.S_ISLNK(found.st_mode) else errno.ENOTDIR
        raise OSError(number, os.strerror(number), path) from None
