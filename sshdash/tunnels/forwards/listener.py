"""Sockets that listen on this machine, and what went wrong where they could not."""

import asyncio
import errno
import select
import socket
from collections.abc import Callable, Sequence

from sshdash.errors import is_shortage
from sshdash.tunnels.causes import BindError
from sshdash.tunnels.forwards.options import ForwardOptions
from sshdash.tunnels.forwards.socket_file import SocketFile, explain_socket
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.ports import LOOPBACK, NO_IPV6, Address, bound_socket, holder, next_free
from sshdash.tunnels.spec import host_port, is_path
from sshdash.untrusted import clean

_EVERYWHERE: tuple[Address, ...] = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))
_DEFAULTS = ForwardOptions()
_BACKLOG = 128
_AT_ONCE = 64
"""Clients accepted in one turn of the loop."""
_RETRY = 0.5
"""Seconds to wait where the system has no descriptor or memory for another client."""
_PORT_TRIES = 8

Accepted = Callable[[socket.socket], None]
Troubled = Callable[[str], None]


class Listener:
    """Accepts clients on one port of one or more addresses, or on one Unix socket."""

    def __init__(
        self, accepted: Accepted, troubled: Troubled, options: ForwardOptions = _DEFAULTS
    ) -> None:
        self._accepted = accepted
        self._troubled = troubled
        self._options = options
        self._file: SocketFile | None = None
        self._sockets: list[socket.socket] = []
        self._retries: dict[socket.socket, asyncio.TimerHandle] = {}
        self.port = 0

    def __repr__(self) -> str:
        """Return the addresses listened on."""
        return f"<Listener [{', '.join(self.addresses)}]>"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return every ``address:port`` listened on, or the socket's path."""
        if self._file is not None:
            return (self._file.path,)
        return tuple(host_port(*sock.getsockname()[:2]) for sock in self._sockets)

    async def open(self, bind: str | None, port: int) -> None:
        """Listen on loopback (None, ``localhost``), everywhere (``*``), one address or a socket.

        A `bind` with a slash is the path of a socket, which has no port. Raises ForwardError,
        which says who holds the port and which one is free.
        """
        if bind is not None and is_path(bind):
            try:
                self._sockets = self._listen_on_file(bind)
            except OSError as error:
                raise await asyncio.to_thread(explain_socket, error, bind) from error
        else:
            addresses = await _addresses(bind, port, self._options.family)
            try:
                self._sockets = _listening(addresses, port)
            except OSError as error:
                raise await asyncio.to_thread(_explain, error, bind, addresses, port) from error
            self.port = self._sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.add_reader(sock, self._accept, sock)

    def close(self) -> None:
        """Free the port at once; a socket's file goes too, where it is still ours. Idempotent."""
        loop = asyncio.get_running_loop()
        for timer in self._retries.values():
            timer.cancel()
        self._retries.clear()
        for sock in self._sockets:
            loop.remove_reader(sock)
        if self._file is not None:
            self._file.remove()
            self._file = None
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    def _listen_on_file(self, path: str) -> list[socket.socket]:
        file = SocketFile(path, self._options.bind_mask, unlink=self._options.bind_unlink)
        try:
            file.socket.listen(_BACKLOG)
        except OSError:
            file.remove()
            raise
        self._file = file
        return [file.socket]

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._starve(listening, error)
                return
            client.setblocking(False)
            self._accepted(client)
            if not _has_more(listening):
                return

    def _starve(self, listening: socket.socket, error: OSError) -> None:
        """Leave clients in the backlog for a moment: nothing can be given to them now."""
        self._troubled(f"cannot take another client: {error.strerror or error}")
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)

        def again() -> None:
            self._retries.pop(listening, None)
            loop.add_reader(listening, self._accept, listening)

        self._retries[listening] = loop.call_later(_RETRY, again)


def _has_more(listening: socket.socket) -> bool:
    """Return whether another client waits: accept takes several times as long to say no."""
    more = select.poll()
    more.register(listening, select.POLLIN)
    return bool(more.poll(0))


async def _addresses(
    bind: str | None, port: int, family: socket.AddressFamily
) -> Sequence[Address]:
    """Return where to listen, of one family unless it is AF_UNSPEC. Raises BindError."""
    if bind is None or bind.lower() == "localhost":
        return _of(family, LOOPBACK)
    if bind == "*":
        return _of(family, _EVERYWHERE)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            bind, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        other = "" if family == socket.AF_UNSPEC else ", or AddressFamily leaves none of it"
        raise BindError(
            Cause.BIND_ADDRESS,
            f"Cannot listen on {clean(bind, 120)}",
            f"the bind address is not known{other}",
            "use an address of this machine, or * for all",
        ) from error
    return tuple(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _of(family: socket.AddressFamily, addresses: Sequence[Address]) -> Sequence[Address]:
    return [one for one in addresses if family in (socket.AF_UNSPEC, one[0])]


def _listening(addresses: Sequence[Address], port: int) -> list[socket.socket]:
    """Return a listening socket per address, all on one port. Raises OSError."""
    for tries_left in reversed(range(_PORT_TRIES if port == 0 else 1)):
        sockets: list[socket.socket] = []
        try:
            _listen_on(addresses, port, sockets)
        except OSError as error:
            for sock in sockets:
                sock.close()
            # A port the system chose on one address can be taken on the next one.
            if error.errno != errno.EADDRINUSE or not tries_left:
                raise
            continue
        return sockets
    raise AssertionError("the last try returns or raises")


def _listen_on(addresses: Sequence[Address], port: int, sockets: list[socket.socket]) -> None:
    for address in addresses:
        try:
            sock = bound_socket(address, port)
        except OSError as error:
            is_last_hope = not sockets and address is addresses[-1]
            if address[0] == socket.AF_INET6 and error.errno in NO_IPV6 and not is_last_hope:
                continue
            raise
        sockets.append(sock)
        sock.listen(_BACKLOG)
        port = sock.getsockname()[1]


def _explain(
    error: OSError, bind: str | None, addresses: Sequence[Address], port: int
) -> BindError:
    where = host_port(bind or "localhost", port)
    if error.errno == errno.EADDRINUSE:
        who = holder(port)
        free = next_free(addresses, port)
        return BindError(
            Cause.BIND_IN_USE,
            f"Port {port} is in use",
            f"held by {who}" if who else "by a process that cannot be seen from here",
            f"port {free} is free" if free else "choose another port",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return BindError(
            Cause.BIND_PRIVILEGED if port < 1024 else Cause.OTHER,
            f"Port {port} may not be used" if port < 1024 else f"Cannot listen on {where}",
            "ports below 1024 belong to root" if port < 1024 else "permission denied",
            f"use port {port + 8000}" if port < 1024 else "choose another port",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return BindError(
            Cause.BIND_ADDRESS,
            f"Cannot listen on {where}",
            "the address is not one of this machine",
            "use localhost, or * for all addresses",
        )
    short = is_shortage(error)
    return BindError(
        Cause.SHORTAGE if short else Cause.OTHER,
        f"Cannot listen on {where}",
        error.strerror or str(error),
        "close something, or raise ulimit -n" if short else "",
    )
