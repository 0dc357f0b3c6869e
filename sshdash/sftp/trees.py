"""Whole trees: what they hold, and removing them."""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import islice

from msgspec import Struct

from sshdash.errors import ConnectionLost, FileError, SSHDashError
from sshdash.sftp.entries import Entry, Kind, join, name_of, parent_of
from sshdash.sftp.failures import ExistsError, MissingError, shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import confined
from sshdash.sftp.tasks import each
from sshdash.sftp.turns import Turns
from sshdash.untrusted import clean

COUNT_LIMIT = 50_000
_AT_ONCE = 500
"""Entries that are counted without a pause."""
_WIDTH = 32
"""Directories, or entries of each, that are worked on at the same time."""


class Census(Struct):
    """What trees hold, as far as it was counted."""

    files: int = 0
    """Everything that is not a directory."""
    folders: int = 0
    size: int = 0
    """Bytes of the regular files."""
    complete: bool = True
    """Whether everything was seen."""

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        if entry.kind is Kind.DIRECTORY:
            self.folders += 1
        else:
            self.files += 1
            self.size += entry.size if entry.kind is Kind.FILE else 0


class Stop:
    """Asks whatever looks at it to end soon, with what is under way done."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self) -> None:
        """Ask to end."""
        self.asked = True


async def count_trees(
    filesystem: Filesystem,
    folder: bytes,
    entries: Iterable[Entry],
    seconds: float = 2.0,
    stop: Stop | None = None,
    told: Callable[[Census], None] = lambda _: None,
) -> Census:
    """Return what `entries` of `folder` hold, themselves included, links not followed.

    Counting ends after some seconds, `COUNT_LIMIT` entries, or when `stop` is asked; `told` hears
    of it on the way. A directory that cannot be read
    makes the census incomplete; a lost connection raises.
    """
    census = Census()
    until = time.monotonic() + seconds
    paths: list[bytes] = []
    turns = Turns()
    source = iter(entries)
    while batch := list(islice(source, _AT_ONCE)):
        await turns.take()
        for entry in batch:
            census.add(entry)
        paths += [join(folder, one.name) for one in batch if one.kind is Kind.DIRECTORY]
    while paths:
        told(census)
        counted = census.files + census.folders
        if time.monotonic() > until or counted > COUNT_LIMIT or (stop and stop.asked):
            census.complete = False
            break
        path = paths.pop()
        try:
            async for batch in filesystem.scandir(path):
                for entry in batch:
                    census.add(entry)
                    if entry.kind is Kind.DIRECTORY:
                        paths.append(join(path, entry.name))
        except ConnectionLost:
            raise
        except SSHDashError:
            census.complete = False
    return census


async def remove_trees(
    filesystem: Filesystem,
    paths: Iterable[bytes],
    removed: Callable[[int], None] = lambda _: None,
    stop: Stop | None = None,
) -> int:
    """Remove files, links (never what they point to) and directories with all they hold.

    Returns how many entries went, all of them unless `stop` was asked; `removed` is told the
    count on the way. What cannot be removed is left, the rest goes on; then FileError names the
    first failure and how many there were. A lost connection raises at once.
    """
    removal = _Removal(filesystem, removed, stop or Stop())
    by_folder: dict[bytes, list[bytes]] = {}
    for path in paths:
        by_folder.setdefault(parent_of(path), []).append(path)
    for folder, roots in by_folder.items():
        await removal.remove(folder, roots)
    if removal.first is not None:
        more = f", and {removal.failures - 1} more" if removal.failures > 1 else ""
        error = removal.first
        raise FileError(
            f"Not everything was deleted ({removal.count} of it was)",
            error.path,
            f"{error.title}{f': {error.detail}' if error.detail else ''}{more}",
            error.hint,
            error.host,
        )
    return removal.count


async def make_folders(filesystem: Filesystem, path: bytes, mode: int = 0o777) -> bool:
    """Make the directory `path` and those above it that are missing; return whether it was.

    At no moment does it allow what `mode` does not; those above have theirs by the umask.
    Raises FileError where something else has one of the names.
    """
    missing: list[bytes] = []
    above = path
    while (found := await _what_is(filesystem, above)) is None:
        missing.append(above)
        above = parent_of(above)
    if found.kind is not Kind.DIRECTORY:
        detail, host = f"{shown(above)} is no directory", filesystem.label
        host = "" if filesystem.is_local else host
        raise FileError("cannot make the directory", shown(path), detail, host=host)
    for folder in reversed(missing):
        try:
            await filesystem.mkdir(folder, mode if folder == path else 0o777)
        except ExistsError:
            if (await filesystem.stat(folder)).kind is not Kind.DIRECTORY:
                raise
    return bool(missing)


async def _what_is(filesystem: Filesystem, path: bytes) -> Entry | None:
    try:
        return await filesystem.stat(path)
    except MissingError:
        return None


class _Removal:
    """One removal: level by level downward, then the emptied directories from the bottom up."""

    def __init__(self, filesystem: Filesystem, removed: Callable[[int], None], stop: Stop) -> None:
        self._filesystem = filesystem
        self._removed = removed
        self._stop = stop
        self.count = 0
        self.failures = 0
        self.first: FileError | None = None

    async def remove(self, folder: bytes, roots: list[bytes]) -> None:
        """Remove trees in `folder` that hold nothing of each other, many entries at once."""
        try:
            real = await confined(self._filesystem, folder)
        except FileError as error:
            self._fail(error, folder)
            return
        roots = [join(real, name_of(root)) for root in roots]
        folders: list[bytes] = []
        await self._each(roots, partial(self._begin, folders=folders))
        levels = [folders]
        while levels[-1]:
            below: list[bytes] = []
            await self._each(levels[-1], partial(self._empty, below=below))
            levels.append(below)
        for level in reversed(levels):
            await self._each(level, self._rmdir)

    async def _begin(self, root: bytes, folders: list[bytes]) -> None:
        """Unlink a root that is not a directory, and put one that is into `folders`."""
        try:
            is_folder = (await self._filesystem.lstat(root)).kind is Kind.DIRECTORY
        except FileError as error:
            self._fail(error, root)
            return
        if is_folder:
            folders.append(root)
        else:
            await self._unlink(root)

    async def _empty(self, folder: bytes, below: list[bytes]) -> None:
        """Unlink what is not a directory, and put the directories into `below`."""
        files: list[bytes] = []
        try:
            async for batch in self._filesystem.scandir(folder):
                for entry in batch:
                    path = join(folder, entry.name)
                    (below if entry.kind is Kind.DIRECTORY else files).append(path)
        except FileError as error:
            self._fail(error, folder)
        await self._each(files, self._unlink)

    async def _unlink(self, path: bytes) -> None:
        await self._count(self._filesystem.unlink(path), path)

    async def _rmdir(self, path: bytes) -> None:
        await self._count(self._filesystem.rmdir(path), path)

    async def _count(self, removing: Awaitable[None], path: bytes) -> None:
        try:
            await removing
        except FileError as error:
            self._fail(error, path)
        else:
            self.count += 1
            self._removed(self.count)

    async def _each(self, paths: list[bytes], work: Callable[[bytes], Awaitable[None]]) -> None:
        await each(self._until_stopped(paths), min(_WIDTH, len(paths)), work)

    def _until_stopped(self, paths: list[bytes]) -> Iterator[bytes]:
        for path in paths:
            if self._stop.asked:
                return
            yield path

    def _fail(self, error: FileError, path: bytes) -> None:
        self.failures += 1
        if self.first is None:
            error.path = error.path or clean(path)
            self.first = error
