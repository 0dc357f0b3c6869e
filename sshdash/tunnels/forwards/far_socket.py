"""Channels to a Unix socket of the server."""

from collections.abc import Callable
from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport

_FAILED = "it is not there, nobody listens on it, or the server does not allow it"
"""What sshd may mean by ``open failed``: of a socket it never says more."""


async def open_socket(ssh: Transport, end: Callable[[], Any], path: str) -> None:
    """Open a channel to the socket at `path`, whose end here `end` makes.

    Raises what the library raises; ChannelOpenError says what may be wrong.
    """
    try:
        await ssh.create_unix_connection(end, path)
    except asyncssh.ChannelOpenError as error:
        reason = _FAILED if error.reason == "open failed" else error.reason
        raise asyncssh.ChannelOpenError(error.code, reason) from error
