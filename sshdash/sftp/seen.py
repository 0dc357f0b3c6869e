"""Whether what is to be replaced or deleted is still what was seen when that was decided."""

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry
from sshdash.sftp.failures import MissingError, shown
from sshdash.sftp.filesystem import Filesystem

_SECOND = 10**9

Seen = tuple[int, int]
"""Size and time, in the whole seconds that every system tells."""


def seen_of(entry: Entry) -> Seen:
    """Return what is remembered of an entry that was seen."""
    return entry.size, entry.mtime_ns // _SECOND


def is_as_seen(now: Entry, then: Entry) -> bool:
    """Return whether a file or link is what it was."""
    return now.kind is then.kind and seen_of(now) == seen_of(then)


class ChangedThere(FileError):
    """What was to be replaced is not what was seen; the person has to decide anew."""

    def __init__(self, path: bytes, host: str = "") -> None:
        detail = "it has changed there since it was compared"
        super().__init__("not overwritten", shown(path), detail, "compare again", host)


async def ensure_as_seen(target: Filesystem, path: bytes, then: Entry) -> None:
    """Return where `path` is what it was, or is gone. Raises ChangedThere, and FileError."""
    try:
        now = await target.lstat(path)
    except MissingError:
        return
    if not is_as_seen(now, then):
        raise ChangedThere(path, "" if target.is_local else target.label)
