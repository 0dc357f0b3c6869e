"""How much folders hold, counted as one asks for it."""

import time
from collections.abc import Callable, Iterable

from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.trees import Census
from sshdash.sftp.walk import Source, Walker

_INTERVAL = 0.2
"""Seconds between two times that a count under way is told."""


async def measure(
    filesystem: Filesystem,
    folder: bytes,
    entries: Iterable[Entry],
    told: Callable[[Entry, Census], None],
    ended: Callable[[Entry, Census], None],
) -> None:
    """Count what each directory among `entries` of `folder` holds, one after the other.

    `told` gets each census as it grows, `ended` when it is final; links are not followed. What
    cannot be listed makes a census incomplete. Raises ConnectionLost.
    """
    for entry in entries:
        if entry.kind is Kind.DIRECTORY:
            census = Census()
            await _count(filesystem, join(folder, entry.name), entry, census, told)
            ended(entry, census)


async def _count(
    filesystem: Filesystem,
    path: bytes,
    root: Entry,
    census: Census,
    told: Callable[[Entry, Census], None],
) -> None:
    due = time.monotonic() + _INTERVAL

    def visit(source: Source) -> bool:
        nonlocal due
        if source.path != path:
            census.add(source.entry)
        if time.monotonic() >= due:
            told(root, census)
            due = time.monotonic() + _INTERVAL
        return True

    def problem(path: bytes, reason: str) -> None:
        census.complete = False

    walker = Walker(filesystem, None, visit, problem, lambda path, reason: None)
    await walker.walk([Source(path, root.name, root)])
