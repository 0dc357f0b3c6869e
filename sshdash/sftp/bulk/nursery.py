"""A new folder on this machine that is filled before it gets its name.

All calls block: they belong in a thread.
"""

import errno
import os
from collections.abc import Iterable

from sshdash.sftp import local_calls as calls
from sshdash.sftp.beneath import Confined

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST = 64
"""Folders that are kept open."""


class Nursery:
    """One of these. Only its owner can get in, and it is known by what was opened, not by name."""

    def __init__(self, path: bytes) -> None:
        self.path = path
        self._open: dict[bytes, int] = {}
        """Descriptors of its folders, of itself under no name."""
        self._made: dict[int, int] = {}
        """Which permission bits the system gives a new file for those that were asked for."""

    def __repr__(self) -> str:
        return f"<Nursery {self.path!r} [{len(self._open)} open]>"

    def make(self, folders: Iterable[bytes], mode: int, run: Confined) -> None:
        """Make it and folders in it, parents first. Raises OSError."""
        run(self._make, self.path)
        for folder in folders:
            os.mkdir(folder, mode, dir_fd=self._open[b""])

    def store(self, name: bytes, content: bytes, mode: int, mtime_ns: int | None) -> None:
        """Create a file in it with its mode, and with its time where there is one to set.

        Raises OSError.
        """
        folder, _, last = name.removeprefix(b"./").rpartition(b"/")
        place = self._open.get(folder)
        if place is None:
            place = self._folder(folder)
        descriptor = calls.create(last, place, mode)  # nobody else gets in here to read it
        try:
            calls.fill(descriptor, (content,))
            made = self._made.get(mode)
            if made is None:
                made = self._made[mode] = os.fstat(descriptor).st_mode & 0o7777
            if made != mode:
                os.fchmod(descriptor, mode)
            if mtime_ns is not None:
                os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Keep nothing open; harmless when closed already."""
        opened, self._open = self._open, {}
        for descriptor in opened.values():
            os.close(descriptor)

    def _make(self, path: bytes) -> None:
        os.mkdir(path, 0o700)
        self._open[b""] = os.open(path, _OPEN)
        made = os.fstat(self._open[b""])
        if made.st_uid != os.geteuid() or made.st_mode & 0o022:
            # Who may write in the folder above can put another one in its place.
            raise PermissionError(errno.EPERM, "somebody else put it there", path)

    def _folder(self, folder: bytes) -> int:
        if len(self._open) > _MOST:
            oldest = next(name for name in self._open if name)
            os.close(self._open.pop(oldest))
        # Nobody else can put a link in the place of a folder in here.
        descriptor = os.open(folder, _OPEN, dir_fd=self._open[b""])
        self._open[folder] = descriptor
        return descriptor
