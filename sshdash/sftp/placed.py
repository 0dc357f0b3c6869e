"""Folders that were about to get their names, with all that is in them, when a run ended."""

from sshdash.sftp.entries import Kind, join
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.partial import is_copy
from sshdash.sftp.walk import Source


class PlacedFolders:
    """Those of them that got their names, though nobody heard of it."""

    def __init__(self) -> None:
        self._prefixes: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"<PlacedFolders {self._prefixes}>"

    async def find(self, ledger: Ledger, target: Filesystem) -> None:
        """Look which did; they are known to the next run, too. The others are left over."""
        folders = [
            path for path, one in ledger.partials.items() if one.entry.kind is Kind.DIRECTORY
        ]
        for path in folders:
            if await target.exists(ledger.partials[path].part) is None:
                self._prefixes += (join(path, b""),)
            else:
                ledger.abandon(path)

    def forget(self, ledger: Ledger) -> None:
        """Have done with them: all that is in them is noted."""
        for prefix in self._prefixes:
            ledger.abandon(prefix[:-1])

    def hold(self, source: Source, folder: bytes, timed: bool) -> bool:
        """Return whether a file came to its place in `folder` with one of them."""
        if source.existing is None or not self._prefixes:
            return False
        if not join(folder, source.place).startswith(self._prefixes):
            return False
        return is_copy(source.entry, source.existing, timed)
