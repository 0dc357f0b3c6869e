"""A socket that is opened while the SSH library is still imported, which takes as long.

Nothing but our version string is sent on it until somebody asks for the connection: the server
answers it meanwhile. Nothing happens at all where it is not certain yet where that leads.
"""

import asyncio
import socket
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from sshdash.config.resolver import ResolvedHost, Resolver
from sshdash.connections.network.greeting import greet
from sshdash.connections.network.sockets import connect_seconds, open_socket
from sshdash.connections.refusals import refuse_connection
from sshdash.connections.timeline import Timeline
from sshdash.errors import SSHDashError
from sshdash.settings import Settings


class Opened(NamedTuple):
    """A connection, on which nothing was read."""

    sock: socket.socket
    peer: tuple[str, int]
    """The address and the port it leads to, which nobody can ask a socket for once it is reset."""
    greeted: bool = False
    """Whether our version string has been sent."""

    @classmethod
    def of(cls, sock: socket.socket) -> "Opened":
        """Return a new connection as it is. Raises OSError, and closes it then."""
        try:
            return cls(sock, sock.getpeername()[:2])
        except OSError:
            sock.close()
            raise


class _Begun(Struct, frozen=True):
    resolved: ResolvedHost
    timeline: Timeline
    opening: "asyncio.Task[Opened]"


class Ahead:
    """At most one of these, for the first connection that is made."""

    def __init__(self) -> None:
        self._begun: _Begun | None = None

    def __repr__(self) -> str:
        where = self._begun.resolved.hostname if self._begun else "nowhere"
        return f"<Ahead to {where}>"

    def reach(self, resolver: Resolver, destination: str, settings: Settings) -> None:
        """Begin to connect to whom a command is about to ask for, where it is certain who that is.

        What is wrong with it is told by whoever connects.
        """
        with suppress(SSHDashError):
            resolved = resolver.certain(destination)
            if resolved is not None:
                self.begin(resolved, connect_seconds(resolved, settings))

    def begin(self, resolved: ResolvedHost, seconds: float) -> None:
        """Begin to connect where that needs nobody between; each address gets `seconds`.

        `close` has to follow.
        """
        if self._begun is not None or resolved.proxy_jump or resolved.proxy_command:
            return
        try:
            refuse_connection(resolved)
        except SSHDashError:
            return  # whoever connects says why
        timeline = Timeline(resolved.alias)
        opening = _open(resolved, timeline, seconds)
        self._begun = _Begun(resolved, timeline, asyncio.ensure_future(opening))

    async def take(self, resolved: ResolvedHost, timeline: Timeline) -> Opened | None:
        """Return what was begun where it leads to the same, None where nothing was.

        Its steps are shown on `timeline`. Raises what `open_socket` does.
        """
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        if begun.resolved != resolved:
            await _let_go(begun.opening)
            return None
        leave = timeline.include("", begun.timeline)
        try:
            return await begun.opening
        except asyncio.CancelledError:
            await _let_go(begun.opening)  # it may have connected in this very moment
            raise
        finally:
            leave()

    async def close(self) -> None:
        """Let go of what nobody took; harmless where nothing was begun."""
        begun, self._begun = self._begun, None
        if begun is not None:
            await _let_go(begun.opening)


async def _open(resolved: ResolvedHost, timeline: Timeline, seconds: float) -> Opened:
    opened = Opened.of(await open_socket(resolved, resolved.alias, timeline, seconds))
    # A server that turns us away resets what was said and not read.
    return opened._replace(greeted=greet(opened.sock, resolved))


async def _let_go(opening: "asyncio.Task[Opened]") -> None:
    opening.add_done_callback(_close)  # which whoever is cancelled here leaves behind
    opening.cancel()
    await asyncio.wait((opening,))


def _close(opening: "asyncio.Task[Opened]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().sock.close()
