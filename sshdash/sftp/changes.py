"""Whether a source is still what it was when it was listed or opened."""

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import CopySource

PAGES = (4096, 16384, 65536)
"""Sizes that a kernel's pseudo files claim whatever is in them."""


class Changed(Exception):
    """The source is not what it was; `entry` is what it is now."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


def compare(before: Entry, after: Entry, size: int, may_grow: bool = False) -> str:
    """Return a complaint where a source that may grow has done so, else nothing.

    Raises Changed where what was read is not all of what the source is now.
    """
    if before.size == 0 and after.size == 0 and size:
        return ""  # a pseudo file; its time is that of the look at it
    if may_grow and has_grown(before, after, size):
        return grown(size)
    if differs(before, after):
        raise Changed(after)
    if size != after.size and not (size < after.size and after.size in PAGES):
        raise Changed(after)
    return ""


def grown(size: int) -> str:
    """Return the complaint about a source of which only what it was is copied."""
    return f"it grew meanwhile: these are its first {size:,} bytes"


def has_grown(before: Entry, after: Entry, size: int) -> bool:
    """Return whether all that a file was is read, and there is only more of it now, as in a log."""
    kept = before.kind is after.kind is Kind.FILE
    return kept and 0 < before.size == size < after.size


def unsteady(path: bytes, source: CopySource) -> FileError:
    """Return the error for a source that changed again and again while it was copied."""
    host = "" if source.is_local else source.label
    hint = "retry once nobody writes to it"
    return FileError("source changed while copied", shown(path), "", hint, host)


def differs(one: Entry, other: Entry) -> bool:
    """Return whether two looks at a file saw different ones."""
    return (one.kind, one.size, one.mtime_ns) != (other.kind, other.size, other.mtime_ns)
