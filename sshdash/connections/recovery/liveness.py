"""Whether the far end of a connection still answers, and how much is open there."""

from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport


async def ping(ssh: Transport) -> None:
    """Ask the server for an answer of any kind and wait for it.

    It is the request that keepalives make: whatever a server says to it will do.
    """
    await ssh._make_keepalive_request()


def heard(ssh: Transport) -> float:
    """Return when something last came from the server, by the loop's clock; 0 if unknown."""
    return float(getattr(ssh, "_heard", 0.0))


def open_sessions(ssh: Transport) -> int:
    """Return how many shells, commands and subsystems are open."""
    channels: list[Any] = list(ssh._channels.values())
    return sum(
        isinstance(one, asyncssh.SSHClientChannel) and one._send_state == "open" for one in channels
    )
