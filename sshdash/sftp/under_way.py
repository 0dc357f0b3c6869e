"""One copy of one file, and how far it is."""

from collections.abc import Callable

from sshdash.sftp.entries import Entry
from sshdash.sftp.partial import Arrived, Partial
from sshdash.sftp.throttle import Pace

Progress = Callable[[int], None]
"""Told bytes as they arrive; a negative number where they are started over."""


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
        """Take back what was told: the copy has ended early."""
        self.count(-self._counted)
