"""From how many bytes on the system tells of what has come: SO_RCVLOWAT, socket(7).

Several may want a connection's socket to wait for more than a byte, each for reasons of its own:
then it waits for the most that anybody wants.
"""

import socket
from asyncio.trsock import TransportSocket


class ReceiveMark:
    """That of one connection's socket."""

    def __init__(self) -> None:
        self._socket: socket.socket | TransportSocket | None = None
        self._wanted: dict[object, int] = {}
        self._mark = 1

    def __repr__(self) -> str:
        return f"<ReceiveMark [{self._mark}]>"

    def attach(self, sock: socket.socket | TransportSocket | None) -> None:
        """Take the connection's socket, None where it has none of its own."""
        self._socket, self._mark = sock, 1

    @property
    def can_be_set(self) -> bool:
        """Return whether there is a socket, and its system knows such a mark."""
        return self._socket is not None

    def want(self, who: object, size: int) -> bool:
        """Have it wait for `size` bytes as far as somebody goes, 1 for all there is.

        Returns False where nothing comes any more, or no system knows it.
        """
        self._wanted[who] = size
        most = max(self._wanted.values())
        if self._socket is not None and most != self._mark:
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, most)
                self._mark = most
            except OSError:  # it is closed, or its system reads as it comes
                self._socket = None
                self._wanted.clear()
        return self._socket is not None
