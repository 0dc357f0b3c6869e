"""Channels to a target of the server, opened without a task that waits for the answer.

Whoever serves many short connections asks for a channel each. The answer comes as a call, inside
the SSH library, so what is called must not raise. A request is never taken back: the protocol has
no way to, and the library forgets a channel that is confirmed after that.
"""

from collections.abc import Callable
from typing import Any, cast

import asyncssh
from asyncssh.constants import MSG_CHANNEL_OPEN
from asyncssh.packet import SSHPacket, String, UInt32

from sshdash.connections.transport.direct import DirectTransport

Answered = Callable[[Exception | None], None]
"""Told once: of an open channel (None), or why there is none."""
Address = tuple[str, int]


class _Answer:
    """Stands where the library has a future, which tells of its result a turn later."""

    __slots__ = ("_answered", "_channel", "_session")

    def __init__(self, channel: Any, session: Any, answered: Answered) -> None:
        self._channel = channel
        self._session = session
        self._answered = answered

    def cancelled(self) -> bool:
        """Return False: nobody takes a request back."""
        return False

    def set_result(self, confirmation: SSHPacket) -> None:
        """Give the open channel to its session; nothing has come through it yet."""
        channel, session = self._channel, self._session
        channel._session = session
        session.connection_made(channel)
        session.session_started()
        if channel._recv_paused == "starting":
            channel._recv_paused = False
        self._answered(None)

    def set_exception(self, error: Exception) -> None:
        """Tell that the server refused, or that the connection was lost."""
        self._answered(error)


def open_direct(
    ssh: DirectTransport,
    session: "asyncssh.SSHTCPSession[bytes]",
    target: Address,
    origin: Address,
    answered: Answered,
) -> None:
    """Ask for a channel to a target, as `create_connection` does, and return at once.

    Raises ChannelOpenError where the connection is closed, ValueError for a host that is no text.
    """
    host = String(target[0])
    channel: Any = ssh.direct_channel()
    channel.set_extra_info(peername=("", 0), local_peername=origin, remote_peername=target)
    channel._open_waiter = cast(Any, _Answer(channel, session, answered))
    ssh.send_packet(
        MSG_CHANNEL_OPEN,
        String(b"direct-tcpip"),
        UInt32(channel._recv_chan),
        UInt32(channel._recv_window),
        UInt32(channel._recv_pktsize),
        host,
        UInt32(target[1]),
        String(origin[0]),
        UInt32(origin[1]),
        handler=channel,
    )
