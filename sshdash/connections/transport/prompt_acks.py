"""Acknowledges what a server says soon, without waiting for a reason to.

A server holds a small packet back until the one before it is acknowledged (Nagle's algorithm,
which sshd leaves on for a connection without a terminal), and a system waits up to 40 ms with that
where it has nothing to say itself. The first channel would open that much later, and the end of
every file, answer and tunnelled stream come that much later. Only Linux lets a program ask.

At once while a connection is young, for a login is all small packets in turn. Later in a moment:
most of what is read is answered before that, and the answer acknowledges it.
"""

import asyncio
import socket
from asyncio.trsock import TransportSocket

_OPTION: int | None = getattr(socket, "TCP_QUICKACK", None)
_READS = 64
"""Reads that are answered at once: a login and the first channels."""
_MOMENT = 0.001
"""Seconds that an acknowledgement may wait for something to go with."""


class PromptAcks:
    """Those of one connection."""

    def __init__(self) -> None:
        self._socket: TransportSocket | None = None
        self._left = 0
        self._is_due = False
        self.looks = False
        """Whether it looks in a moment for something to acknowledge."""

    def __repr__(self) -> str:
        return f"<PromptAcks [{self._left} left]>"

    def attach(self, sock: TransportSocket | None) -> None:
        """Begin with a socket; one that is none of TCP is left alone."""
        inet = sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6)
        if _OPTION is not None and inet:
            self._socket, self._left = sock, _READS

    def read(self) -> None:
        """Acknowledge what was read: now where it is early enough, otherwise in a moment."""
        if self._left:
            self._left -= 1
            self._acknowledge()
            return
        self._is_due = True
        if not self.looks and self._socket is not None:
            self.looks = True
            asyncio.get_running_loop().call_later(_MOMENT, self._look)

    def _look(self) -> None:
        """Acknowledge what was read meanwhile, and look again while there is anything."""
        self.looks = False
        if self._is_due and self._socket is not None:
            self._acknowledge()
            self._is_due = False
            self.looks = True
            asyncio.get_running_loop().call_later(_MOMENT, self._look)

    def _acknowledge(self) -> None:
        if self._socket is None or _OPTION is None:
            return
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, _OPTION, 1)
        except OSError:
            # Closed meanwhile, which whoever reads next hears of.
            self._socket, self._left = None, 0
