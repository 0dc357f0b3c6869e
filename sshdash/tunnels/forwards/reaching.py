"""Connections from this machine to a target, for clients on the server's side.

What listens on this machine itself answers within the call that connects: `begin_host` and
`begin_socket` are through in the same turn of the loop then, without a task and without asking
anybody for an address.
"""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from sshdash.tunnels.forwards.accepting import can_take_over, take_over
from sshdash.tunnels.forwards.refusal import Refusal, refusal_text
from sshdash.tunnels.spec import host_port
from sshdash.untrusted import clean

CONNECT_TIMEOUT = 30.0
"""Seconds a target has to answer, its name being looked up included."""
_LOOKUPS = 8
"""Names looked up at a time: each takes one of the threads that all of the program shares."""
_FRESH = 2.0
"""Seconds for which the addresses stand of a name that is this machine's, such as localhost."""
_BUSY = 0.02
"""Seconds before a socket whose queue is full is tried again: nobody tells when it is not."""
_CONNECTED = (0, errno.EISCONN)
_PENDING = (errno.EINPROGRESS, errno.EALREADY)
_REFUSALS = {
    errno.ECONNREFUSED: Refusal.REFUSED,
    errno.ENETUNREACH: Refusal.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: Refusal.HOST_UNREACHABLE,
    errno.ETIMEDOUT: Refusal.TIMED_OUT,
}

Address = tuple[socket.AddressFamily, str]
Rest = Coroutine[Any, Any, None]
"""What is left to wait for; it raises Unreached."""
Protocol = Callable[[], asyncio.BaseProtocol]


class Unreached(Exception):
    """A target that could not be connected to; the text is one cleaned line."""

    def __init__(self, refusal: Refusal, text: str) -> None:
        super().__init__(text)
        self.refusal = refusal


class Lookups:
    """Looks names up here, a few at a time; addresses of one family unless it is AF_UNSPEC."""

    def __init__(self, family: socket.AddressFamily = socket.AF_UNSPEC) -> None:
        self._family = family
        self._turn = asyncio.Semaphore(_LOOKUPS)
        self._near: dict[str, tuple[float, list[Address]]] = {}
        """Names of this machine, with the loop's time they were looked up at."""

    def near(self, host: str) -> list[Address]:
        """Return the loopback addresses of a host, none where it is another or not known yet."""
        if literal := self._literal(host):
            return [literal] if _is_loopback(literal) else []
        since, found = self._near.get(host, (0.0, []))
        return found if asyncio.get_running_loop().time() - since < _FRESH else []

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a name, the preferred one first. Raises OSError."""
        if literal := self._literal(host):
            return [literal]  # no thread has to look that up
        loop = asyncio.get_running_loop()
        async with self._turn:
            answers = await loop.getaddrinfo(
                host, port, family=self._family, type=socket.SOCK_STREAM
            )
        found: list[Address] = list(
            dict.fromkeys((family, _numeric(address)) for family, _, _, _, address in answers)
        )
        self._near.pop(host, None)
        if all(map(_is_loopback, found)):
            since = loop.time() - _FRESH  # clients may name as many as they like
            self._near = {name: near for name, near in self._near.items() if near[0] > since}
            self._near[host] = loop.time(), found
        return found

    def _literal(self, host: str) -> Address | None:
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            return None
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        return (family, host) if self._family in (socket.AF_UNSPEC, family) else None


def _is_loopback(address: Address) -> bool:
    return address[1] == "::1" or address[1].startswith("127.")


def _numeric(address: tuple[Any, ...]) -> str:
    """Return the address alone, with its zone where it is one of a single link."""
    scope = address[3] if len(address) == 4 else 0
    return f"{address[0]}%{scope}" if scope else str(address[0])


def begin_host(end: asyncio.BaseProtocol, host: str, port: int, lookups: Lookups) -> Rest | None:
    """Begin to connect to a host; return what is left to wait for, None where it is done.

    `end` may have its `connection_made` called twice. Raises Unreached.
    """
    target = host_port(host, port)
    near = lookups.near(host) if can_take_over() else []
    for at, (family, address) in enumerate(near):
        try:
            sock, is_connected = _begin(family, (address, port))
            if is_connected:
                _hand(end, sock)
                return None
        except OSError as error:
            if at + 1 == len(near):
                raise _unreached(error, target) from error
        else:
            return _reached(partial(_go_on, end, sock, near[at:], port), target)
    return reach_host(lambda: end, host, port, lookups)


def begin_socket(end: asyncio.BaseProtocol, path: str) -> Rest | None:
    """Begin to connect to a Unix socket, as `begin_host` does."""
    # Whoever waits for a full queue also tells what else is wrong.
    with suppress(OSError, ValueError):
        if can_take_over():
            sock, _ = _begin(socket.AF_UNIX, path)  # it connects now or never
            _hand(end, sock)
            return None
    return reach_socket(lambda: end, path)


def _begin(
    family: socket.AddressFamily, address: tuple[str, int] | str
) -> tuple[socket.socket, bool]:
    """Return a socket, and whether it is connected: it may be later. Raises OSError, ValueError."""
    sock = _socket(family)
    try:
        number = sock.connect_ex(address)
        if number in _PENDING:  # it may be there by now
            number = sock.connect_ex(address)
        if number not in (*_CONNECTED, *_PENDING):
            raise OSError(number, os.strerror(number))
    except BaseException:
        sock.close()
        raise
    return sock, number in _CONNECTED


def _socket(family: socket.AddressFamily) -> socket.socket:
    proto = 0 if family is socket.AF_UNIX else socket.IPPROTO_TCP  # or the loop sets no TCP_NODELAY
    sock = socket.socket(family, socket.SOCK_STREAM, proto)
    sock.setblocking(False)
    return sock


def _hand(end: asyncio.BaseProtocol, sock: socket.socket) -> None:
    try:
        transport = take_over(sock, end)
    except BaseException:
        sock.close()
        raise
    end.connection_made(transport)


async def _go_on(
    end: asyncio.BaseProtocol, sock: socket.socket, near: list[Address], port: int
) -> None:
    """Wait for a connection that has begun; where that fails, try the other addresses."""
    try:
        await _connected(sock, (near[0][1], port))
    except OSError:
        sock.close()
        if len(near) == 1:
            raise
        await _connect(lambda: end, near[1:], port)
    except BaseException:
        sock.close()
        raise
    else:
        _hand(end, sock)


async def _connected(sock: socket.socket, address: tuple[str, int]) -> None:
    try:
        await asyncio.get_running_loop().sock_connect(sock, address)
    except OSError as error:
        if error.errno != errno.EISCONN:  # which others than Linux say of what is through already
            raise


async def reach_host(protocol: Protocol, host: str, port: int, lookups: Lookups) -> None:
    """Connect to a host's first address that answers. Raises Unreached."""

    async def connect() -> None:
        await _connect(protocol, await lookups.addresses(host, port), port)

    await _reached(connect, host_port(host, port))


async def _connect(protocol: Protocol, addresses: list[Address], port: int) -> None:
    loop = asyncio.get_running_loop()
    for family, address in addresses:
        try:
            await loop.create_connection(protocol, address, port, family=family)
        except OSError:
            if address == addresses[-1][1]:
                raise
        else:
            return


async def reach_socket(protocol: Protocol, path: str) -> None:
    """Connect to a Unix socket, once its queue has room for us. Raises Unreached."""
    loop = asyncio.get_running_loop()

    async def connect() -> None:
        sock = _socket(socket.AF_UNIX)
        try:
            # The loop takes one for connected whose queue is full.
            while (number := sock.connect_ex(path)) == errno.EAGAIN:  # noqa: ASYNC110
                await asyncio.sleep(_BUSY)
            if number:
                raise OSError(number, os.strerror(number))
            await loop.create_unix_connection(protocol, sock=sock)
        except BaseException:
            sock.close()
            raise

    await _reached(connect, path)


async def _reached(connect: Callable[[], Rest], target: str) -> None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await connect()
    except (OSError, ValueError) as error:
        raise _unreached(error, target) from error


def _unreached(error: Exception, target: str) -> Unreached:
    refusal = _refusal(error)
    if refusal is Refusal.UNKNOWN_NAME:
        return Unreached(refusal, f"{clean(target, 120)}: name not known here")
    reason = getattr(error, "strerror", "") or str(error)
    return Unreached(refusal, refusal_text(refusal, target, reason))


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, TimeoutError):
        return Refusal.TIMED_OUT
    if isinstance(error, socket.gaierror | UnicodeError):
        return Refusal.UNKNOWN_NAME
    number = error.errno if isinstance(error, OSError) else None
    return _REFUSALS.get(number or 0, Refusal.OTHER)
