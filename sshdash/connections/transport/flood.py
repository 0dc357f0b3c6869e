"""What comes faster than anybody could follow is read in large pieces.

To wake up for each packet of such a stream takes a third of the work that it makes. While one goes
on, the socket tells of what has come only from a mark on. That is looked at every millisecond, so
what ends below the mark waits no longer than that.
"""

import asyncio

from sshdash.connections.transport.receive_mark import ReceiveMark

MARK = 192 * 1024
"""Bytes that the socket waits for."""
_MOMENT = 0.001
"""Seconds between looks."""
_FAST = 256 * 1024
"""Bytes between two looks that make a flood."""
_BULK = 32 * 1024
"""Bytes in one read from which it may be one."""


class Flood:
    """That of one connection, if there is one."""

    def __init__(self, mark: ReceiveMark) -> None:
        self._mark = mark
        self._came = 0
        self._looks = False
        self.is_on = False

    def __repr__(self) -> str:
        return f"<Flood [{'on' if self.is_on else 'off'}]>"

    def read(self, size: int) -> None:
        """Note that `size` bytes were read."""
        if self._looks:
            self._came += size
        elif size >= _BULK and self._mark.can_be_set:
            self._look_later()
            self._came = size

    def _look_later(self) -> None:
        self._came = 0
        self._looks = True
        asyncio.get_running_loop().call_later(_MOMENT, self._look)

    def _look(self) -> None:
        self._looks = False
        was_on, self.is_on = self.is_on, self._came >= _FAST
        if self.is_on is not was_on and not self._mark.want(self, MARK if self.is_on else 1):
            self.is_on = False
            return
        if self._came:
            self._look_later()
