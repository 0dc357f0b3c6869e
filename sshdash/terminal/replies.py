"""What a terminal may answer to the programs that run in it.

A reply is typed into the remote as if by the person, so a program (or a file shown with ``cat``)
that could choose its text could run commands. Only the shapes below pass: numbers between fixed
characters. Titles, settings, clipboard, colours and names are never answered.
"""

import re
import time
from collections.abc import Callable

_ALLOWED = re.compile(
    rb"\x1b\[(?:"
    rb"[?>=]?[0-9;]*c"  # device attributes
    rb"|[?]?[0-9;]*[nR]"  # device status, cursor position, colour scheme
    rb"|(?:4|6|8|48)(?:;[0-9]+)+t"  # sizes in pixels and cells
    rb"|[?]?[0-9]+;[0-4]\$y"  # whether a mode is set
    rb"|[?][0-9]+u"  # keyboard protocol flags
    rb")\Z"
)
_LONGEST = 64


PER_SECOND = 16 * 1024
"""Bytes of answers a second, in the long run: a measurement of each glyph by its width fits."""


class Replies:
    """Collects the terminal's answers until they are sent; what would be too much is dropped.

    There is room for `limit` bytes at once, and it comes back at PER_SECOND by `clock`, which
    counts seconds: what is asked for without end is answered at no more than that.
    """

    def __init__(self, limit: int = 4096, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._room = float(limit)
        self._since = clock()
        self._pending = bytearray()

    def __repr__(self) -> str:
        return f"<Replies [{len(self._pending)} bytes pending]>"

    def add(self, reply: bytes) -> None:
        """Keep `reply` if it has an allowed shape and there is room for it."""
        room = min(self._room_now(), self._limit - len(self._pending))
        if len(reply) <= min(_LONGEST, room) and _ALLOWED.match(reply):
            self._room -= len(reply)
            self._pending += reply

    def take(self) -> bytes:
        """Return what is to be sent, and forget it."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken

    def _room_now(self) -> float:
        """Return how many bytes may still be answered, with what has come back since."""
        now = self._clock()
        self._room = min(self._limit, self._room + (now - self._since) * PER_SECOND)
        self._since = now
        return self._room
