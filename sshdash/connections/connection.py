"""One host's shared, logged-in connection, and the leases on it."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.dialer import Dialled
from sshdash.connections.faults import lost_reason
from sshdash.connections.timeline import Timeline
from sshdash.connections.transport import Transport
from sshdash.errors import ConnectionLost
from sshdash.states import ConnectionState, Step, advance

log = logging.getLogger(__name__)

JUMP = "jump"
"""The purpose of a lease that another connection has on its hop."""
_GOODBYE = 2.0
"""Seconds a server has to take note of a disconnect."""


def through(hop: str, text: str) -> str:
    """Return `text` as told of what lies behind `hop`, naming the hop that is to blame."""
    return text if text.startswith("via ") else f"via {hop}: {text}"


@dataclass(frozen=True)
class ConnectionSnapshot:
    """A host's connection at one moment, for the screen."""

    host: str
    state: ConnectionState = ConnectionState.IDLE
    reason: str = ""
    since: float = 0.0
    """When the state was entered, by the monotonic clock; 0 where it never changed."""
    leases: Mapping[str, int] = field(default_factory=dict)
    """How many leases there are for each purpose."""
    user: str = ""
    address: str = ""
    via: tuple[str, ...] = ()
    cipher: str = ""
    server_version: str = ""
    auth_method: str = ""
    keepalive_rtt: float | None = None
    attempts: int = 0
    """Attempts that failed since the connection was last up."""
    retry_at: float | None = None
    """When the next attempt begins, by the monotonic clock; None where none is planned."""
    gives_up: str = ""
    """Why no further attempt is made unless somebody asks for it, such as a refused login."""
    asking: bool = False
    """Whether an attempt that nobody asked for waits for an answer."""
    agent_forwarded: bool = False
    """Whether the server can use the keys of this machine's agent."""
    spares: int = 0
    """Further connections to the host, made because the server takes no more sessions on one."""
    timeline: Timeline | None = None
    """The steps of the latest attempt, None where there was none."""


class Connection:
    """A logged-in connection; gone for good once it is lost or closed."""

    def __init__(
        self,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        dialled: Dialled,
        hop: "Lease | None" = None,
    ) -> None:
        self.host = host
        self.resolved = resolved
        self.route = route
        self.state = ConnectionState.CONNECTED
        self.reason = ""
        self.leases: Counter[str] = Counter()
        self.address = dialled.address
        self.auth_method = dialled.client.record.method or "none"
        self.server_version = dialled.client.server_version
        self.timeline = dialled.client.timeline
        self._dialled = dialled
        self._hop = hop
        self._asked_for = False
        self._gone = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self.on_end: Callable[[Connection], None] | None = None
        """Called once, at the moment the connection is lost."""
        dialled.client.lost.add_done_callback(self._library_lost)

    def __repr__(self) -> str:
        """Return the host, the state and the leases."""
        leases = ", ".join(f"{count} {purpose}" for purpose, count in self.leases.items())
        return f"<Connection {self.host} [{self.state.value}] {leases or 'no leases'}>"

    @property
    def ssh(self) -> Transport:
        """Return the library's connection; raises ConnectionLost when it is gone."""
        if self.state is not ConnectionState.CONNECTED:
            raise ConnectionLost("Connection lost", detail=self.reason, host=self.host)
        return self._dialled.ssh

    @property
    def is_gone(self) -> bool:
        """Return whether it is lost or closed, even where the reason is still on its way."""
        return self.state is not ConnectionState.CONNECTED or self._dialled.ssh.is_closed()

    @property
    def is_closed(self) -> bool:
        """Return whether it ended and has let go of everything."""
        return self._closing is not None and self._closing.done()

    @property
    def cipher(self) -> str:
        """Return the cipher toward the server."""
        return str(self._dialled.ssh.get_extra_info("send_cipher") or "")

    async def wait_lost(self) -> str:
        """Return the reason once the connection is lost or closed."""
        await self._gone.wait()
        return self.reason

    def lease(self, purpose: str) -> "Lease":
        """Return a new lease for `purpose`, such as "shell" or "sftp"."""
        self.leases[purpose] += 1
        self._asked_for = self._asked_for or purpose != JUMP
        return Lease(self, purpose)

    def give_back(self, purpose: str) -> None:
        """Take one lease back; a mere hop ends with the last of those who went through it."""
        self.leases[purpose] -= 1
        self.leases += Counter()
        if not self._asked_for and not self.leases:
            self._end(Step.STOP, "nothing goes through it any more")

    async def close(self, reason: str = "disconnected") -> None:
        """Say goodbye to the server and end; it counts as the user's decision, not as a loss."""
        self._end(Step.STOP, reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Return when a connection that ended has let go of everything."""
        if self._closing:
            await asyncio.shield(self._closing)

    def _library_lost(self, lost: "asyncio.Future[Exception | None]") -> None:
        reason = lost_reason(lost.result())
        if self._hop and self._hop.connection.state is not ConnectionState.CONNECTED:
            hop = self._hop.connection
            reason = through(hop.host, hop.reason)
        self._end(Step.LOSE, reason)

    def _end(self, step: Step, reason: str) -> None:
        if self.state is not ConnectionState.CONNECTED:
            return
        self.state = advance(self.state, step)
        self.reason = reason
        self._gone.set()
        self._closing = asyncio.get_running_loop().create_task(
            self._clean_up(), name=f"closing {self.host}"
        )
        if self.on_end:
            self.on_end(self)

    async def _clean_up(self) -> None:
        """Let go of the library's connection, the proxy command and the hop before."""
        ssh = self._dialled.ssh
        try:
            ssh.close()
            async with asyncio.timeout(_GOODBYE):
                await ssh.wait_closed()
        except TimeoutError:
            ssh.abort()
        finally:
            if self._dialled.proxy:
                await self._dialled.proxy.close()
            if self._hop:
                self._hop.release()


class Lease:
    """The right to use a connection for one purpose, until released."""

    def __init__(self, connection: Connection, purpose: str) -> None:
        self.connection = connection
        self.purpose = purpose
        self._held = True
        self.taken = time.monotonic()

    def __repr__(self) -> str:
        """Return the purpose, the host and whether it is held."""
        held = "held" if self._held else "released"
        return f"<Lease {self.purpose} on {self.connection.host} [{held}]>"

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

    def release(self) -> None:
        """Give the lease back; twice is once."""
        if self._held:
            self._held = False
            self.connection.give_back(self.purpose)
