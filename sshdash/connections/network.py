"""Opening a TCP socket: name, addresses one after the other, and why each of them failed."""

import asyncio
import socket
from typing import Any

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.faults import explain_socket
from sshdash.errors import UnreachableError

_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


async def open_socket(resolved: ResolvedHost, host: str) -> socket.socket:
    """Return a connected socket, trying every address of the name in order.

    AddressFamily, BindAddress, ConnectionAttempts and TCPKeepAlive are honoured. Raises
    UnreachableError, with the reason of each address.
    """
    family = _FAMILIES.get((resolved.get("addressfamily") or "any").lower(), socket.AF_UNSPEC)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(
            resolved.hostname, resolved.port, family=family, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise explain_socket(error, host, resolved.hostname, resolved.port) from error
    errors: list[OSError] = []
    for attempt in range(max(1, resolved.number("connectionattempts") or 1)):
        if attempt:
            await asyncio.sleep(1)  # ssh(1) too waits a second between ConnectionAttempts
        errors.clear()
        for kind, _, _, _, address in found:
            try:
                return await _connect(kind, address, resolved)
            except OSError as error:
                errors.append(error)
    raise _all_failed(errors, host, resolved) from errors[-1]


async def _connect(family: int, address: Any, resolved: ResolvedHost) -> socket.socket:
    loop = asyncio.get_running_loop()
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bind = resolved.get("bindaddress")
        if bind:
            local = await loop.getaddrinfo(bind, 0, family=family, type=socket.SOCK_STREAM)
            made.bind(local[0][4])
        await loop.sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made


def _all_failed(errors: list[OSError], host: str, resolved: ResolvedHost) -> UnreachableError:
    """Return the error of the last address, with the others' reasons in its detail."""
    failure = explain_socket(errors[-1], host, resolved.hostname, resolved.port)
    if len(errors) > 1:
        reasons = dict.fromkeys(error.strerror or str(error) for error in errors)
        failure.detail += f"; {len(errors)} addresses tried: {', '.join(reasons)}"
    return failure
