"""The last moments of a client that is turned away with an answer."""

import asyncio
import socket
import struct
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on with zero seconds."""
_LINGER = 1.0
"""Seconds it has to take the answer."""
_MOST_DISCARDED = 1024 * 1024
"""Bytes it may still send meanwhile."""


def reset_at_close(sock: socket.socket | TransportSocket) -> None:
    """Have the closing of a socket of TCP send a reset in the place of an end of file."""
    with suppress(OSError):  # macOS has no options for one that was reset from there
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


class Leaving(asyncio.Protocol):
    """Ends a client's socket once it has taken what was written, or has had its time.

    Closing while bytes of the client are unread would send a reset, which may overtake the answer:
    they are read and dropped. `gone` is called with the reason of `connection_lost`.
    """

    def __init__(
        self, transport: asyncio.Transport, gone: Callable[[Exception | None], None]
    ) -> None:
        self._transport = transport
        self._gone = gone
        self._discarded = 0
        self._timer = asyncio.get_running_loop().call_later(_LINGER, transport.abort)
        transport.set_protocol(self)
        try:
            transport.write_eof()
        except OSError:
            # It has reset the connection in the meantime.
            transport.abort()
        transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Drop it, up to a limit."""
        self._discarded += len(data)
        if self._discarded > _MOST_DISCARDED:
            self._transport.close()

    def eof_received(self) -> bool:
        """Close: it has nothing more to say, and nothing more is said to it."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it has gone."""
        self._timer.cancel()
        self._gone(exc)
