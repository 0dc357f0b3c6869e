"""One tunnel: a rule, its state, and the forward that is running for it.

When its connection is lost and expected back, the tunnel waits: a local port stays bound, so that
clients wait instead of being refused, and the counters go on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from itertools import chain, repeat
from typing import TYPE_CHECKING

import asyncssh

from sshdash.connections.faults import explain
from sshdash.errors import ConnectError, ConnectionLost, ForwardError, SSHDashError
from sshdash.events import EventBus, TunnelChanged
from sshdash.states import Step, TunnelState, advance, allows
from sshdash.tunnels.claims import Claims, OwnedElsewhere
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.dynamic import DynamicForwarder
from sshdash.tunnels.forwarder import Forwarder, LocalForwarder
from sshdash.tunnels.remote import RemoteForwarder
from sshdash.tunnels.rule import Rule
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec, Kind

if TYPE_CHECKING:
    from sshdash.connections.connection import Connection, Lease
    from sshdash.connections.recovery.outages import NoOutages, Outages

log = logging.getLogger(__name__)

LeaseConnection = Callable[[str, str], "Awaitable[Lease]"]
"""Gives a lease on a host's connection, for a purpose."""

_FORWARDERS: dict[Kind, type[Forwarder]] = {
    Kind.LOCAL: LocalForwarder,
    Kind.REMOTE: RemoteForwarder,
    Kind.DYNAMIC: DynamicForwarder,
}
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two requests for a port that the lost connection may still hold."""
_LIVE = frozenset({TunnelState.OPEN, TunnelState.DEGRADED})


class Tunnel:
    """Starts, watches and stops one forward; its own observer of how the clients fare."""

    def __init__(
        self,
        identifier: str,
        host: str,
        spec: ForwardSpec,
        source: str,
        route: tuple[str, ...],
        lease: LeaseConnection,
        events: EventBus,
        outages: "Outages | NoOutages",
        claims: "Claims | None" = None,
    ) -> None:
        self.id = identifier
        self.host = host
        self.spec = spec
        self.source = source
        self.state = TunnelState.CLOSED
        self.failure: SSHDashError | None = None
        """Why it failed, while it is failed."""
        self._events = events
        self._lease_connection = lease
        self._forwarder: Forwarder | None = None
        self._work: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._traffic = Traffic(time.monotonic())
        self._failures = 0
        self._error = ""
        self._opened: float | None = None
        self._route = route
        self._outages = outages
        self._claims = claims
        self.rule: Rule | None = None
        self._retry_at: float | None = None
        """When the server is asked to listen again, while it refuses that after an outage."""

    def __repr__(self) -> str:
        """Return host, forward and state."""
        rule = f"{self.host} -{self.spec.kind.value} {self.spec}"
        return f"<Tunnel {self.id} [{rule}, {self.state.value}]>"

    # --- what a person asks for ---

    async def start(self) -> None:
        """Open the tunnel; return when it is open or has failed, which `state` tells."""
        if allows(self.state, Step.START):
            self._error = ""
            self.failure = None
            self._settled.clear()
            self._move(Step.START)
            self._work = asyncio.get_running_loop().create_task(self._run_alone(self._work))
        await self._settled.wait()

    async def stop(self) -> None:
        """Close the tunnel: its port is free and its clients are dropped when this returns."""
        if allows(self.state, Step.STOP):
            self.failure = None
            self._move(Step.STOP)
        self._settled.set()
        work = self._work
        if work is not None:
            work.cancel()
            await asyncio.wait({work})

    def snapshot(self) -> TunnelSnapshot:
        """Return how it is now."""
        now = time.monotonic()
        self._traffic.tick(now)
        forwarder = self._forwarder
        rate_up, rate_down = self._traffic.rates
        return TunnelSnapshot(
            id=self.id,
            host=self.host,
            kind=self.spec.kind,
            spec=self.spec,
            source=self.source,
            listen=forwarder.listen_text if forwarder else self.spec.listen_text,
            target=self.spec.target_text,
            route=self._route,
            state=self.state,
            exposed=forwarder.exposed if forwarder else self.spec.exposed,
            clients=self._traffic.clients,
            clients_total=self._traffic.total,
            failures=self._failures,
            bytes_up=self._traffic.up,
            bytes_down=self._traffic.down,
            rate_up=rate_up,
            rate_down=rate_down,
            history=self._traffic.history,
            error=self._error,
            uptime=None if self._opened is None else now - self._opened,
            retry_in=self._retry_in(now),
            rule=self.rule,
        )

    def _retry_in(self, now: float) -> float | None:
        if self.state is not TunnelState.RECONNECTING:
            return None
        if self._retry_at is not None:
            return max(0.0, self._retry_at - now)
        return self._outages.retry_in(self.host)

    # --- how the clients fare ---

    def answered(self) -> None:
        """A client got through, so the target is there."""
        if self.state is TunnelState.DEGRADED:
            self._move(Step.TARGET_ANSWERED)

    def refused(self, reason: str) -> None:
        """A client did not. One target that refuses is the tunnel's; of many, the client's."""
        self._failures += 1
        self._error = reason
        if self.spec.kind is not Kind.DYNAMIC and self.state in _LIVE:
            self._move(Step.TARGET_REFUSED, reason)

    def troubled(self, reason: str) -> None:
        """Clients are turned away on this side."""
        self._failures += 1
        self._error = reason
        log.warning("%s: %s: %s", self.host, self.spec, reason)

    # --- its life ---

    async def _run_alone(self, previous: asyncio.Task[None] | None) -> None:
        """Run it unless another process has its rule; no other has it then until this ends."""
        name = self.rule.name if self.rule else ""
        try:
            with self._claims.sole(name) if self._claims else nullcontext():
                await self._run(previous)
        except OwnedElsewhere as error:
            self._fail(error)
            self._settled.set()

    async def _run(self, previous: asyncio.Task[None] | None) -> None:
        interest = self._outages.interest(self.host, "tunnel")
        forwarder: Forwarder | None = None
        lease: Lease | None = None
        try:
            if previous is not None:
                await asyncio.wait({previous})
            lease = await self._first_lease()
            forwarder = self._forwarder = self._make_forwarder(lease.connection)
            if not await self._begin(forwarder, lease.connection):
                forwarder.detach()
                lease.release()
                lease = None
                lease = await self._come_back(forwarder)
            while True:
                self._open()
                reason = await lease.connection.wait_lost()
                forwarder.detach()
                lease.release()
                lease = None
                self._interrupt(ConnectionLost("Connection lost", reason, host=self.host))
                lease = await self._come_back(forwarder)
        except (SSHDashError, asyncssh.Error, OSError) as error:
            self._fail(explain(error, self.host, f"forward {self.spec}"))
        finally:
            self._opened = None
            self._forwarder = None
            self._settled.set()
            try:
                if forwarder is not None:
                    await forwarder.close()
            finally:  # who stops it twice cancels that
                if lease is not None:
                    lease.release()
                interest.release()

    async def _first_lease(self) -> "Lease":
        """Return a lease; on a host that is out already, once it is back."""
        try:
            return await self._lease_connection(self.host, "tunnel")
        except ConnectError as error:
            if self._outages.retry_in(self.host) is None:
                raise
            self._error = _words(error)
        self._move(Step.INTERRUPT, self._error)
        self._settled.set()
        while True:
            await self._outages.back(self.host)
            try:
                return await self._lease_connection(self.host, "tunnel")
            except SSHDashError as error:
                self._excuse(error)

    async def _begin(self, forwarder: Forwarder, connection: "Connection") -> bool:
        """Open the forward; return False where the connection was lost over it and comes back."""
        try:
            await self._first_open(forwarder, connection)
        except (SSHDashError, asyncssh.Error) as error:
            lost = explain(error, self.host, f"forward {self.spec}")
            if not isinstance(lost, ConnectionLost):
                raise
            self._interrupt(lost)
            return False
        return True

    async def _first_open(self, forwarder: Forwarder, connection: "Connection") -> None:
        try:
            await forwarder.open()
        except ForwardError:
            # After an outage the lost connection may still hold the port on the server.
            if self.spec.kind is not Kind.REMOTE or self.state is not TunnelState.RECONNECTING:
                raise
            await self._attach(forwarder, connection)

    def _open(self) -> None:
        self._opened = time.monotonic()
        self._error = ""
        self._move(Step.READY)
        self._settled.set()

    def _interrupt(self, error: ConnectionLost) -> None:
        """Wait for the next connection; raises `error` where none is expected."""
        self._opened = None
        if not self._outages.is_expected(self.host):
            raise error
        self._error = _words(error)
        if self.state is not TunnelState.RECONNECTING:
            self._move(Step.INTERRUPT, self._error)
        self._settled.set()

    async def _come_back(self, forwarder: Forwarder) -> "Lease":
        """Go on over the next connection that carries the forward, and return the lease on it."""
        while True:
            await self._outages.back(self.host, forwarder.turn_away)
            try:
                lease = await self._lease_connection(self.host, "tunnel")
            except SSHDashError as error:
                self._excuse(error)
                continue
            try:
                await self._attach(forwarder, lease.connection)
            except ConnectionLost as error:
                forwarder.detach()
                lease.release()
                self._excuse(error)
            except BaseException:
                lease.release()
                raise
            else:
                return lease

    def _excuse(self, error: SSHDashError) -> None:
        """Note why it is not back yet; raises `error` where it will not be."""
        # A server that is not trusted any more carries no tunnels, however often it is asked.
        if isinstance(error, ForwardError) or not self._outages.is_expected(self.host):
            raise error
        self._error = _words(error)

    async def _attach(self, forwarder: Forwarder, connection: "Connection") -> None:
        """Put the forward on a new connection.

        A server may take a while to notice that the old connection is gone, and holds a remote
        forward's port until then: it is asked again. Raises ConnectionLost.
        """
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            try:
                await forwarder.attach(connection.ssh)
            except ForwardError as error:
                self._error = _words(error)
            else:
                return
            self._retry_at = time.monotonic() + pause
            try:
                async with asyncio.timeout(pause):
                    reason = await connection.wait_lost()
            except TimeoutError:
                continue
            finally:
                self._retry_at = None
            raise ConnectionLost("Connection lost", reason, host=self.host)

    def _make_forwarder(self, connection: "Connection") -> Forwarder:
        route = tuple(connection.route)
        self._route = route if route[-1:] == (self.host,) else (*route, self.host)
        gateway_ports = self.spec.kind is not Kind.REMOTE and connection.resolved.flag(
            "gatewayports"
        )
        return _FORWARDERS[self.spec.kind](
            self.spec, connection.ssh, self._traffic, self, gateway_ports
        )

    def _fail(self, error: SSHDashError) -> None:
        self.failure = error
        self._error = _words(error)
        self._move(Step.LOSE if self.state in _LIVE else Step.FAIL, self._error)

    def _move(self, step: Step, reason: str = "") -> None:
        old, self.state = self.state, advance(self.state, step)
        if self.state is not old:
            self._events.emit(TunnelChanged(self.id, old, self.state, reason))


def _words(error: SSHDashError) -> str:
    """Return an error on one line, without the host that the tunnel names anyhow."""
    text = ": ".join(part for part in (error.title, error.detail) if part)
    return f"{text} ({error.hint})" if error.hint else text
