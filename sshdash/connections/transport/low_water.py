"""What nobody waits for is read in large pieces, and so is what comes very fast.

A server sends the output of a terminal in packets of about 4 KiB, and to wake up for each takes
longer than the packet itself does. While nobody looks at any channel of a connection, its socket
tells of what has come only from a low-water mark on (SO_RCVLOWAT, socket(7)): as long as bulk
goes on, and nothing is sent that may be answered.

The same is done for a stream, whoever it is for, that reaches the mark within a millisecond or
two anyway; its end waits no longer than a few.
"""

import asyncio
import socket
import time
from typing import Any

from asyncssh.channel import SSHChannel

MARK = 64 * 1024
"""Bytes that the socket waits for."""
_BULK = 32 * 1024
"""Bytes that came since something was sent from which more are likely to follow."""
_SECONDS = 0.2
"""Without a read after which what there is below the mark is read, too."""
STREAM_MARK = 128 * 1024
"""Bytes that the socket waits for in a stream."""
STREAM = 1024 * 1024
"""Bytes that came since something was sent from which they may be a stream."""
_FAST = 50e6
"""Bytes per second from which they are one: the mark is reached in less than 3 ms."""
_STREAM_SECONDS = 0.003
"""Without a read after which what there is below the mark of a stream is read, too."""
_PROVEN = 8
"""How often a stream has to go on for such a time to be taken for one at once the next time."""
_MOST = 64 * STREAM
"""Bytes that a stream is proven by at the latest."""


class LowWater:
    """The low-water mark of one connection's socket, and who does not wait for it."""

    def __init__(self) -> None:
        self.unhurried: set[SSHChannel[Any]] = set()
        """The channels that nobody looks at."""
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._seconds = _SECONDS
        self._has_read = False
        self._came = 0
        self._since = 0.0
        """When the first of those bytes came."""
        self._stream = STREAM
        """Bytes that have to come for a stream, twice as many after each that was none."""
        self._went_on = 0

    def __repr__(self) -> str:
        return f"<LowWater [{'raised' if self._timer else 'low'}, {len(self.unhurried)} unhurried]>"

    def attach(self, sock: socket.socket | None) -> None:
        """Take the connection's socket, None where it has none of its own."""
        self._socket = sock

    def read(self, size: int, channels: int) -> None:
        """Note that `size` bytes were read on a connection of so many channels."""
        if self._timer is not None:
            self._has_read = True
            return
        if not self._came:
            self._since = time.monotonic()
        self._came += size
        if self._came < _BULK or not channels:
            return
        if len(self.unhurried) == channels:
            self._raise(MARK, _SECONDS)
        elif self._came >= self._stream:
            if self._came >= _FAST * (time.monotonic() - self._since):
                self._raise(STREAM_MARK, _STREAM_SECONDS)
            self._came = 0

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
            self._set(1)

    def _raise(self, mark: int, seconds: float) -> None:
        if self._set(mark):
            self._has_read = False
            self._went_on = 0
            self._seconds = seconds
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        if self._has_read:
            self._has_read = False
            self._went_on += 1
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
        else:
            if self._went_on >= _PROVEN:
                self._stream = STREAM
            elif self._seconds == _STREAM_SECONDS:
                self._stream = min(2 * self._stream, _MOST)
            self.lower()

    def _set(self, size: int) -> bool:
        if self._socket is None or self._socket.fileno() < 0:
            return False  # it is closed, and nothing comes any more
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        except OSError:
            self._socket = None  # a system that does not know it reads as it comes
            return False
        return True
