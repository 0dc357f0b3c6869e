"""One host's shared, logged-in connection, and the leases on it."""

import asyncio
import logging
from asyncio.trsock import TransportSocket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

import asyncssh

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.dialer import Dialled
from sshdash.connections.faults import explain, lost_reason
from sshdash.connections.lease import Lease
from sshdash.connections.recovery.liveness import heard, open_sessions, ping
from sshdash.connections.recovery.pulse import Pulse
from sshdash.connections.snapshot import ConnectionSnapshot
from sshdash.connections.transport.transport import Transport
from sshdash.errors import ConnectionLost, UntrustedError
from sshdash.states import ConnectionState, Step, advance

__all__ = ["JUMP", "Connection", "ConnectionSnapshot", "Lease", "through"]

log = logging.getLogger(__name__)

TUNNEL = "tunnel"
"""The purpose of a lease that a forward has."""
JUMP = "jump"
"""The purpose of a lease that another connection has on its hop."""
_REASON_SECONDS = 1.0
"""How long the reason of a loss may take to be known after the loss itself."""
_GOODBYE = 2.0
"""Seconds a server has to take note of a disconnect."""
_FULL = frozenset(
    {
        asyncssh.OPEN_CONNECT_FAILED,  # what OpenSSH says at MaxSessions
        asyncssh.OPEN_RESOURCE_SHORTAGE,
        asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED,
    }
)

Another = Callable[["Sequence[Connection]"], Awaitable["Connection"]]
"""Makes a further connection to a host; gets those that have no room."""


def through(hop: str, text: str) -> str:
    """Return `text` as told of what lies behind `hop`, naming the hop that is to blame."""
    return text if text.startswith("via ") else f"via {hop}: {text}"


class Connection:
    """A logged-in connection; gone for good once it is lost or closed."""

    def __init__(
        self,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        dialled: Dialled,
        hop: Lease | None = None,
    ) -> None:
        self.host = host
        self.resolved = resolved
        self.route = route
        self.state = ConnectionState.CONNECTED
        self.reason = ""
        self.blamed = ""
        """The jump host because of which it is lost."""
        self._leases: Counter[tuple[str, str]] = Counter()
        """How many there are under each name for each purpose."""
        self.address = dialled.address
        self.auth_method = dialled.client.record.method or "none"
        self.server_version = dialled.client.server_version
        self.timeline = dialled.client.timeline
        self._on_end: Callable[[Connection], None] | None = None
        self.on_full: Another | None = None
        """Makes another connection to the host, for sessions that this one does not take."""
        self.linger: Callable[[bool], float | None] = lambda asked: None if asked else 0.0
        """Gives the seconds to stay without leases, None for ever, by whether it was asked for."""
        self.is_spare = False
        """Whether it is there for sessions that another one had no room for."""
        self._dialled = dialled
        self._hop = hop
        self.pulse: Pulse = Pulse(dialled.ssh, hop.connection.pulse if hop else None)
        """Measures the round trips, to here and to every hop before."""
        self._asked_for = False
        self._idle: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        dialled.client.lost.add_done_callback(self._library_lost)

    def __repr__(self) -> str:
        """Return the host, the state and the leases."""
        leases = ", ".join(f"{count} {purpose}" for purpose, count in self.leases.items())
        return f"<Connection {self.host} [{self.state.value}] {leases or 'no leases'}>"

    # -- how it is

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

    def loss(self) -> ConnectionLost:
        """Return that it is lost, as an error that names the jump host to blame."""
        lost = ConnectionLost("Connection lost", self.reason, host=self.host)
        lost.via = self.blamed
        return lost

    @property
    def chain(self) -> "tuple[Connection, ...]":
        """Return the connections on the way, that of the first jump host first, itself last."""
        return (*(self._hop.connection.chain if self._hop else ()), self)

    @property
    def is_used(self) -> bool:
        """Return whether somebody asked for it or goes through it; else it only lingers."""
        return self._asked_for or bool(self._leases)

    @property
    def is_closed(self) -> bool:
        """Return whether it ended and has let go of everything."""
        return self._closing is not None and self._closing.done()

    @property
    def cipher(self) -> str:
        """Return the cipher toward the server."""
        return str(self._dialled.ssh.get_extra_info("send_cipher") or "")

    @property
    def keepalive_rtt(self) -> float | None:
        """Return how many seconds the latest sign of life took, None before the first."""
        return self._dialled.ssh.round_trip

    @property
    def silent_for(self) -> float:
        """Return for how many seconds nothing has come from the server."""
        return asyncio.get_running_loop().time() - heard(self._dialled.ssh)

    @property
    def agent_forwarded(self) -> bool:
        """Return whether the server can use the keys of this machine's agent."""
        return self._dialled.ssh.forwards_agent

    @property
    def untrusted(self) -> str:
        """Return why the host key is used though nothing vouches for it, "" for a trusted one."""
        return self._dialled.client.untrusted

    @property
    def socket(self) -> TransportSocket | None:
        """Return the TCP socket as the loop shows it, None where a program or a hop is between."""
        if self._dialled.proxy or self._hop:
            return None
        found: TransportSocket | None = self._dialled.ssh.get_extra_info("socket")
        return found

    def watch(self, on_end: "Callable[[Connection], None]") -> None:
        """Call `on_end` once, at the moment the connection ends; at once where it has."""
        self._on_end = on_end
        if self.state is not ConnectionState.CONNECTED:
            on_end(self)

    async def wait_lost(self) -> str:
        """Return the reason once the connection is lost or closed."""
        await self._gone.wait()
        return self.reason

    async def why_gone(self) -> str | None:
        """Return the reason of a loss, "" where it stays unknown; None while it is up."""
        if not self.is_gone:
            return None
        try:
            async with asyncio.timeout(_REASON_SECONDS):
                return await self.wait_lost()
        except TimeoutError:
            return ""

    async def probe(self, seconds: float, reason: str) -> None:
        """Ask for a sign of life; without one in `seconds` it is lost, for `reason`."""
        if self.is_gone:
            return
        ssh = self._dialled.ssh
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                await ping(ssh)
        except TimeoutError:
            if heard(ssh) < began:
                log.info("%s: %s", self.host, reason)
                ssh.connection_lost(asyncssh.ConnectionLost(reason))

    # -- leases

    @property
    def leases(self) -> Counter[str]:
        """Return how many leases there are for each purpose."""
        return self.leases_of(host for host, _ in self._leases)

    def leases_of(self, hosts: Iterable[str]) -> Counter[str]:
        """Return how many leases there are under some of its names for each purpose."""
        names = set(hosts)
        found: Counter[str] = Counter()
        for (host, purpose), count in self._leases.items():
            if host in names:
                found[purpose] += count
        return found

    def lease(self, purpose: str, host: str = "", resolved: ResolvedHost | None = None) -> Lease:
        """Return a new lease for `purpose`, such as "shell" or "sftp", under a name it has.

        Raises UntrustedError for a tunnel over a server whose key is not trusted.
        """
        if purpose == TUNNEL and self.untrusted:
            raise UntrustedError(
                "No tunnels over a server that is not trusted",
                detail=self.untrusted,
                hint="StrictHostKeyChecking is no, which allows a connection and little else",
                host=self.host,
            )
        host = host or self.host
        self.take(purpose, host)
        return Lease(self, purpose, host, resolved or self.resolved)

    def take(self, purpose: str, host: str) -> None:
        """Count one lease more."""
        self._leases[host, purpose] += 1
        self._asked_for = self._asked_for or (purpose != JUMP and not self.is_spare)
        if self._idle:
            self._idle.cancel()
            self._idle = None

    def give_back(self, purpose: str, host: str, at_once: bool = False) -> None:
        """Take one lease back; after the last one it may linger, a mere hop not if `at_once`."""
        self._leases[host, purpose] -= 1
        self._leases += Counter()
        self.rest(at_once)

    def rest(self, at_once: bool = False) -> None:
        """Linger and then end, where there are no leases."""
        if self._leases or self.state is not ConnectionState.CONNECTED:
            return
        seconds = 0.0 if at_once and not self._asked_for else self.linger(self._asked_for)
        reason = "nothing goes through it any more"
        if seconds == 0:
            self._end(Step.STOP, reason)
        elif seconds is not None:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(seconds, self._end, Step.STOP, reason)

    # -- sessions

    @property
    def sessions(self) -> int:
        """Return how many shells, commands and subsystems are open on it."""
        return 0 if self.is_gone else open_sessions(self._dialled.ssh)

    def is_full(self, error: asyncssh.ChannelOpenError) -> bool:
        """Return whether `error` means that the server takes no more sessions than there are."""
        return error.code in _FULL and self.sessions > 0

    async def another(
        self, full: Sequence["Connection"], error: asyncssh.ChannelOpenError
    ) -> "Connection":
        """Return a connection to the same host that may have room; raises SSHDashError."""
        if self.on_full is None:
            raise explain(error, self.host, "open a session") from error
        return await self.on_full(full)

    # -- its end

    async def close(self, reason: str = "disconnected") -> None:
        """Say goodbye to the server and end; it counts as the user's decision, not as a loss."""
        self._end(Step.STOP, reason)
        await self.wait_closed()

    async def wait_closed(self) -> None:
        """Return when a connection that ended has let go of everything."""
        if self._closing:
            await asyncio.shield(self._closing)

    def _library_lost(self, lost: "asyncio.Future[Exception | None]") -> None:
        goodbye = self._dialled.ssh.goodbye
        reason = f'the server said "{goodbye}"' if goodbye else lost_reason(lost.result())
        if self._hop and self._hop.connection.is_gone:
            hop = self._hop.connection
            self.blamed = hop.blamed or hop.host
            reason = through(hop.host, hop.reason or "the connection broke off")
        self._end(Step.LOSE, reason)

    def _end(self, step: Step, reason: str) -> None:
        if self.state is not ConnectionState.CONNECTED:
            return
        self.state = advance(self.state, step)
        self.reason = reason
        self._gone.set()
        self.pulse.stop()
        if self._idle:
            self._idle.cancel()
        self._closing = asyncio.get_running_loop().create_task(
            self._clean_up(), name=f"closing {self.host}"
        )
        if self._on_end:
            self._on_end(self)

    async def _clean_up(self) -> None:
        """Let go of the library's connection, the proxy command and the hop before."""
        ssh = self._dialled.ssh
        try:
            await ssh.finish_learning(_GOODBYE)
            ssh.close()
            async with asyncio.timeout(_GOODBYE):
                await ssh.wait_closed()
        except TimeoutError:
            ssh.abort()
        finally:
            if self._dialled.proxy:
                await self._dialled.proxy.close()
            if self._hop:
                self._hop.release(at_once=self.state is ConnectionState.IDLE)
