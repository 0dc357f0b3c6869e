"""One copy of one file, and how far it is."""

from collections.abc import Callable

from sshdash.sftp.partial import Arrived, Partial

Progress = Callable[[int], None]
"""Told bytes as they arrive; a negative number where they are started over."""


class UnderWay:
    """One copy of one file, from its beginning to its end."""

    def __init__(self, part: bytes, progress: Progress) -> None:
        self.part = part
        """The temporary file."""
        self.partial: Partial | None = None
        """What is gone on with, once it is known to be good."""
        self.arrived = Arrived()
        self.placing = False
        self._progress = progress
        self._counted = 0

    def wrote(self, offset: int, size: int) -> None:
        """Note bytes that are in the temporary file."""
        self.arrived.add(offset, size)
        self.count(size)

    def count(self, size: int) -> None:
        """Tell that bytes arrived."""
        self._counted += size
        self._progress(size)

    def forget(self) -> None:
        """Take back what was told: the copy has ended early."""
        self.count(-self._counted)
