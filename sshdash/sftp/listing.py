"""A directory's entries as they come, so that little is left to do after the last. Pure."""

import time
from collections.abc import Iterable

from sshdash.sftp.browser import View
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.order import Sorter, natural
from sshdash.sftp.rows import Rows

_PIECE = 500
"""Entries that are freed without letting others have a turn."""


class Listing:
    """What is known of a directory while it is listed, and after."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        """In the order they came."""
        self.named: dict[bytes, Entry] = {}
        self.has_links = False
        self._sorter = Sorter(natural)
        self._ordered: list[Entry] | None = None

    def __len__(self) -> int:
        """Return how many entries there are so far."""
        return len(self.entries)

    def add(self, entries: list[Entry]) -> None:
        """Take some more."""
        self.entries += entries
        self.named.update({entry.name: entry for entry in entries})
        self._sorter.add(entries)
        self.has_links = self.has_links or any(one.kind is Kind.SYMLINK for one in entries)

    def rows(self, view: View, path: bytes) -> Rows:
        """Return all of them as a view has them; of 10^5, ask for them in a thread."""
        if self._ordered is None:
            self._ordered = self._sorter.all()
            self._sorter = Sorter(natural)
        return view.rows(path, self._ordered, natural_order=True)

    def replace(self, entries: Iterable[Entry]) -> None:
        """Take other entries of the same names: where links lead is told later.

        Takes a while for 10^5, as `rows` does.
        """
        self.entries = list(entries)
        self.named = {entry.name: entry for entry in self.entries}
        if self._ordered is not None:
            self._ordered = [self.named[entry.name] for entry in self._ordered]


def let_go(rows: list[Entry], named: dict[bytes, Entry]) -> None:
    """Free entries that nobody uses any more, little by little.

    Of 10^5, all at once would hold everybody up: call it in a thread.
    """
    named.clear()
    while rows:
        del rows[-_PIECE:]
        time.sleep(0)  # lets the thread of the screen have the interpreter
