"""Whether the far end of a connection still answers, and how much is open there."""

import asyncio
from typing import Any

import asyncssh

from sshdash.connections.transport import Transport


async def ping(ssh: Transport) -> float:
    """Ask the server for an answer of any kind; return the seconds that it took.

    It is the request that keepalives make: whatever a server says to it will do.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    await ssh._make_keepalive_request()
    return loop.time() - began


def heard(ssh: Transport) -> float:
    """Return when something last came from the server, by the loop's clock."""
    return ssh._heard


def open_sessions(ssh: Transport) -> int:
    """Return how many shells, commands and subsystems are open."""
    channels: list[Any] = list(ssh._channels.values())
    return sum(
        isinstance(one, asyncssh.SSHClientChannel) and one._send_state == "open" for one in channels
    )
