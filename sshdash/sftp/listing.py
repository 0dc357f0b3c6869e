"""A directory's entries as they come, so that little is left to do after the last. Pure."""

import time
from array import array

from sshdash.sftp.browser import View
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.order import Sorter, natural
from sshdash.sftp.rows import Rows

_PIECE = 500
"""Entries that are freed without letting others have a turn."""


class Listing:
    """What is known of a directory while it is listed, and after."""

    def __init__(self) -> None:
        self.has_links = False
        self._sorter = Sorter(natural)
        self._entries = self._sorter.entries
        self._order: array[int] | None = None
        """Their places in the order of their names, once `rows` were asked for."""

    def __len__(self) -> int:
        """Return how many entries there are so far."""
        return len(self._entries)

    @property
    def entries(self) -> list[Entry]:
        """What there is so far, as it came."""
        return self._entries

    def add(self, entries: list[Entry]) -> None:
        """Take some more, before any `rows` are asked for."""
        self._sorter.add(entries)
        self.has_links = self.has_links or any(one.kind is Kind.SYMLINK for one in entries)

    def rows(self, view: View, path: bytes) -> Rows:
        """Return all of them as a view has them; of 10^5, ask for them in a thread."""
        if self._order is None:
            self._order = self._sorter.order()
        return view.rows(path, map(self._entries.__getitem__, self._order), natural_order=True)

    def replace(self, entries: list[Entry]) -> None:
        """Take the same entries once more: where links lead is told later."""
        self._entries = entries


def let_go(rows: Rows) -> None:
    """Free entries that nobody uses any more, little by little.

    Of 10^5, all at once would hold everybody up: call it in a thread.
    """
    rows.places.clear()
    rows.others.clear()
    while rows.entries:
        rows.entries.drop(_PIECE)
        time.sleep(0)  # lets the thread of the screen have the interpreter
