"""What is open on a connection, in words: the channels, as ``~#`` lists them."""

from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.untrusted import clean

_MOST = 200


def open_channels(ssh: Transport) -> list[str]:
    """Return a line for each channel of a connection, by number."""
    channels: dict[int, Any] = dict(ssh._channels)
    lines = [f"#{number} {_channel(one)}" for number, one in sorted(channels.items())]
    if len(lines) > _MOST:
        lines[_MOST:] = [f"… and {len(lines) - _MOST} more"]
    return lines


def _channel(channel: Any) -> str:
    if isinstance(channel, asyncssh.SSHClientChannel):
        what = channel.get_subsystem() or channel.get_command() or "shell"
        return f"client-session ({clean(what, 60)})"
    if isinstance(channel, asyncssh.SSHTCPChannel):
        here, there = (
            channel.get_extra_info(name) for name in ("local_peername", "remote_peername")
        )
        return f"tcpip ({_place(here)} → {_place(there)})"
    if isinstance(channel, asyncssh.SSHUNIXChannel):
        here, there = (
            channel.get_extra_info(name) for name in ("local_peername", "remote_peername")
        )
        return f"streamlocal ({clean(here or 'here', 80)} → {clean(there or 'here', 80)})"
    return clean(type(channel).__name__, 40)


def _place(name: Any) -> str:
    if isinstance(name, tuple) and len(name) >= 2 and name[0]:
        return clean(f"{name[0]}:{name[1]}", 80)
    return "here"
