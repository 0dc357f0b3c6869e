"""What trees take up: sizes summed for a directory and for those below it, down to some depth."""

from collections.abc import Callable
from dataclasses import dataclass

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.tasks import each

_WIDTH = 32
"""Directories that are listed at the same time."""
_MAX_DEPTH = 1000
"""Levels after which a tree is taken for an endless one."""


@dataclass(slots=True)
class Usage:
    """What a directory holds with everything below it, or a single file."""

    path: bytes
    size: int = 0
    """Bytes of the regular files."""
    files: int = 0
    """Everything that is not a directory."""
    folders: int = 0
    """Directories, itself included."""

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        if entry.kind is Kind.DIRECTORY:
            self.folders += 1
            return
        self.files += 1
        if entry.kind is Kind.FILE:
            self.size += entry.size


@dataclass(frozen=True, slots=True)
class _Folder:
    path: bytes
    sums: tuple[Usage, ...]
    """Those of itself and of what holds it, as far as they are shown."""


async def measure(
    filesystem: Filesystem, path: bytes, depth: int, problem: Callable[[FileError], None]
) -> list[Usage]:
    """Return the sums of `path` and of directories at most `depth` below it, itself last.

    Links are not followed, but for `path` itself no more than for the rest. `problem` is told
    what could not be listed; the rest is summed. Raises FileError where `path` is not there.
    """
    root = Usage(path)
    entry = await filesystem.lstat(path)
    root.add(entry)
    shown = [root]
    level = [_Folder(path, (root,))] if entry.kind is Kind.DIRECTORY else []
    for deep in range(_MAX_DEPTH):
        if not level:
            break
        below: list[_Folder] = []

        async def look(folder: _Folder, below: list[_Folder] = below, deep: int = deep) -> None:
            try:
                async for batch in filesystem.scandir(folder.path):
                    found = [_count(folder, entry, deep < depth) for entry in batch]
                    below += [one for one in found if one]
            except FileError as error:
                problem(error)

        await each(level, min(_WIDTH, len(level)), look)
        if deep < depth:
            shown += [folder.sums[-1] for folder in below]
        level = below
    if level:
        problem(FileError("cannot list", "", f"more than {_MAX_DEPTH} directories deep"))
    # A directory after what is in it, as du has it.
    return sorted(shown, key=lambda usage: _last(usage.path))


def _count(folder: _Folder, entry: Entry, is_shown: bool) -> _Folder | None:
    """Add an entry to all sums it belongs to; return it where it is a directory."""
    for usage in folder.sums:
        usage.add(entry)
    if entry.kind is not Kind.DIRECTORY:
        return None
    path = join(folder.path, entry.name)
    return _Folder(path, (*folder.sums, Usage(path, folders=1)) if is_shown else folder.sums)


def _last(path: bytes) -> tuple[tuple[bool, bytes], ...]:
    """Return what sorts a path behind everything below it."""
    parts = path.strip(b"/").split(b"/") if path.strip(b"/") else []
    return (*((False, part) for part in parts), (True, b""))
