"""One shared connection per host: leases, joined attempts, loss, and what the screen sees.

A connection that somebody asked for stays until it is disconnected. One that was only opened as
a hop on the way to others goes with the last of them, as ssh's own jumps do.
"""

import asyncio
import dataclasses
import time

from sshdash.config.destination import Destination, parse_destination
from sshdash.config.resolver import Resolver
from sshdash.connections.connection import (
    JUMP,
    Connection,
    ConnectionSnapshot,
    Lease,
    through,
)
from sshdash.connections.dialer import Dialer
from sshdash.connections.faults import explain
from sshdash.connections.route import Route, RoutePlanner
from sshdash.connections.timeline import Phase, Timeline
from sshdash.errors import Cancelled, SSHDashError, UsageError
from sshdash.events import ConnectionChanged, EventBus
from sshdash.prompts import Prompter
from sshdash.settings import Settings
from sshdash.states import ConnectionState, Step, advance, allows

__all__ = ["Connection", "ConnectionManager", "ConnectionSnapshot", "Lease"]


class _Host:
    """What is known of one host's connection: the only place where its state moves."""

    def __init__(self, key: str, events: EventBus) -> None:
        self.key = key
        self.state = ConnectionState.IDLE
        self.reason = ""
        self.since = 0.0
        self.route: Route = ()
        self.connection: Connection | None = None
        self.attempt: asyncio.Task[Connection] | None = None
        self.timeline: Timeline | None = None
        self.waiting = 0
        self._events = events

    def move(self, step: Step, reason: str = "") -> None:
        """Take one step and tell it."""
        old, self.state = self.state, advance(self.state, step)
        self.reason = reason
        self.since = time.monotonic()
        self._events.emit(ConnectionChanged(self.key, old, self.state, reason))

    def snapshot(self) -> ConnectionSnapshot:
        """Return how it stands."""
        view = ConnectionSnapshot(
            self.key, self.state, self.reason, self.since, timeline=self.timeline
        )
        if self.route:
            view = dataclasses.replace(
                view,
                user=self.route[-1].resolved.user,
                via=tuple(hop.name for hop in self.route[:-1]),
            )
        connection = self.connection
        if connection is None or self.state is not ConnectionState.CONNECTED:
            return view
        return dataclasses.replace(
            view,
            leases=dict(connection.leases),
            address=connection.address,
            cipher=connection.cipher,
            server_version=connection.server_version,
            auth_method=connection.auth_method,
        )


class ConnectionManager:
    """Hands out leases on shared connections, dialling where there is none."""

    def __init__(
        self, resolver: Resolver, prompter: Prompter, events: EventBus, settings: Settings
    ) -> None:
        self._planner = RoutePlanner(resolver)
        self._dialer = Dialer(prompter, events, settings)
        self._events = events
        self._hosts: dict[str, _Host] = {}
        self._ending: set[Connection] = set()
        self._closed = False

    def __repr__(self) -> str:
        """Return how many hosts are in each state."""
        states = [host.state.value for host in self._hosts.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        return f"<ConnectionManager [{counts or 'no hosts'}]>"

    async def lease(self, destination: str | Destination, purpose: str) -> Lease:
        """Return a lease on the host's connection, dialling where it is not up.

        Joins an attempt that is under way. Raises SSHDashError.
        """
        if isinstance(destination, str):
            destination = parse_destination(destination)
        host = self._host(str(destination))
        if host.state is ConnectionState.CONNECTED and host.connection:
            return host.connection.lease(purpose)
        route = host.route
        if host.attempt is None:
            route = await asyncio.to_thread(self._planner.plan, destination)
        return await self._lease_on(host, route, purpose)

    def status(self, host: str) -> ConnectionSnapshot:
        """Return how the connection of `host` stands, idle for one that was never asked for."""
        known = self._hosts.get(_key(host))
        return known.snapshot() if known else ConnectionSnapshot(host)

    def statuses(self) -> list[ConnectionSnapshot]:
        """Return how every connection of this run stands."""
        return [host.snapshot() for host in self._hosts.values()]

    async def disconnect(self, host: str) -> None:
        """Close the connection of `host`, or end the attempt at it, or forget its failure."""
        known = self._hosts.get(_key(host))
        if known is None:
            return
        if known.attempt:
            await _finish(known.attempt, "disconnected")
        elif known.connection and known.state is ConnectionState.CONNECTED:
            await known.connection.close()
        elif allows(known.state, Step.STOP):
            known.move(Step.STOP)

    async def close(self) -> None:
        """Close every connection, the far ends of jump chains first, and end every attempt."""
        self._closed = True
        by_length = sorted(self._hosts.values(), key=lambda host: -len(host.route))
        for host in by_length:
            if host.attempt:
                await _finish(host.attempt, "sshdash is closing")
        for length in sorted({len(host.route) for host in by_length}, reverse=True):
            group = [host for host in by_length if len(host.route) == length]
            await asyncio.gather(*(self.disconnect(host.key) for host in group))
        while ending := [ended for ended in self._ending if not ended.is_closed]:
            await asyncio.gather(*(connection.wait_closed() for connection in ending))

    def _host(self, key: str) -> _Host:
        if key not in self._hosts:
            self._hosts[key] = _Host(key, self._events)
        return self._hosts[key]

    async def _lease_on(
        self, host: _Host, route: Route, purpose: str, onlooker: Timeline | None = None
    ) -> Lease:
        """Return a lease, after joining the attempt or starting one.

        `onlooker` is the timeline of the host behind this one: it shows these steps too.
        """
        if self._closed:
            raise Cancelled("sshdash is closing", host=host.key)
        if host.state is ConnectionState.CONNECTED and host.connection:
            return host.connection.lease(purpose)
        attempt = host.attempt or self._start(host, route)
        leave = None
        if onlooker and host.timeline:
            leave = onlooker.include(route[-1].name, host.timeline)
        try:
            return (await self._join(host, attempt)).lease(purpose)
        finally:
            if leave:
                leave()

    def _start(self, host: _Host, route: Route) -> "asyncio.Task[Connection]":
        """Begin an attempt."""
        host.route = route
        host.timeline = Timeline(host.key, route[-1].resolved.get("loglevel") or "")
        host.move(Step.START)
        host.attempt = asyncio.create_task(
            self._attempt(host, route, host.timeline), name=f"connecting to {host.key}"
        )
        host.attempt.add_done_callback(lambda ended: self._settle(host, ended))
        return host.attempt

    async def _join(self, host: _Host, attempt: "asyncio.Task[Connection]") -> Connection:
        """Wait for an attempt with others; the last one who leaves ends it."""
        host.waiting += 1
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if attempt.cancelled() and not (current and current.cancelling()):
                raise Cancelled("Connecting was cancelled", host=host.key) from None
            if host.waiting == 1:
                await _finish(attempt, "cancelled")
            raise
        finally:
            host.waiting -= 1

    async def _attempt(self, host: _Host, route: Route, timeline: Timeline) -> Connection:
        try:
            connection = await self._dial(host, route, timeline)
        except Exception as error:
            failure = explain(error, host.key, "connecting")
            timeline.finish(failure)
            raise failure from error
        except asyncio.CancelledError:
            timeline.finish(Cancelled("Cancelled", host=host.key))
            raise
        timeline.finish()
        return connection

    def _settle(self, host: _Host, attempt: "asyncio.Task[Connection]") -> None:
        """Move the state as an attempt ended, before any of those who wait wakes up."""
        host.attempt = None
        error = None if attempt.cancelled() else attempt.exception()
        if attempt.cancelled():
            host.move(Step.CANCEL, "cancelled")
        elif isinstance(error, Cancelled):
            host.move(Step.CANCEL, error.title)
        elif error is not None:
            host.move(Step.FAIL, explain(error, host.key, "connecting").title)
        else:
            host.connection = attempt.result()
            host.connection.on_end = lambda ended: self._ended(host, ended)
            host.move(Step.READY)

    async def _dial(self, host: _Host, route: Route, timeline: Timeline) -> Connection:
        names = tuple(hop.name for hop in route)
        hop = await self._lease_hop(host, route[:-1], timeline) if len(route) > 1 else None
        try:
            via = hop.connection.ssh if hop else None
            dialled = await self._dialer.dial(host.key, route[-1].resolved, names, timeline, via)
        except BaseException:
            if hop:
                hop.release()
            raise
        return Connection(host.key, route[-1].resolved, names, dialled, hop)

    async def _lease_hop(self, host: _Host, route: Route, timeline: Timeline) -> Lease:
        hop, name = self._host(route[-1].key), route[-1].name
        with timeline.begin(Phase.JUMP, name) as step:
            if hop.state is ConnectionState.CONNECTED:
                step.done(f"{name}, which is connected already")
            try:
                return await self._lease_on(hop, route, JUMP, timeline)
            except SSHDashError as error:
                raise _through(error, host.key, name) from error

    def _ended(self, host: _Host, connection: Connection) -> None:
        if host.connection is connection:
            lost = connection.state is ConnectionState.LOST
            host.connection = None
            host.move(Step.LOSE if lost else Step.STOP, connection.reason)
        self._ending = {ended for ended in self._ending if not ended.is_closed}
        self._ending.add(connection)


def _key(host: str) -> str:
    """Return the name a connection is kept under, for any way to write the destination."""
    try:
        return str(parse_destination(host))
    except UsageError:
        return host


async def _finish(task: "asyncio.Task[Connection]", reason: str) -> None:
    """Cancel an attempt and wait until it has cleaned up."""
    task.cancel(reason)
    await asyncio.wait([task])


def _through(error: SSHDashError, host: str, hop: str) -> SSHDashError:
    """Return a hop's failure as the failure of the host behind it."""
    if isinstance(error, Cancelled):
        return error
    failure = type(error)(through(hop, error.title))
    failure.detail, failure.hint, failure.host = error.detail, error.hint, host
    return failure
