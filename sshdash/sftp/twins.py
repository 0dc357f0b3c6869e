"""Further names of files that are copied under another: hard links stay hard links."""

from collections.abc import Callable

from sshdash.errors import FileError
from sshdash.sftp.entries import join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.mover import Mover
from sshdash.sftp.partial import is_copy
from sshdash.sftp.tasks import each, undivided
from sshdash.sftp.walk import Source

_PATIENCE = 10.0
"""Seconds that whoever cancels waits for a name under way."""


class Twins:
    """Those of one run; none where nothing is `kept` of a file but its content."""

    def __init__(self, kept: bool) -> None:
        self._kept = kept
        self.found: list[Source] = []
        self._firsts: dict[tuple[int, int], Source] = {}
        """The first name of each file that has several."""

    def take(self, source: Source) -> bool:
        """Return whether it is another name of a file that is copied already, and keep it then."""
        linked = source.entry.linked
        if linked is None or not self._kept:
            return False
        is_twin = self._firsts.setdefault(linked, source) is not source
        if is_twin:
            self.found.append(source)
        return is_twin

    def know(self, source: Source) -> None:
        """Take one that an earlier run has copied, where it still is what that made of it."""
        entry, there = source.entry, source.existing
        if self._kept and entry.linked and there and is_copy(entry, there, timed=True):
            self._firsts.setdefault(entry.linked, source)

    async def link_all(
        self,
        target: Filesystem,
        folder: bytes,
        ledger: Ledger,
        mover: Mover,
        failed: Callable[[Source, FileError], None],
    ) -> list[Source]:
        """Give files that were copied their further names; return those that have to be copied."""
        apart: list[Source] = []

        async def link(twin: Source) -> None:
            assert twin.entry.linked is not None
            first, linked = self._firsts[twin.entry.linked], False
            names = [join(folder, one.place) for one in (first, twin)]

            async def name() -> str:
                nonlocal linked
                await undivided(target.hardlink(*names), _PATIENCE)
                linked = True
                return ""

            try:
                if first.key not in ledger.done:
                    raise FileError("its first name was not copied")
                with ledger.tracking(twin):
                    await mover.after(name(), twin)
            except FileError as error:
                if linked:
                    failed(twin, error)
                else:
                    apart.append(twin)

        await each(self.found, min(target.limits.files, len(self.found)), link)
        return apart
