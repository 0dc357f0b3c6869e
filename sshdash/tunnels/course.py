"""One course of a tunnel: from its first lease on a connection, over all losses, to its end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import TYPE_CHECKING, Protocol

import asyncssh

from sshdash.errors import Cancelled, ConnectError, ConnectionLost, ForwardError, SSHDashError
from sshdash.states import TunnelState
from sshdash.tunnels.forwards.forwarder import Forwarder
from sshdash.tunnels.forwards.remote import RemoteForwarder

if TYPE_CHECKING:
    from sshdash.connections.connection import Connection, Lease
    from sshdash.connections.recovery.outages import NoOutages, Outages

LeaseConnection = Callable[[str, str], "Awaitable[Lease]"]
"""Gives a lease on a host's connection, for a purpose."""
Ready = Callable[[], Awaitable[None]]
"""Returns when a course may begin; raises SSHDashError where it may not."""

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two requests for a port that the lost connection may still hold."""


class Owner(Protocol):
    """The tunnel, as its course knows it."""

    def make_forwarder(self, lease: "Lease") -> Forwarder:
        """Return what forwards on a lease's connection, not listening yet."""
        ...

    def early_forwarder(self) -> Forwarder | None:
        """Return what takes its port before there is a connection, None where that has to wait."""
        ...

    def suits(self, forwarder: Forwarder, lease: "Lease") -> bool:
        """Return whether an early forwarder listens as it has to on a lease's connection."""
        ...

    def came_up(self) -> None:
        """Clients are carried from now on."""

    def interrupted(self, error: SSHDashError) -> None:
        """It waits for the connection."""

    def hindered(self, error: SSHDashError) -> None:
        """It is still not back."""

    def failed(self, error: SSHDashError) -> None:
        """It is over, and nobody asked for that."""

    def explain(self, error: BaseException) -> SSHDashError:
        """Return an error of any kind as one of ours."""
        ...


class Course:
    """Runs a forward over one connection after another; `run` is its one task."""

    def __init__(
        self, host: str, lease: LeaseConnection, outages: "Outages | NoOutages", owner: Owner
    ) -> None:
        self.state = TunnelState.OPENING
        """Opening, open or reconnecting, whatever a pause makes of that."""
        self.forwarder: Forwarder | None = None
        self.opened: float | None = None
        """Since when it is open, by the monotonic clock."""
        self.retry_at: float | None = None
        """When the server is asked to listen again, while it refuses that after an outage."""
        self.settled = asyncio.Event()
        """Set when it is known whether it opens."""
        self._host = host
        self._lease_connection = lease
        self._outages = outages
        self._owner = owner
        self._lease: Lease | None = None
        self._over = False

    def __repr__(self) -> str:
        """Return its host and how it is."""
        return f"<Course [{self._host}, {self.state.value}]>"

    @property
    def lease(self) -> "Lease | None":
        """Return its lease, None while it has none."""
        return self._lease

    @property
    def connection(self) -> "Connection | None":
        """Return the connection that it has a lease on."""
        return self._lease.connection if self._lease else None

    def end(self) -> None:
        """Tell its owner nothing any more: whoever calls this cancels its task."""
        self._over = True
        self.settled.set()

    def hand_over(self) -> "tuple[Forwarder, Lease] | None":
        """Give away what it has, where it has a connection: its task, cancelled, leaves it be."""
        forwarder, lease = self.forwarder, self._lease
        if forwarder is None or lease is None:
            return None
        self.forwarder = self._lease = None
        return forwarder, lease

    async def run(self, ready: Ready) -> None:
        """Open the forward once `ready` returns, and keep it open until this is cancelled."""
        interest = self._outages.interest(self._host, "tunnel")
        try:
            await ready()
            self._lease = lease = await self._first_lease()
            forwarder = self.forwarder
            if forwarder is None:
                self.forwarder = forwarder = self._owner.make_forwarder(lease)
                if not await self._begin(forwarder, lease.connection):
                    self._let_go(forwarder)
                    lease = await self._come_back(forwarder)
            while True:
                self._open()
                await lease.connection.wait_lost()
                self._let_go(forwarder)
                self._interrupt(lease.connection.loss())
                lease = await self._come_back(forwarder)
        except (SSHDashError, asyncssh.Error, OSError) as error:
            if not self._over:
                self._owner.failed(self._owner.explain(error))
        finally:
            self.opened = None
            self.settled.set()
            running, self.forwarder = self.forwarder, None
            try:
                if running is not None:
                    await running.close()
            finally:  # who stops it twice cancels that
                self._release()
                interest.release()

    async def _first_lease(self) -> "Lease":
        """Return a lease; on a host that is out already, once it is back.

        Clients wait from the start where the forward can have its port before that.
        """
        try:
            return await self._lease_connection(self._host, "tunnel")
        except ConnectError as error:
            if self._outages.retry_in(self._host) is None:
                raise
            self.forwarder = early = self._owner.early_forwarder()
            if early is not None:
                await early.open()
            self._wait_for(error)
        if early is not None:
            return await self._come_back(early, early=True)
        while True:
            await self._outages.back(self._host)
            try:
                return await self._lease_connection(self._host, "tunnel")
            except SSHDashError as error:
                self._excuse(error)

    async def _begin(self, forwarder: Forwarder, connection: "Connection") -> bool:
        """Open the forward; return False where the connection was lost over it and comes back."""
        try:
            await self._first_open(forwarder, connection)
        except (SSHDashError, asyncssh.Error) as error:
            lost = self._owner.explain(error)
            if not isinstance(lost, ConnectionLost):
                raise
            self._interrupt(lost)
            return False
        return True

    async def _first_open(self, forwarder: Forwarder, connection: "Connection") -> None:
        try:
            await forwarder.open()
        except ForwardError as error:
            # After an outage the lost connection may still hold the port on the server.
            outlived = self.state is TunnelState.RECONNECTING
            if not outlived or not isinstance(forwarder, RemoteForwarder):
                raise
            self._owner.hindered(error)
            await self._attach(forwarder, connection)

    def _open(self) -> None:
        self.opened = time.monotonic()
        self.state = TunnelState.OPEN
        self._owner.came_up()
        self.settled.set()

    def _interrupt(self, error: ConnectionLost) -> None:
        """Wait for the next connection; raises `error` where none is expected."""
        self.opened = None
        if not self._outages.is_expected(self._host):
            raise error
        if self.state is TunnelState.RECONNECTING:
            self._owner.hindered(error)
        else:
            self._wait_for(error)

    def _wait_for(self, error: SSHDashError) -> None:
        self.state = TunnelState.RECONNECTING
        self._owner.interrupted(error)
        self.settled.set()

    async def _come_back(self, forwarder: Forwarder, early: bool = False) -> "Lease":
        """Go on over the next connection that carries the forward, and return the lease on it.

        One that listens since before there was a connection may have to be made anew.
        """
        while True:
            await self._outages.back(self._host, forwarder.turn_away)
            try:
                self._lease = lease = await self._lease_connection(self._host, "tunnel")
            except SSHDashError as error:
                self._excuse(error)
                continue
            if early and not self._owner.suits(forwarder, lease):
                await forwarder.close()
                self.forwarder = None
                return lease
            try:
                await self._attach(forwarder, lease.connection)
            except ConnectionLost as error:
                self._let_go(forwarder)
                self._excuse(error)
            else:
                return lease

    def _excuse(self, error: SSHDashError) -> None:
        """Note why it is not back yet; raises `error` where it will not be."""
        # A server that is not trusted any more carries no tunnels, however often it is asked.
        if isinstance(error, ForwardError) or not self._outages.is_expected(self._host):
            raise error
        self._owner.hindered(error)

    async def _attach(self, forwarder: Forwarder, connection: "Connection") -> None:
        """Put the forward on a new connection.

        A server may take a while to notice that the old connection is gone, and holds a remote
        forward's port until then: it is asked again. Raises ConnectionLost.
        """
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            try:
                await forwarder.attach(connection.ssh)
            except ForwardError as error:
                self._owner.hindered(error)
            else:
                return
            self.retry_at = time.monotonic() + pause
            try:
                async with asyncio.timeout(pause):
                    await connection.wait_lost()
            except TimeoutError:
                continue
            finally:
                self.retry_at = None
            raise connection.loss()

    def _let_go(self, forwarder: Forwarder) -> None:
        """Give a lost connection back."""
        forwarder.detach()
        self._release()

    def _release(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()


def not_connected(host: str) -> Cancelled:
    """Return why a tunnel that connects nowhere by itself does not open."""
    return Cancelled("The host is not connected any more", host=host)
