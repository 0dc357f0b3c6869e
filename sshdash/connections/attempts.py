"""Attempts at connections: begun once, joined by all who need them, settled before any wakes up."""

import asyncio
import functools
import time
from collections.abc import Sequence
from typing import Any

from sshdash.connections.connection import JUMP, Connection, Lease, through
from sshdash.connections.descriptors import require_descriptors
from sshdash.connections.dialer import Dialer
from sshdash.connections.faults import explain
from sshdash.connections.linger import linger_seconds
from sshdash.connections.recovery.supervisor import Supervisor
from sshdash.connections.registry import Registry
from sshdash.connections.route import Route
from sshdash.connections.shared import SharedConnection
from sshdash.connections.timeline import Phase, Timeline
from sshdash.errors import Cancelled, SessionError, SSHDashError
from sshdash.settings import Settings
from sshdash.states import ConnectionState, Step

MOST_SPARES = 8
"""Further connections to one host at most."""


class Attempts:
    """Makes connections for the manager and watches how they end."""

    def __init__(
        self, dialer: Dialer, registry: Registry, supervisor: Supervisor, settings: Settings
    ) -> None:
        self.closed = False
        self._dialer = dialer
        self._registry = registry
        self._supervisor = supervisor
        self._hop_linger = settings.hop_linger
        self._ending: set[Connection] = set()

    async def connection(
        self,
        shared: SharedConnection,
        name: str,
        onlooker: Timeline | None = None,
        attended: bool = True,
    ) -> Connection:
        """Return the connection that is up, after joining an attempt or beginning one.

        `name` is what it is asked for as: it may be disconnected apart from the others.
        `onlooker` is the timeline of the host behind this one: it shows these steps too. Where
        it is not `attended`, no person wanted it just now. Raises SSHDashError.
        """
        if self.closed:
            raise Cancelled("sshdash is closing", host=shared.host)
        if shared.connection and shared.state is ConnectionState.CONNECTED:
            return shared.connection
        attempt = shared.attempt or self.begin(shared, attended=attended)
        shared.attended = shared.attended or attended
        leave = None
        if onlooker and shared.timeline:
            leave = onlooker.include(shared.route[-1].name, shared.timeline)
        try:
            return await self._join(shared, name, attempt)
        finally:
            if leave:
                leave()

    def begin(
        self, shared: SharedConnection, automatic: bool = False, attended: bool = False
    ) -> "asyncio.Task[Connection]":
        """Begin an attempt; an `automatic` one goes on without anybody who waits for it."""
        shared.automatic = automatic
        shared.attended = attended
        shared.unanswered = False
        shared.timeline = _timeline(shared)
        self._supervisor.started(shared)
        shared.move(Step.START)
        shared.attempt = asyncio.create_task(
            self._attempt(shared, shared.timeline), name=f"connecting to {shared.host}"
        )
        shared.attempt.add_done_callback(functools.partial(self._settle, shared))
        return shared.attempt

    def cancel(self, shared: SharedConnection) -> None:
        """End an attempt that nobody wants any more."""
        if shared.attempt:
            shared.attempt.cancel("nobody wants it any more")

    async def end(self, shared: SharedConnection, reason: str) -> None:
        """End the attempts and wait until they have cleaned up."""
        for attempt in filter(None, (shared.attempt, shared.growth)):
            await _finish(attempt, reason)

    async def wait_closed(self) -> None:
        """Return when every connection that ended has let go of everything."""
        while ending := [ended for ended in self._ending if not ended.is_closed]:
            await asyncio.gather(*(connection.wait_closed() for connection in ending))

    async def another(self, shared: SharedConnection, full: Sequence[Connection]) -> Connection:
        """Return a further connection to a host whose connections in `full` have no room.

        Raises SSHDashError where none can be made.
        """
        async with shared.growing:
            for spare in shared.spares:
                if spare not in full and not spare.is_gone:
                    return spare
            if self.closed:
                raise Cancelled("sshdash is closing", host=shared.host)
            if len(shared.spares) >= MOST_SPARES:
                raise _no_room(shared, full, f"{len(full)} connections to it are full")
            try:
                made = await self._grow(shared)
            except Cancelled:
                raise
            except SSHDashError as error:
                shared.tell_spare(ConnectionState.FAILED, reason=error.title)
                raise _no_room(shared, full, f"and for another: {error.title}") from error
            if self.closed or shared.stopped:
                await made.close()
                raise Cancelled("Connecting was cancelled", host=shared.host)
            spare = self._adopt(shared, made)
            spare.is_spare = True
            shared.spares.append(spare)
            spare.watch(functools.partial(self._spare_ended, shared))
            shared.tell_spare(ConnectionState.CONNECTED, spare.address)
            return spare

    async def _grow(self, shared: SharedConnection) -> Connection:
        """Make a further connection; `end` ends that too."""
        shared.timeline = timeline = _timeline(shared)
        timeline.note(Phase.CHANNEL, "the server takes no more sessions on one connection")
        shared.growth = growth = asyncio.create_task(
            self._attempt(shared, timeline), name=f"connecting to {shared.host} once more"
        )
        try:
            return await growth
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if growth.cancelled() and not (current and current.cancelling()):
                raise Cancelled("Connecting was cancelled", host=shared.host) from None
            if growth.done() and not growth.cancelled() and growth.exception() is None:
                made = growth.result()  # just before nobody wanted it any more
                made.watch(self._remember)
                made.rest(at_once=True)
            raise
        finally:
            shared.growth = None

    # -- one attempt

    async def _join(
        self, shared: SharedConnection, name: str, attempt: "asyncio.Task[Connection]"
    ) -> Connection:
        """Wait for an attempt with others; the last one who leaves ends it."""
        shared.waiting[name] += 1
        parting = shared.parting(name)
        try:
            either: set[asyncio.Future[Any]] = {attempt, parting}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not parting.done() and not attempt.cancelled():
                return attempt.result()
            if not attempt.done() and shared.waiting.total() == 1:
                await self._abandon(shared, attempt)
            raise Cancelled("Connecting was cancelled", host=name)
        except asyncio.CancelledError:
            if shared.waiting.total() == 1:
                await self._abandon(shared, attempt)
            raise
        finally:
            shared.waiting[name] -= 1

    async def _abandon(self, shared: SharedConnection, attempt: "asyncio.Task[Connection]") -> None:
        """Do without those who waited for an attempt."""
        if self._supervisor.is_wanted(shared):
            shared.automatic = True
        else:
            await _finish(attempt, "cancelled")
            if shared.connection:
                # It came up just before the last one left, who did not want it any more.
                shared.connection.rest(at_once=True)

    async def _attempt(self, shared: SharedConnection, timeline: Timeline) -> Connection:
        try:
            require_descriptors(shared.host)
            connection = await self._dial(shared, shared.route, timeline)
        except SSHDashError as error:
            timeline.finish(error)
            raise
        except Exception as error:
            failure = explain(error, shared.host, "connecting")
            timeline.finish(failure)
            raise failure from error
        except asyncio.CancelledError:
            timeline.finish(Cancelled("Cancelled", host=shared.host))
            raise
        timeline.finish()
        return connection

    async def _dial(self, shared: SharedConnection, route: Route, timeline: Timeline) -> Connection:
        names = tuple(hop.name for hop in route)
        resolved = route[-1].resolved
        hop = await self._lease_hop(shared, route[:-1], timeline) if len(route) > 1 else None
        try:
            via = hop.connection.ssh if hop else None
            dialled = await self._dialer.dial(shared.host, resolved, names, timeline, via)
        except asyncio.CancelledError:
            if hop:
                hop.release(at_once=True)
            raise
        except BaseException:
            if hop:
                hop.release()
            raise
        return Connection(shared.host, resolved, names, dialled, hop)

    async def _lease_hop(self, shared: SharedConnection, route: Route, timeline: Timeline) -> Lease:
        name, key = route[-1].name, route[-1].key
        shared.hop = hop = self._registry.bind(key, route, asked=False)
        with timeline.begin(Phase.JUMP, name) as step:
            if hop.state is ConnectionState.CONNECTED:
                step.done(f"{name}, which is connected already")
            try:
                connection = await self.connection(hop, key, timeline, shared.attended)
                return connection.lease(JUMP, key, route[-1].resolved)
            except SSHDashError as error:
                raise _through(error, shared.host, name) from error

    # -- how it went

    def _settle(self, shared: SharedConnection, attempt: "asyncio.Task[Connection]") -> None:
        """Move the state as an attempt ended, before any of those who wait wakes up."""
        shared.attempt = None
        shared.ask(False)
        error = None if attempt.cancelled() else attempt.exception()
        if attempt.cancelled():
            shared.move(Step.CANCEL, "cancelled")
            self._supervisor.cancelled(shared)
        elif isinstance(error, Cancelled) and not self._supervisor.is_wanted(shared):
            shared.move(Step.CANCEL, error.title)
            self._supervisor.cancelled(shared)
        elif error is not None:
            shared.failure = failure = explain(error, shared.host, "connecting")
            shared.move(Step.FAIL, failure.title)
            self._supervisor.failed(shared, failure)
        else:
            shared.connection = connection = self._adopt(shared, attempt.result())
            shared.failure = None
            shared.move(Step.READY)
            self._supervisor.up(shared)
            connection.watch(functools.partial(self._ended, shared))

    def _adopt(self, shared: SharedConnection, connection: Connection) -> Connection:
        connection.linger = functools.partial(
            linger_seconds, connection.resolved, hop_linger=self._hop_linger
        )
        connection.on_full = functools.partial(self.another, shared)
        return connection

    def _ended(self, shared: SharedConnection, connection: Connection) -> None:
        self._remember(connection)
        if shared.connection is not connection:
            return
        up_for = time.monotonic() - shared.since
        shared.connection = None
        used = connection.is_used or self._supervisor.is_wanted(shared)
        if connection.state is ConnectionState.LOST and used:
            shared.failure = connection.loss()
            shared.move(Step.LOSE, connection.reason)
            self._supervisor.lost(shared, up_for)
        else:
            shared.move(Step.STOP, connection.reason)

    def _spare_ended(self, shared: SharedConnection, connection: Connection) -> None:
        self._remember(connection)
        shared.spares.remove(connection)
        lost = connection.state is ConnectionState.LOST
        ended = ConnectionState.LOST if lost else ConnectionState.IDLE
        shared.tell_spare(ended, connection.address, connection.reason)

    def _remember(self, connection: Connection) -> None:
        self._ending = {ended for ended in self._ending if not ended.is_closed}
        self._ending.add(connection)


def _no_room(shared: SharedConnection, full: Sequence[Connection], why: str) -> SessionError:
    number = full[0].sessions
    limit = f"{number} session{'' if number == 1 else 's'}"
    return SessionError(
        f"The server allows {limit} on a connection",
        detail=why,
        hint="close a shell or file pane, or raise MaxSessions on the server",
        host=shared.host,
    )


def _timeline(shared: SharedConnection) -> Timeline:
    return Timeline(shared.host, shared.route[-1].resolved.get("loglevel") or "")


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
    failure.via = error.via or hop
    return failure
