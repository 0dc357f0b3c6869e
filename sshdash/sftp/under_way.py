"""One copy of one file, and how far it is."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.partial import Arrived, Partial
from sshdash.sftp.tasks import CancelledTooLate, finish
from sshdash.sftp.throttle import Pace

_PATIENCE = 3.0
"""Seconds for finding out whether a file has its name, where nobody waits for that any more."""

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


async def ensure_unnamed(under_way: UnderWay, target: Filesystem, error: BaseException) -> None:
    """Raise CancelledTooLate where a copy ends as cancelled, and its file has its name.

    That is asked for, and comes of it, whoever still waits for the answer.
    """
    if not (under_way.placing and isinstance(error, asyncio.CancelledError)):
        return
    has_name = isinstance(error, CancelledTooLate)

    async def look() -> None:
        nonlocal has_name
        has_name = await target.exists(under_way.part) is None

    if not has_name:
        with suppress(SSHDashError, asyncio.CancelledError):  # it ends as cancelled anyway
            await finish(look(), _PATIENCE)
    if has_name:
        raise CancelledTooLate from None
