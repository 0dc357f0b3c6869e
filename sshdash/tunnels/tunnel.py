"""One tunnel, and the forward that is running for it.

When its connection is lost and expected back, the tunnel waits: a local port stays bound, so that
clients wait instead of being refused, and the counters go on. A pause that holds the port is a
gate before that: the connection goes on underneath, is lost and comes back, and nobody is carried.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from sshdash.connections.faults import explain
from sshdash.errors import ForwardError, SSHDashError
from sshdash.events import EventBus, WarningRaised
from sshdash.states import Step, TunnelState, allows
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.course import Course, LeaseConnection, Ready, not_connected
from sshdash.tunnels.draining import Draining
from sshdash.tunnels.forwards.forwarder import Forwarder
from sshdash.tunnels.forwards.forwarders import early_forwarder, forwarder_for
from sshdash.tunnels.forwards.options import ForwardOptions
from sshdash.tunnels.kept.rule import Meanwhile, Rule
from sshdash.tunnels.owners.claims import Claim, Claims, OwnedElsewhere
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.tunnels.standing import Standing
from sshdash.tunnels.view import snapshot_of

if TYPE_CHECKING:
    from sshdash.config.resolved import ResolvedHost
    from sshdash.connections.connection import Connection, Lease
    from sshdash.connections.recovery.outages import NoOutages, Outages

__all__ = ["LeaseConnection", "LookUp", "Tunnel"]

LookUp = Callable[[str], "ResolvedHost"]
"""Looks a host up in the configuration; raises SSHDashError."""


class Tunnel(Standing):
    """Starts, watches and stops one forward."""

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
        look_up: LookUp | None = None,
    ) -> None:
        super().__init__(identifier, host, spec, rule, events)
        self.source = source
        self.route = route
        self.course: Course | None = None
        """The last one; over where the tunnel is closed or has failed."""
        self.traffic = Traffic(time.monotonic())
        self._lease_connection = lease
        self._outages = outages
        self._claims = claims
        self._claim: Claim | None = None
        """What its course has claimed."""
        self._look_up = look_up
        self._work: asyncio.Task[None] | None = None
        """That of the course, and of the one before until it has given back what it had."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._draining = Draining()
        self._repointing = asyncio.Lock()

    def __repr__(self) -> str:
        """Return host, forward and state."""
        rule = f"{self.host} -{self.spec.kind.value} {self.spec}"
        return f"<Tunnel {self.id} [{rule}, {self.state.value}]>"

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
        if not self.is_open:
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
            await forwarder.clients.drain(drain)

    def change_rule(self, rule: Rule | None) -> None:
        """Take what a person has changed of the rule."""
        self.rule = rule
        owned = self._claim.move(*_claimed(rule)) if self._claim else None
        if owned is not None:
            words = "both go on until one of them is closed"
            self._events.emit(WarningRaised(owned.title, words, self.host))
        if self.forwarder is not None:
            self.forwarder.treat(_meanwhile(rule))

    def snapshot(self) -> TunnelSnapshot:
        """Return how it is now."""
        return snapshot_of(self, self._outages)

    # --- for its course ---

    def make_forwarder(self, lease: "Lease") -> Forwarder:
        """Return what forwards on a lease's connection, not listening yet."""
        route = tuple(lease.connection.route)
        self.route = route if route[-1:] == (self.host,) else (*route, self.host)
        forwarder = forwarder_for(self.spec, lease, self.traffic, self)
        forwarder.treat(_meanwhile(self.rule))
        if self.holds_port:
            forwarder.pause()
        return forwarder

    def early_forwarder(self) -> Forwarder | None:
        """Return what takes its port before there is a connection, None where that has to wait."""
        if self._look_up is None or _meanwhile(self.rule) is not Meanwhile.WAIT:
            return None
        try:
            options = ForwardOptions.of(self._look_up(self.host))
        except SSHDashError:
            return None  # connecting tells
        forwarder = early_forwarder(self.spec, options, self.traffic, self)
        if forwarder is not None and self.holds_port:
            forwarder.pause()
        return forwarder

    def suits(self, forwarder: Forwarder, lease: "Lease") -> bool:
        """Return whether an early forwarder listens as it has to on a lease's connection."""
        return forwarder.listens_by(ForwardOptions.of(lease.resolved))

    def explain(self, error: BaseException) -> SSHDashError:
        """Return an error of any kind as one of ours."""
        return explain(error, self.host, f"forward {self.spec}")

    # --- parts ---

    async def _run_alone(self, course: Course, ready: Ready) -> None:
        """Run a course unless another process has the rule; none has it then until this ends."""
        claim = self._claims.sole(*_claimed(self.rule)) if self._claims else None
        try:
            with claim or nullcontext():
                self._claim = claim
                await course.run(ready)
        except OwnedElsewhere as error:
            self.failed(error)
            course.settled.set()
        finally:
            if self._claim is claim:  # else the next course has begun
                self._claim = None

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


def _claimed(rule: Rule | None) -> tuple[str, str]:
    """Return what one process alone may run: a rule, and its group."""
    return (rule.name, rule.group) if rule else ("", "")


def _meanwhile(rule: Rule | None) -> Meanwhile:
    return rule.meanwhile if rule else Meanwhile.WAIT
