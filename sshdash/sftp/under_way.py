"""One copy of one file, and how far it is."""

from collections.abc import Callable

from msgspec import Struct

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.partial import Arrived, Partial
from sshdash.sftp.throttle import Pace

Progress = Callable[[int], None]
"""Told bytes as they arrive; a negative number where they are started over."""


class FileCopy(Struct, frozen=True, gc=False):
    """One file to copy."""

    source: bytes
    target: bytes
    entry: Entry
    """What the source was when it was listed."""
    existing: Entry | None = None
    """What is to be replaced; None where nothing may be."""
    resume: bool = False
    """Whether what is to be replaced is the beginning, and to be gone on with."""
    in_place: bool = False
    """Whether what is there is written into, rather than replaced once all has arrived."""

    def may_be_written(self, error: FileError, part: bytes) -> bool:
        """Return whether a failure is about the temporary file, where there is no need of one."""
        files = self.existing is not None and self.existing.kind is self.entry.kind is Kind.FILE
        return files and error.path in (shown(part), shown(self.target))


class UnderWay:
    """One copy of one file, from its beginning to its end."""

    def __init__(
        self,
        part: bytes,
        entry: Entry,
        replacing: bool,
        progress: Progress,
        pace: Pace,
    ) -> None:
        self.part = part
        """The temporary file."""
        self.partial: Partial | None = None
        """What is gone on with, once it is known to be good."""
        self.arrived = Arrived()
        self.sent = False
        """Whether any of it may be there, known to have arrived or not."""
        self.placing = False
        self.pace = pace
        """How fast it may go."""
        self._entry = entry
        self._replacing = replacing
        self._progress = progress
        self._counted = 0

    def wrote(self, offset: int, size: int) -> None:
        """Note bytes that are in the temporary file."""
        self.arrived.add(offset, size)
        self.count(size)

    @property
    def done(self) -> int:
        """Bytes from the start that are in the temporary file."""
        if self.partial is not None and not self.arrived.until:
            return self.partial.done
        return self.arrived.until

    def so_far(self) -> Partial:
        """Return what could be gone on with, were it interrupted now."""
        if self.partial is not None and not self.arrived.until:
            return self.partial  # nothing was done about it yet
        done = self.arrived.until
        return Partial(self.part, self._entry, done, self._replacing, self.placing)

    def count(self, size: int) -> None:
        """Tell that bytes arrived."""
        self._counted += size
        self._progress(size)

    def forget(self) -> None:
        """Take back what was told, as the copy has ended early."""
        self.count(-self._counted)
