"""One tunnel: its state, and the forward that is running for it.

When its connection is lost and expected back, the tunnel waits: a local port stays bound, so that
clients wait instead of being refused, and the counters go on. A pause that holds the port is a
gate before that: the connection goes on underneath, is lost and comes back, and nobody is carried.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from sshdash.connections.faults import explain
from sshdash.errors import ForwardError, SSHDashError
from sshdash.events import EventBus, TunnelChanged
from sshdash.states import Step, TunnelState, advance, allows
from sshdash.tunnels.causes import Place, Trouble, trouble_of
from sshdash.tunnels.claims import Claims, OwnedElsewhere
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.course import Course, LeaseConnection, Ready, not_connected
from sshdash.tunnels.draining import Draining
from sshdash.tunnels.forwarder import Forwarder
from sshdash.tunnels.forwarders import forwarder_for
from sshdash.tunnels.health import Health
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.record import Record
from sshdash.tunnels.rule import Meanwhile, Rule
from sshdash.tunnels.snapshot import ProbeResult, TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.tunnels.view import snapshot_of

if TYPE_CHECKING:
    from sshdash.connections.connection import Connection, Lease
    from sshdash.connections.recovery.outages import NoOutages, Outages

__all__ = ["LeaseConnection", "Tunnel"]

log = logging.getLogger(__name__)

_LIVE = frozenset({TunnelState.OPEN, TunnelState.DEGRADED})
_ENDED = frozenset({TunnelState.CLOSED, TunnelState.FAILED})


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
        rule: Rule | None = None,
        claims: Claims | None = None,
    ) -> None:
        self.id = identifier
        self.host = host
        self.spec = spec
        self.source = source
        self.rule = rule
        self.state = TunnelState.CLOSED
        self.failure: SSHDashError | None = None
        """Why it failed, while it is failed."""
        self.route = route
        self.course: Course | None = None
        """The last one; over where the tunnel is closed or has failed."""
        self.traffic = Traffic(time.monotonic())
        self.record = Record()
        self.health = Health()
        self.reconnects = 0
        self._was_up = False
        """Whether its course was up before."""
        self.hindrances = 0
        """What kept it from coming back since it was last open."""
        self.holds_port = False
        """Whether it is paused and keeps its port."""
        self._events = events
        self._lease_connection = lease
        self._outages = outages
        self._claims = claims
        self._work: asyncio.Task[None] | None = None
        """That of the course, and of the one before until it has given back what it had."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._draining = Draining()
        self._repointing = asyncio.Lock()

    def __repr__(self) -> str:
        """Return host, forward and state."""
        rule = f"{self.host} -{self.spec.kind.value} {self.spec}"
        return f"<Tunnel {self.id} [{rule}, {self.state.value}]>"

    @property
    def is_running(self) -> bool:
        """Return whether it is neither closed nor failed."""
        return self.state not in _ENDED

    @property
    def is_open(self) -> bool:
        """Return whether it carries clients, be the target there or not."""
        return self.state in _LIVE

    # --- what a person asks for ---

    async def start(self) -> None:
        """Open or resume the tunnel; return when it is open or has failed: `state` tells."""
        self.begin()
        await self.settled()

    def begin(
        self, after: "Iterable[Tunnel]" = (), provided: Callable[[], bool] = lambda: True
    ) -> None:
        """Begin to open or resume the tunnel, once the ports of the tunnels in `after` are free.

        Where `provided` says no when its turn has come, it fails instead of leasing a connection.
        """
        if not allows(self.state, Step.START):
            return
        held, self.holds_port = self.holds_port, False
        self.record.clear()
        self.failure = None
        self._move(Step.START)
        if held and self.course is not None:
            self._lift(self.course)
        else:
            self._was_up = False
            self.health.latest = None
            before, free = self._work, tuple(after)
            self.course = course = Course(self.host, self._lease_connection, self._outages, self)

            async def ready() -> None:
                if before is not None:
                    await asyncio.wait({before})
                for one in (self, *free):
                    await one.vacated()
                if not provided():
                    raise not_connected(self.host)

            self._work = asyncio.get_running_loop().create_task(self._run_alone(course, ready))

    async def settled(self) -> None:
        """Return when it is known whether it opens."""
        if self.course is not None:
            await self.course.settled.wait()

    async def stop(self, drain: float | None = None) -> None:
        """Close the tunnel; its port is free and its clients are gone when this returns.

        They may finish for `drain` seconds, and are reset at once without.
        """
        self.leave(drain)
        await self.vacated()
        if drain is None:
            await self._draining.end()
        await self._draining.finished()

    def leave(self, drain: float | None = None) -> None:
        """Begin to close the tunnel, see `stop`; `vacated` tells when its port is free."""
        if self.state not in _LIVE:
            drain = None
        if allows(self.state, Step.STOP):
            self.failure = None
            self._move(Step.STOP)
        self._end(drain)

    async def vacated(self) -> None:
        """Return when the port that it let go of is free."""
        if self._leaving:
            await asyncio.wait(tuple(self._leaving))
        await self._draining.vacated()

    async def pause(self, hold: bool = True) -> None:
        """Carry nobody until it is started again; those who are carried are reset.

        With `hold` the port stays taken, also on the server, and clients meet what the rule has
        for them. Nothing happens to a tunnel that is closed or has failed.
        """
        paused = self.state is TunnelState.PAUSED
        if not allows(self.state, Step.PAUSE) or (paused and (hold or not self.holds_port)):
            return
        self.holds_port = hold
        self._move(Step.PAUSE)
        if not hold:
            self._end()
            await self.vacated()
        elif self.course is not None:
            self.course.settled.set()
            if self.course.forwarder is not None:
                self.course.forwarder.pause()

    async def repoint(self, spec: ForwardSpec, drain: float | None = None) -> None:
        """Lead to another target, or listen elsewhere, keeping everything else.

        Clients that are there keep their target; with `drain` they may finish for so many seconds.
        Raises ForwardError and ConnectionLost, and the tunnel is as it was.
        """
        async with self._repointing:
            if self.state is TunnelState.OPENING:
                await self.settled()
            forwarder = self.forwarder
            if forwarder is None:
                self.spec = spec
            else:
                try:
                    await self._lead(forwarder, spec)
                finally:
                    self.spec = forwarder.spec
            self.health.latest = None
            if allows(self.state, Step.REPOINT):
                self.record.clear()
                self._move(Step.REPOINT)
        if forwarder is not None and drain is not None:
            await forwarder.drain(drain)

    def change_rule(self, rule: Rule | None) -> None:
        """Take what a person has changed of the rule."""
        self.rule = rule
        if self.forwarder is not None:
            self.forwarder.treat(_meanwhile(rule))

    def snapshot(self) -> TunnelSnapshot:
        """Return how it is now."""
        return snapshot_of(self, self._outages)

    # --- how the clients fare ---

    def answered(self) -> None:
        """A client got through, so the target is there."""
        self.record.reached = True
        if self.state is TunnelState.DEGRADED and not self.health.outweighs_clients(self.rule):
            self._move(Step.TARGET_ANSWERED)

    def refused(self, reason: str, cause: Cause = Cause.OTHER) -> None:
        """A client did not. One target that refuses is the tunnel's; of many, the client's."""
        self.record.refused(cause, reason)
        if not self.spec.is_socks and self.state in _LIVE:
            self._move(Step.TARGET_REFUSED, reason)

    def strayed(self, reason: str) -> None:
        """A client of a proxy did not say, so that it can be served, where it wants to go."""
        self.record.turned_away(reason, Cause.OTHER)

    def troubled(self, reason: str) -> None:
        """Clients are turned away on this side."""
        self.record.turned_away(reason)
        log.warning("%s: %s: %s", self.host, self.spec, reason)

    def probed(self, result: ProbeResult) -> None:
        """A probe has found how the target is."""
        self.health.latest = result
        if result.cause is None:
            self.answered()
        elif self.is_open and result.cause is not Cause.CONNECTION_DOWN:
            self.record.note(Trouble(Place.TARGET, result.cause, result.text))
            self._move(Step.TARGET_REFUSED, result.text)

    # --- how its course goes ---

    def make_forwarder(self, lease: "Lease") -> Forwarder:
        """Return what forwards on a lease's connection, not listening yet."""
        route = tuple(lease.connection.route)
        self.route = route if route[-1:] == (self.host,) else (*route, self.host)
        forwarder = forwarder_for(self.spec, lease, self.traffic, self)
        forwarder.treat(_meanwhile(self.rule))
        if self.holds_port:
            forwarder.pause()
        return forwarder

    def came_up(self) -> None:
        """Clients are carried from now on."""
        self.reconnects += self._was_up
        self._was_up = True
        self.record.clear()
        self.hindrances = 0
        self._advance(Step.READY)

    def interrupted(self, error: SSHDashError) -> None:
        """It waits for the connection."""
        self.record.note(trouble_of(error))
        self._advance(Step.INTERRUPT, self.record.error)

    def hindered(self, error: SSHDashError) -> None:
        """It is still not back."""
        self.hindrances += 1
        self.record.note(trouble_of(error))

    def failed(self, error: SSHDashError) -> None:
        """It is over, and nobody asked for that."""
        self.failure = error
        self.record.note(trouble_of(error))
        self.holds_port = False
        self._move(Step.LOSE if self.state in _LIVE else Step.FAIL, self.record.error)

    def explain(self, error: BaseException) -> SSHDashError:
        """Return an error of any kind as one of ours."""
        return explain(error, self.host, f"forward {self.spec}")

    # --- parts ---

    async def _run_alone(self, course: Course, ready: Ready) -> None:
        """Run a course unless another process has the rule; none has it then until this ends."""
        name = self.rule.name if self.rule else ""
        try:
            with self._claims.sole(name) if self._claims else nullcontext():
                await course.run(ready)
        except OwnedElsewhere as error:
            self.failed(error)
            course.settled.set()

    @property
    def forwarder(self) -> Forwarder | None:
        """Return the forward that is running, None where none is."""
        return self.course.forwarder if self.course else None

    @property
    def lease(self) -> "Lease | None":
        """Return its lease on that connection, None while there is none."""
        return self.course.lease if self.course else None

    @property
    def connection(self) -> "Connection | None":
        """Return the connection that it goes through, None while there is none."""
        return self.course.connection if self.course else None

    def _lift(self, course: Course) -> None:
        """Carry clients again after a pause that held the port."""
        if course.forwarder is not None:
            course.forwarder.resume()
        if course.state is TunnelState.OPENING:
            course.settled.clear()
        else:
            self._move(Step.READY if course.state is TunnelState.OPEN else Step.INTERRUPT)

    def _end(self, drain: float | None = None) -> None:
        """End what runs, and hand it over where its clients may finish."""
        self.holds_port = False
        course, work = self.course, self._work
        if course is not None:
            course.end()
            had = course.hand_over() if drain else None
            if had and drain:
                self._draining.begin(*had, drain)
        if work is not None and not work.done():
            self._leaving.add(work)
            work.add_done_callback(self._leaving.discard)
            work.cancel()

    async def _lead(self, forwarder: Forwarder, spec: ForwardSpec) -> None:
        """Lead a running forward elsewhere; where neither port can be had it has failed."""
        listened = forwarder.listens
        try:
            await forwarder.repoint(spec)
        except ForwardError as error:
            stranded = listened and not forwarder.listens and self.forwarder is forwarder
            if stranded and self.is_running:
                self.failed(error)
                self._end()
                await self.vacated()
            raise

    def _advance(self, step: Step, reason: str = "") -> None:
        """Move what is beneath a pause, which shows as paused all the while."""
        if self.state is not TunnelState.PAUSED:
            self._move(step, reason)

    def _move(self, step: Step, reason: str = "") -> None:
        old, self.state = self.state, advance(self.state, step)
        if self.state is not old:
            self._events.emit(TunnelChanged(self.id, old, self.state, reason))


def _meanwhile(rule: Rule | None) -> Meanwhile:
    return rule.meanwhile if rule else Meanwhile.WAIT
