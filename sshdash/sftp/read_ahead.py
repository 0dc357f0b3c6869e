"""Folders of this machine that are listed before anybody asks: while a host is being reached."""

import time
from collections import deque

from sshdash.sftp import local_calls as calls
from sshdash.sftp.entries import Entry, Kind, join

_MOST = 50_000
"""Entries that are kept."""
_FRESH = 2.0
"""Seconds for which a listing is what it would be now."""


class ReadAhead:
    """The folders of one tree, in the order they are going to be asked for."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._listed: dict[bytes, tuple[float, list[Entry]]] = {}
        self._is_over = False

    def __repr__(self) -> str:
        return f"<ReadAhead {self._root!r} [{len(self._listed)} folders]>"

    def read(self) -> None:
        """List the tree, in a thread, until it has ended or somebody came to what is not listed."""
        waiting, left = deque([self._root]), _MOST
        while waiting and left > 0 and not self._is_over:
            path = waiting.popleft()
            try:
                listing = calls.Listing(path)
                try:
                    entries = listing.first
                    while not listing.is_whole and len(entries) < left:
                        entries += listing.more()
                finally:
                    listing.close()
            except OSError:
                continue  # whoever asks for it is told why
            left -= len(entries)
            if listing.is_whole:
                self._listed[path] = time.monotonic(), entries
                below = join(path, b"")
                waiting += [below + one.name for one in entries if one.kind is Kind.DIRECTORY]

    def take(self, path: bytes) -> list[Entry] | None:
        """Return what is in a folder, once; None where that is not known, or not any more."""
        found = self._listed.pop(path, None)
        if found is None:
            self.end()
        elif time.monotonic() - found[0] < _FRESH:
            return found[1]
        return None

    def end(self) -> None:
        """Read no more than what is being read."""
        self._is_over = True
