"""The right to use a connection, and the sessions that are opened with it."""

import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import asyncssh

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.timeline import Phase
from sshdash.connections.transport.transport import Transport
from sshdash.errors import Cancelled

if TYPE_CHECKING:
    from sshdash.connections.connection import Connection

Opened = TypeVar("Opened")


class Lease:
    """The right to use a connection for one purpose, until released.

    `host` is what was asked for and `resolved` what the configuration says of it: the connection
    may be shared with other names of the same destination.
    """

    def __init__(
        self, connection: "Connection", purpose: str, host: str, resolved: ResolvedHost
    ) -> None:
        self.connection = connection
        self.purpose = purpose
        self.host = host
        self.resolved = resolved
        self._held = True
        self._used = False
        self._more: list[Connection] = []
        """Where further sessions are, that the connection had no room for."""
        self.taken = time.monotonic()

    def __repr__(self) -> str:
        """Return the purpose, the host and whether it is held."""
        held = "held" if self._held else "released"
        return f"<Lease {self.purpose} on {self.host} [{held}]>"

    async def __aenter__(self) -> Self:
        """Return the lease itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release it."""
        self.release()

    async def session(self, open_session: Callable[[Transport], Awaitable[Opened]]) -> Opened:
        """Return what `open_session` opens: a shell, a command or a subsystem.

        Where the connection takes no more sessions (MaxSessions), the lease moves to another one
        to the same host, which is made where there is none. Raises what `open_session` raises,
        and SSHDashError.
        """
        full: list[Connection] = []
        connection = self.connection
        while True:
            step = connection.timeline.begin(Phase.CHANNEL, f"a session for {self.purpose}")
            try:
                with step:
                    opened = await open_session(connection.ssh)
            except asyncssh.ChannelOpenError as error:
                if not connection.is_full(error):
                    raise
                full.append(connection)
                connection = await connection.another(full, error)
                self._move(connection)
            else:
                self._used = True
                return opened

    def release(self, at_once: bool = False) -> None:
        """Give the lease back; twice is once.

        A jump host's connection lingers then, unless it is to end `at_once`.
        """
        if self._held:
            self._held = False
            for connection in (self.connection, *self._more):
                connection.give_back(self.purpose, self.host, at_once)

    def _move(self, connection: "Connection") -> None:
        """Go over to another connection, and leave none that sessions of this lease are on."""
        if not self._held:
            connection.rest()
            raise Cancelled("The session is not wanted any more", host=self.host)
        connection.take(self.purpose, self.host)
        if self._used:
            self._more.append(connection)
        else:
            self.connection.give_back(self.purpose, self.host)
            self.connection = connection
