"""Local paths below a folder, none of whose own folders may become a link meanwhile.

Who may write in the target of a copy could put a link in the place of a folder in it, and have the
rest of the copy written elsewhere. So each folder on the way is opened from the one above it
(openat(2), O_NOFOLLOW), and what is done is done in that open folder, whatever its name leads to.
All calls block: they belong in a thread.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from sshdash.errors import FileError
from sshdash.sftp.entries import is_inside
from sshdash.sftp.failures import shown

Result = TypeVar("Result")

_OPEN_FOLDERS = b"/proc/self/fd"
_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC


class Beneath:
    """A folder that stays open. Raises OSError where it cannot be opened."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._descriptor = os.open(root, _LOOK | os.O_DIRECTORY)
        # Elsewhere (macOS) an open folder has no path: there it is only looked at before.
        self._has_paths = os.path.isdir(_OPEN_FOLDERS)

    def __repr__(self) -> str:
        return f"<Beneath {self._root!r}>"

    def run(self, call: Callable[..., Result], *paths: bytes) -> Result:
        """Return what `call` returns for paths; links in place of their folders are refused.

        The last part of each is left to `call`. Paths elsewhere are taken as they are.
        """
        return self._run(call, paths, itself=False)

    def run_on(self, call: Callable[..., Result], path: bytes) -> Result:
        """Do likewise with what has the path itself, which must be no link either."""
        return self._run(call, (path,), itself=True)

    def close(self) -> None:
        """Give the folder back; harmless when closed already."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _run(self, call: Callable[..., Result], paths: tuple[bytes, ...], itself: bool) -> Result:
        with ExitStack() as opened:
            pinned = [self._pinned(path, itself, opened) for path in paths]
            try:
                return call(*pinned)
            except FileError as error:
                error.path = shown(paths[0])  # not the number of an open folder
                raise

    def _pinned(self, path: bytes, itself: bool, opened: ExitStack) -> bytes:
        """Return a path through the open folder that holds what `path` names."""
        if path == self._root or not is_inside(path, self._root):
            return path
        *folders, name = path[len(self._root) :].strip(b"/").split(b"/")
        above = self._descriptor
        for folder in folders:
            above = _opened(folder, above, path, opened, os.O_DIRECTORY)
        if itself:
            above = _opened(name, above, path, opened)
            if stat.S_ISLNK(os.fstat(above).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if not self._has_paths:
            return path
        at = b"%s/%d" % (_OPEN_FOLDERS, above)
        return at if itself else at + b"/" + name


def _opened(name: bytes, above: int, path: bytes, opened: ExitStack, how: int = 0) -> int:
    try:
        descriptor = os.open(name, _LOOK | how, dir_fd=above)
    except NotADirectoryError:
        found = os.lstat(name, dir_fd=above)
        number = errno.ELOOP if stat.S_ISLNK(found.st_mode) else errno.ENOTDIR
        raise OSError(number, os.strerror(number), path) from None
    opened.callback(os.close, descriptor)
    return descriptor
