"""What nobody waits for is read in large pieces.

A server sends the output of a terminal in packets of about 4 KiB, and to wake up for each takes
longer than the packet itself does. While nobody looks at any channel of a connection, its socket
tells of what has come only from a mark on: as long as bulk goes on, and nothing is sent that may be
answered.
"""

import asyncio
from typing import Any

from asyncssh.channel import SSHChannel

from sshdash.connections.transport.receive_mark import ReceiveMark

MARK = 64 * 1024
"""Bytes that the socket waits for."""
_BULK = 32 * 1024
"""Bytes that came since something was sent from which more are likely to follow."""
_SECONDS = 0.2
"""Without a read after which what there is below the mark is read, too."""


class LowWater:
    """Who does not wait for what one connection brings, and what follows from that."""

    def __init__(self, mark: ReceiveMark) -> None:
        self._mark = mark
        self.unhurried: set[SSHChannel[Any]] = set()
        """The channels that nobody looks at."""
        self._timer: asyncio.TimerHandle | None = None
        self._has_read = False
        self._came = 0

    def __repr__(self) -> str:
        return f"<LowWater [{'raised' if self._timer else 'low'}, {len(self.unhurried)} unhurried]>"

    def read(self, size: int, channels: int) -> None:
        """Note that `size` bytes were read on a connection of so many channels."""
        if self._timer is not None:
            self._has_read = True
            return
        self._came += size
        if self._came >= _BULK and channels and len(self.unhurried) == channels:
            self._raise()

    def hurry(self, channel: SSHChannel[Any]) -> None:
        """Read for a channel at once again: it is in sight, or gone."""
        self.unhurried.discard(channel)
        self.lower()

    def lower(self) -> None:
        """Have the socket tell of every byte again."""
        self._came = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._mark.want(self, 1)

    def _raise(self) -> None:
        if self._mark.want(self, MARK):
            self._has_read = False
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._look)

    def _look(self) -> None:
        if self._has_read:
            self._has_read = False
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._look)
        else:
            self.lower()
