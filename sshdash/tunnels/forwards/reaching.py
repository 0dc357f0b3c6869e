"""Connections from this machine to a target, for clients on the server's side."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from sshdash.tunnels.forwards.refusal import Refusal, refusal_text
from sshdash.tunnels.spec import host_port
from sshdash.untrusted import clean

CONNECT_TIMEOUT = 30.0
"""Seconds a target has to answer, its name being looked up included."""
_LOOKUPS = 8
"""Names looked up at a time: each takes one of the threads that all of the program shares."""
_REFUSALS = {
    errno.ECONNREFUSED: Refusal.REFUSED,
    errno.ENETUNREACH: Refusal.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: Refusal.HOST_UNREACHABLE,
    errno.ETIMEDOUT: Refusal.TIMED_OUT,
}

Protocol = Callable[[], asyncio.BaseProtocol]


class Unreached(Exception):
    """A target that could not be connected to; the text is one cleaned line."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal


class Lookups:
    """Looks names up here, a few at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_LOOKUPS)

    async def addresses(self, host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
        """Return the addresses of a name, the preferred one first. Raises OSError."""
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            pass
        else:  # no thread has to look that up
            return [(socket.AF_INET if version == 4 else socket.AF_INET6, host)]
        async with self._turn:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
        return list(
            dict.fromkeys((family, _numeric(address)) for family, _, _, _, address in found)
        )


def _numeric(address: tuple[Any, ...]) -> str:
    """Return the address alone, with its zone where it is one of a single link."""
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])


async def reach_host(protocol: Protocol, host: str, port: int, lookups: Lookups) -> None:
    """Connect to a host's first address that answers. Raises Unreached."""
    loop = asyncio.get_running_loop()

    async def connect() -> None:
        addresses = await lookups.addresses(host, port)
        for family, address in addresses:
            try:
                await loop.create_connection(protocol, address, port, family=family)
            except OSError:
                if address == addresses[-1][1]:
                    raise
            else:
                return

    await _reached(connect(), host_port(host, port))


async def reach_socket(protocol: Protocol, path: str) -> None:
    """Connect to a Unix socket. Raises Unreached."""
    loop = asyncio.get_running_loop()

    async def connect() -> None:
        await loop.create_unix_connection(protocol, path)

    await _reached(connect(), path)


async def _reached(connecting: Coroutine[Any, Any, None], target: str) -> None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await connecting
    except (OSError, ValueError) as error:
        refusal = _refusal(error)
        reason = getattr(error, "strerror", "") or str(error)
        if refusal is Refusal.UNKNOWN_NAME:
            raise Unreached(refusal, f"{clean(target, 120)}: name not known here") from error
        raise Unreached(refusal, refusal_text(refusal, target, reason)) from error


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, TimeoutError):
        return Refusal.TIMED_OUT
    if isinstance(error, socket.gaierror | UnicodeError):
        return Refusal.UNKNOWN_NAME
    number = error.errno if isinstance(error, OSError) else None
    return _REFUSALS.get(number or 0, Refusal.OTHER)
