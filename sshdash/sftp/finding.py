"""Finds files below a folder: names stream in, whoever looks for one of them ranks those."""

from collections.abc import Callable
from dataclasses import dataclass

from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.walk import Source, Walker

MOST = 200_000
"""Entries after which looking ends: more are not ranked at the speed of typing."""


@dataclass(frozen=True, slots=True)
class Found:
    """One entry below the folder."""

    place: bytes
    """Its path relative to the folder."""
    entry: Entry


@dataclass(slots=True)
class Search:
    """What a look through a folder has come to."""

    complete: bool = True
    """Whether everything was seen: no bound was met, nothing was refused."""
    unreadable: int = 0
    """Folders that could not be listed."""


class _Enough(Exception):
    """As many entries were seen as are ranked."""


async def find_below(
    filesystem: Filesystem,
    folder: bytes,
    told: Callable[[list[Found]], None],
    hidden: bool = False,
    most: int = MOST,
) -> Search:
    """Tell all entries below `folder` as they are seen, links not followed, nearest first.

    What begins with a dot is left out with all below it, unless `hidden`. Raises ConnectionLost.
    """
    search = Search()
    batch: list[Found] = []
    seen = 0

    root = Source(folder, b"", Entry(b"", Kind.DIRECTORY))
    start = len(join(folder, b""))

    def visit(source: Source) -> bool:
        nonlocal seen, batch
        if source is root:
            return True
        if source.entry.is_hidden and not hidden:
            return False
        if seen >= most:
            raise _Enough
        seen += 1
        batch.append(Found(source.path[start:], source.entry))
        if len(batch) >= _BATCH:
            told(batch)
            batch = []
        return True

    def problem(path: bytes, reason: str) -> None:
        search.unreadable += 1
        search.complete = False

    walker = Walker(filesystem, None, visit, problem, lambda path, reason: None)
    try:
        await walker.walk([root])
    except _Enough:
        search.complete = False
    if batch:
        told(batch)
    return search


_BATCH = 500
