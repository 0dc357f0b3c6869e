"""A client that was accepted becomes a transport of the loop, in the same turn."""

import asyncio
import socket
from typing import Any

from sshdash.tunnels.relay import SocketEnd


def take_over(client: socket.socket, end: SocketEnd) -> bool:
    """Give a client's socket to its end; return False where the loop has no way to at once.

    `connect_accepted_socket` of the loop does the same and waits two turns to say so, which is
    most of the time that a short connection spends here. Raises OSError for a client that left.
    """
    make: Any = getattr(asyncio.get_running_loop(), "_make_socket_transport", None)
    if make is None:
        return False
    end.adopt(make(client, end))
    return True
