"""Acknowledges what a server says while a connection is young, without waiting for a reason to.

A server that sends two small packets in a row holds the second back until the first is
acknowledged (Nagle's algorithm), and a system waits up to 40 ms with that where it has nothing to
say itself: so the first channel would open that much later. Only Linux lets a program ask.
"""

import socket
from asyncio.trsock import TransportSocket

_OPTION: int | None = getattr(socket, "TCP_QUICKACK", None)
_READS = 64
"""Reads that are answered at once: a login and the first channels."""


class PromptAcks:
    """Those of one connection."""

    def __init__(self) -> None:
        self._socket: TransportSocket | None = None
        self._left = 0

    def __repr__(self) -> str:
        return f"<PromptAcks [{self._left} left]>"

    def attach(self, sock: TransportSocket | None) -> None:
        """Begin with a socket; one that is none of TCP is left alone."""
        inet = sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6)
        if _OPTION is not None and inet:
            self._socket, self._left = sock, _READS

    def read(self) -> None:
        """Acknowledge what was read, if it is early enough."""
        if not self._left or self._socket is None or _OPTION is None:
            return
        self._left -= 1
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, _OPTION, 1)
        except OSError:
            self._left = 0  # closed meanwhile, which whoever reads next hears of
