"""Whether the targets of tunnels are well: asked when somebody wants to know, or by the clock."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from sshdash.config.families import socket_family
from sshdash.errors import ConnectionLost
from sshdash.events import Event, EventBus, TunnelChanged, TunnelRemoved
from sshdash.tunnels.discover.outside import KEPT_OUT, LET_IN, look
from sshdash.tunnels.forwards.outlook import Outlook
from sshdash.tunnels.forwards.remote import ServerListener
from sshdash.tunnels.kept.rule import Probe
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.probes.asker import DEADLINE, Questions
from sshdash.tunnels.snapshot import ProbeResult
from sshdash.tunnels.spec import Kind
from sshdash.tunnels.tunnel import Tunnel

if TYPE_CHECKING:
    from sshdash.connections.connection import Connection

_LEAST = 1.0
"""Seconds between two probes by the clock at least, whatever a rule says."""

Result = TypeVar("Result")


class Probing:
    """Probes tunnels that are open, each once at a time; those whose rule says so now and then.

    A probe gets what a client would get, and is not counted as one.
    """

    def __init__(self, tunnels: Mapping[str, Tunnel], events: EventBus) -> None:
        self._tunnels = tunnels
        self._questions: dict[str, Questions] = {}
        self._asking: dict[str, asyncio.Task[ProbeResult]] = {}
        self._clocks: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unsubscribe = events.subscribe(self._note)

    def __repr__(self) -> str:
        """Return how many are asked, and how many by the clock."""
        return f"<Probing [{len(self._asking)} asked, {len(self._clocks)} by the clock]>"

    async def ask(self, tunnel: Tunnel, *, looks: bool = True) -> ProbeResult:
        """Return how a tunnel's target is now; who asks meanwhile gets the same answer.

        Where it `looks`, what the server made of a remote forward is told, too.
        """
        asking = self._asking.get(tunnel.id)
        if asking is None:
            asking = self._asking[tunnel.id] = self._begin(self._ask(tunnel, looks))
            asking.add_done_callback(lambda _: self._asking.pop(tunnel.id, None))
        await asyncio.wait({asking})
        return _closed() if asking.cancelled() else asking.result()

    def arrange(self, tunnel: Tunnel, afresh: bool = False) -> None:
        """Ask by the clock while the tunnel is open, where its rule says so.

        The clock starts `afresh` where the rule has changed.
        """
        wanted = tunnel.is_open and _interval(tunnel) is not None
        if not wanted or afresh:
            clock = self._clocks.pop(tunnel.id, None)
            if clock is not None:
                clock.cancel()
        if wanted and tunnel.id not in self._clocks:
            self._clocks[tunnel.id] = self._begin(self._keep_asking(tunnel))

    async def close(self) -> None:
        """Ask nothing any more. Idempotent."""
        self._unsubscribe()
        self._clocks.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _note(self, event: Event) -> None:
        if isinstance(event, TunnelChanged) and event.tunnel in self._tunnels:
            self.arrange(self._tunnels[event.tunnel])
        elif isinstance(event, TunnelRemoved):
            self._questions.pop(event.tunnel, None)

    async def _keep_asking(self, tunnel: Tunnel) -> None:
        while (interval := _interval(tunnel)) is not None:
            await self.ask(tunnel, looks=False)
            await asyncio.sleep(max(_LEAST, interval))

    async def _ask(self, tunnel: Tunnel, looks: bool) -> ProbeResult:
        spec, forwarder, connection = tunnel.spec, tunnel.forwarder, tunnel.connection
        if not tunnel.is_open or connection is None:
            return _closed()
        opened: float | None = None
        if spec.is_socks:
            result = await _round_trip(connection)
        else:
            connection.pulse.feel()
            family = socket_family(connection.resolved.get("addressfamily"))
            questions = self._questions.setdefault(tunnel.id, Questions(family))
            probe = tunnel.rule.probe if tunnel.rule else Probe()
            try:
                result, opened = await questions.ask(spec, connection.ssh, probe)
            except ConnectionLost:
                return _closed()
            if result.cause is Cause.TARGET_TIMED_OUT and spec.kind is not Kind.REMOTE:
                result = await _blame(result, connection)
        if isinstance(forwarder, ServerListener):
            result = await _from_outside(tunnel, forwarder, looks, result)
        if tunnel.forwarder is forwarder and tunnel.spec == spec:
            if opened is not None:
                tunnel.traffic.reached(spec.target_text, opened)
            tunnel.probed(result)
        return result


async def _round_trip(connection: "Connection") -> ProbeResult:
    """Probe the connection alone: the targets are its clients' choice."""
    try:
        async with asyncio.timeout(DEADLINE):
            seconds = await connection.pulse.measure()
    except TimeoutError:
        seconds = None
    if seconds is None:
        text = f"the connection did not answer within {DEADLINE:g} s"
        return ProbeResult(time.time(), None, text, Cause.CONNECTION_DOWN)
    return ProbeResult(time.time(), seconds, "the connection answers")


async def _blame(late: ProbeResult, connection: "Connection") -> ProbeResult:
    """Return whose silence it was: a target's is one only where the connection answers."""
    beat = await _round_trip(connection)
    return late if beat.cause is None else beat


async def _from_outside(
    tunnel: Tunnel, forwarder: ServerListener, looks: bool, result: ProbeResult
) -> ProbeResult:
    """Return a result that also says where the server did not do as it was asked.

    It is looked at once; where others are meant to connect, by the clock, too.
    """
    lease, looks = tunnel.lease, forwarder.outlook is None and (looks or forwarder.exposed)
    if looks and forwarder.port and lease is not None:
        # By a lease of its own: where the server has no room for a session, that one moves away.
        async with lease.connection.lease("discovery", lease.host, lease.resolved) as own:
            port, spec = forwarder.port, forwarder.spec
            seen = await look(own, port)
            # It may have been moved meanwhile; what could not be looked at is looked at again.
            if (forwarder.port, forwarder.spec) == (port, spec) and seen != Outlook():
                forwarder.outlook = seen
    found = forwarder.outlook or Outlook()
    told = [result.text, found.rival]
    if found.lets_others_in not in (None, forwarder.spec.exposed):
        told.insert(1, LET_IN if found.lets_others_in else KEPT_OUT)
    return replace(result, text="; ".join(filter(None, told)))


def _interval(tunnel: Tunnel) -> float | None:
    return tunnel.rule.probe.interval if tunnel.rule else None


def _closed() -> ProbeResult:
    return ProbeResult(time.time(), None, "the tunnel is not open", Cause.CONNECTION_DOWN)
