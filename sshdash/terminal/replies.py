"""What a terminal may answer to the programs that run in it.

A reply is typed into the remote as if by the person, so a program (or a file shown with ``cat``)
that could choose its text could run commands. Only the shapes below pass: numbers between fixed
characters. Titles, settings, clipboard, colours and names are never answered.
"""

import re

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


class Replies:
    """Collects the terminal's answers until they are sent; what would be too much is dropped."""

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._pending = bytearray()

    def __repr__(self) -> str:
        return f"<Replies [{len(self._pending)} bytes pending]>"

    def add(self, reply: bytes) -> None:
        """Keep `reply` if it has an allowed shape and there is room for it."""
        if len(reply) > _LONGEST or len(self._pending) + len(reply) > self._limit:
            return
        if _ALLOWED.match(reply):
            self._pending += reply

    def take(self) -> bytes:
        """Return what is to be sent, and forget it."""
        taken = bytes(self._pending)
        self._pending.clear()
        return taken
