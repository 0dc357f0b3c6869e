"""A client that was accepted becomes a transport of the loop, in the same turn.

`connect_accepted_socket` of the loop does the same and waits two turns to say so, which is most of
the time that a short connection spends here.
"""

import asyncio
import socket
from typing import Any

_MAKE = "_make_socket_transport"
"""What every loop of asyncio itself has had for this, ever; loops of others need not."""


def can_take_over() -> bool:
    """Return whether the loop has a way to do it at once."""
    return hasattr(asyncio.get_running_loop(), _MAKE)


def take_over(client: socket.socket, protocol: asyncio.BaseProtocol) -> asyncio.Transport:
    """Return the transport of a client's socket, to whose protocol it is made known later.

    Raises OSError for a client that left.
    """
    loop: Any = asyncio.get_running_loop()
    transport: asyncio.Transport = getattr(loop, _MAKE)(client, protocol)
    return transport
