"""The files of recordings: made private and never over another, and taken away when too old.

Nothing here runs on the event loop: every function may wait for the disk.
"""

import contextlib
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from sshdash.paths import private_dir

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}(?:_\d{1,4})?(?:_part\d{1,6})?\.(?:cast|txt)")
"""What recordings are called; nothing else is ever taken away."""
_LONGEST = 100
_MOST = 9999
"""Recordings that begin in one second at most."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def folder_name(host: str) -> str:
    """Return what a host's folder is called: a name that is one, whatever the host is called."""
    name = host.encode("utf-8", "surrogatepass")
    safe = quote(name, safe="@:+")
    if safe.startswith("."):
        safe = f"%2E{safe[1:]}"
    if len(safe) > _LONGEST:
        safe = f"{safe[:_LONGEST]}-{sha256(name).hexdigest()[:16]}"
    return safe


def open_folder(root: Path, host: str) -> int:
    """Return a descriptor of a host's folder, made for this user alone where there is none.

    Raises OSError, also where the folder is a link or somebody else's.
    """
    parent = os.open(private_dir(root), _FOLDER)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder_name(host), 0o700, dir_fd=parent)
        folder = os.open(folder_name(host), _FOLDER, dir_fd=parent)
    finally:
        os.close(parent)
    if os.fstat(folder).st_uid != os.getuid():
        os.close(folder)
        raise PermissionError(f"{root / folder_name(host)} belongs to somebody else")
    return folder


class RecordingFile:
    """One file that only grows, by whole lines. Raises OSError wherever the disk does.

    It is locked as long as it is written to, so that no other sshdash takes it away.
    """

    def __init__(self, folder: int, stem: str, suffix: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        for number in range(1, _MOST + 1):
            self.stem = stem if number == 1 else f"{stem}_{number}"
            name = f"{self.stem}.{suffix}"
            try:
                self._descriptor = os.open(name, flags, 0o600, dir_fd=folder)
            except FileExistsError:
                continue
            break
        else:
            raise FileExistsError(f"there are {_MOST} of {stem}.{suffix} already")
        self.name = name
        self.size = 0
        # A file system without locks is no reason not to record.
        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, text: str) -> None:
        """Add whole lines; where that fails, what there is of them is taken back."""
        rest = memoryview(text.encode("utf-8", "replace"))
        length = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            raise
        self.size += length

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class _Kept:
    modified: float
    size: int
    path: Path


def remove_old(root: Path, days: int, total: int) -> list[Path]:
    """Take away recordings older than `days`, then the oldest beyond `total` bytes; return them.

    0 is no limit. One that is being written stays, also where another sshdash writes it.
    """
    gone: list[Path] = []
    if not days and not total:
        return gone
    kept = sorted(_recordings(root), key=lambda one: one.modified)
    size = sum(one.size for one in kept)
    oldest = time.time() - days * 86_400 if days else 0.0
    for one in kept:
        too_much = bool(total) and size > total
        if one.modified >= oldest and not too_much:
            continue
        if _remove(one.path):
            gone.append(one.path)
        elif os.path.lexists(one.path):
            continue
        size -= one.size
    return gone


def _recordings(root: Path) -> Iterator[_Kept]:
    """Yield what there is and can be looked at; others may take some of it away meanwhile."""
    for folder in _listed(root):
        if not folder.is_dir(follow_symlinks=False):
            continue
        for entry in _listed(folder):
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    yield _Kept(status.st_mtime, status.st_size, Path(entry.path))


def _listed(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """Return what is in a folder, nothing where that cannot be told."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _remove(path: Path) -> bool:
    """Remove a file that nobody writes to; return whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:  # somebody records into it, or it may not be removed
        return False
    finally:
        os.close(descriptor)
    return True
