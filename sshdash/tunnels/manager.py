"""All tunnels: the registry that owns their lives."""

import asyncio
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Literal

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import SSHDashError, UsageError
from sshdash.events import EventBus, TunnelRemoved, TunnelRepointed
from sshdash.states import TunnelState
from sshdash.tunnels.autostart import Autostart
from sshdash.tunnels.clients import Clients
from sshdash.tunnels.departures import Departures
from sshdash.tunnels.groups import running_rivals
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.owners.claims import Claims
from sshdash.tunnels.probes.probing import Probing
from sshdash.tunnels.snapshot import ClientSnapshot, ProbeResult, TunnelHistory, TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.tunnels.totals import history_of
from sshdash.tunnels.tunnel import LeaseConnection, LookUp, Tunnel

__all__ = ["Source", "TunnelManager", "TunnelSnapshot"]

PlanRoute = Callable[[str], tuple[str, ...]]

Source = Literal["config", "ad hoc", "saved"]
"""Where a forward comes from."""

_MAKE_WAY = 5.0
"""Seconds that the clients of a tunnel may finish which another of its group replaces."""


class TunnelManager:
    """Adds, starts, stops and removes tunnels on the connections of their hosts.

    `route` names the hosts on the way to a host, itself last, for tunnels that are not
    connected; without it, and where it raises SSHDashError, only the host itself is shown.
    A rule is run by one process at a time, and so is a group, which the `claims` see to.
    Tunnels outlive the `outages` of their hosts; without any, a lost connection is their end. One
    that starts in an outage has its port from the start, as the configuration says that `look_up`
    finds for its host.
    """

    def __init__(
        self,
        lease: LeaseConnection,
        events: EventBus,
        route: PlanRoute | None = None,
        outages: Outages | None = None,
        claims: Claims | None = None,
        look_up: LookUp | None = None,
    ) -> None:
        self._lease = lease
        self._events = events
        self._plan_route = route
        self._outages = outages or NoOutages()
        self._claims = claims
        self._look_up = look_up
        self._tunnels: dict[str, Tunnel] = {}
        self._departures = Departures()
        self._ids: dict[tuple[str, ForwardSpec], str] = {}
        self._numbers = count(1)
        self._clients = Clients()
        self._probing = Probing(self._tunnels, events)
        self._autostart = Autostart(self._tunnels.values, self._begin, events, self._is_free)

    def __repr__(self) -> str:
        """Return the tunnels with their states."""
        return f"<TunnelManager {list(self._tunnels.values())}>"

    def add(
        self, host: str, spec: ForwardSpec, source: Source = "ad hoc", rule: Rule | None = None
    ) -> str:
        """Put a forward on the list, closed, and return its id.

        One that is there keeps its own, and belongs to the rule from now on where one is given.
        """
        found = self._ids.get((host, spec))
        if found is not None:
            if rule is not None:
                self.change_rule(found, rule)
            return found
        identifier = self._ids[host, spec] = f"t{next(self._numbers)}"
        tunnel = self._tunnels[identifier] = Tunnel(
            identifier,
            host,
            spec,
            source,
            self._route(host),
            self._lease,
            self._events,
            self._outages,
            rule,
            self._claims,
            self._look_up,
        )
        self._autostart.added(tunnel)
        return identifier

    async def start(self, identifier: str) -> TunnelSnapshot:
        """Open or resume a tunnel; return how it is once it is open or has failed.

        The others of its rule's group are closed before, and their clients may finish for a
        moment. A failure is a state and not an exception. Raises KeyError for an id not on the
        list.
        """
        tunnel = self._tunnels[identifier]
        self._autostart.allow(tunnel)
        self._begin(tunnel)
        await tunnel.settled()
        return tunnel.snapshot()

    async def launch(self) -> list[TunnelSnapshot]:
        """Open the tunnels that open with sshdash; return how they are then."""
        begun = self._autostart.launch()
        await asyncio.gather(*(tunnel.settled() for tunnel in begun))
        return [tunnel.snapshot() for tunnel in begun]

    async def stop(self, identifier: str, drain: float | None = None) -> None:
        """Close a tunnel; its port is free and its clients are gone when this returns.

        The port goes at once; clients may finish for `drain` seconds, and are reset then, or at
        once without.
        """
        tunnel = self._tunnels[identifier]
        self._autostart.decline(tunnel)
        await tunnel.stop(drain)

    async def pause(self, identifier: str, hold: bool = True) -> TunnelSnapshot:
        """Carry no clients until `resume`; those that are carried are reset.

        With `hold` the port stays taken, also on the server, and clients wait for a minute at
        most, or are reset, as the rule says; without it is free when this returns. A tunnel that
        is closed or has failed stays so.
        """
        tunnel = self._tunnels[identifier]
        await tunnel.pause(hold)
        return tunnel.snapshot()

    async def resume(self, identifier: str) -> TunnelSnapshot:
        """Carry clients again; a tunnel that is not paused stays as it is."""
        if self._tunnels[identifier].state is TunnelState.PAUSED:
            return await self.start(identifier)
        return self.snapshot(identifier)

    async def repoint(
        self, identifier: str, spec: ForwardSpec, drain: float | None = None
    ) -> TunnelSnapshot:
        """Lead a tunnel to another target, or have it listen elsewhere, as it runs.

        It keeps its id, its counters and its place. A new port is there before the old one goes.
        Clients that are there keep the old target; with `drain` they may finish for so many
        seconds. Raises UsageError, ForwardError and ConnectionLost, and then all is as it was.
        """
        tunnel = self._tunnels[identifier]
        old, forward = tunnel.spec, _forward(spec)
        if (spec.kind, spec.is_socks) != (old.kind, old.is_socks):
            raise UsageError(
                "Not the same kind of forward",
                f"{_forward(old)} cannot become {forward}",
                "remove it and add the other",
            )
        if self._ids.get((tunnel.host, spec), identifier) != identifier:
            raise UsageError("The host has that forward already", forward)
        self._ids[tunnel.host, spec] = identifier  # nobody else may add it meanwhile
        try:
            await tunnel.repoint(spec, drain)
        finally:
            for one in {old, spec} - {tunnel.spec if identifier in self._tunnels else None}:
                self._unname(tunnel, one)
            if old != spec and tunnel.spec == spec:
                event = TunnelRepointed(identifier, tunnel.host, _forward(old), forward)
                self._events.emit(event)
        return tunnel.snapshot()

    def change_rule(self, identifier: str, rule: Rule | None) -> None:
        """Take what a person has changed of a tunnel's rule; it goes on as it is."""
        tunnel = self._tunnels[identifier]
        changed = tunnel.rule != rule
        tunnel.change_rule(rule)
        self._probing.arrange(tunnel, afresh=changed)
        self._autostart.added(tunnel)

    async def remove(self, identifier: str, drain: float | None = None) -> None:
        """Close a tunnel, see `stop`, and take it off the list. An unknown id is no error."""
        tunnel = self._tunnels.get(identifier)
        if tunnel is None:
            return
        self._unname(tunnel, tunnel.spec)
        self._autostart.decline(tunnel)
        try:
            # Who hears of its end may still ask how it was.
            await self._departures.see_off(tunnel, drain)
        finally:
            if self._tunnels.pop(identifier, None) is not None:
                self._unname(tunnel, tunnel.spec)  # it may have been led elsewhere meanwhile
                self._departures.unlist(tunnel)
                self._autostart.allow(tunnel)
                forward = _forward(tunnel.spec)
                self._events.emit(TunnelRemoved(identifier, tunnel.host, forward))

    def snapshot(self, identifier: str) -> TunnelSnapshot:
        """Return one tunnel as it is now. Raises KeyError for an id not on the list."""
        return self._tunnels[identifier].snapshot()

    def snapshots(self, host: str | None = None) -> list[TunnelSnapshot]:
        """Return every tunnel, or those of a host, as it is now, in the order they were added."""
        tunnels = self._tunnels.values()
        return [one.snapshot() for one in tunnels if host is None or one.host == host]

    def states(self) -> list[tuple[str, TunnelState]]:
        """Return the host and the state of every tunnel, for much less than its snapshot."""
        return [(tunnel.host, tunnel.state) for tunnel in self._tunnels.values()]

    def rates(self) -> tuple[int, int]:
        """Return the bytes per second of all tunnels, up and down."""
        return self._departures.together(self._tunnels.values(), time.monotonic()).rates

    def history(self, tunnels: Iterable[str] | None = None) -> TunnelHistory:
        """Return what passed through some tunnels together when, for as long as this runs.

        Without any named: through all, also those that were removed. Ids that are not on the list
        are passed over.
        """
        now = time.monotonic()
        if tunnels is None:
            return history_of([self._departures.together(self._tunnels.values(), now)], now)
        found = [self._tunnels[one].traffic for one in tunnels if one in self._tunnels]
        return history_of(found, now)

    def clients(self, identifier: str) -> list[ClientSnapshot]:
        """Return a tunnel's clients, in the order they came.

        The processes of new ones are looked for beside the loop, so they are named a little later.
        """
        forwarder = self._tunnels[identifier].forwarder
        return self._clients.of(forwarder) if forwarder else []

    def cut(self, identifier: str, client: int) -> bool:
        """Reset one client of a tunnel and no other; return whether it was still there."""
        forwarder = self._tunnels[identifier].forwarder
        return forwarder is not None and forwarder.clients.cut(client)

    async def probe(self, identifier: str) -> ProbeResult:
        """Ask a tunnel's target whether it is well, as the rule says; `snapshot` has it too.

        What it finds is the tunnel's state: a target that is not well makes it degraded. Of a
        SOCKS proxy, whose clients name the targets, the connection is asked. It takes some seconds
        at most.
        """
        return await self._probing.ask(self._tunnels[identifier])

    def look(self, identifier: str) -> None:
        """Keep the round trips on a tunnel's way fresh; called again and again while it is seen."""
        connection = self._tunnels[identifier].connection
        if connection is not None:
            connection.pulse.feel()

    def failure(self, identifier: str) -> SSHDashError | None:
        """Return why a tunnel has failed, with a hint; None while it has not."""
        return self._tunnels[identifier].failure

    def _unname(self, tunnel: Tunnel, spec: ForwardSpec) -> None:
        """Let a forward be added anew, unless it was since."""
        if self._ids.get((tunnel.host, spec)) == tunnel.id:
            del self._ids[tunnel.host, spec]

    def _begin(self, tunnel: Tunnel, provided: Callable[[], bool] = lambda: True) -> None:
        """Begin to open a tunnel in the place of the others of its group."""
        leaving = running_rivals(tunnel, self._tunnels.values())
        for rival in leaving:
            rival.leave(_MAKE_WAY)
        tunnel.begin(leaving, provided)

    def _is_free(self, tunnel: Tunnel) -> bool:
        if self._claims is None or tunnel.rule is None:
            return True
        return self._claims.is_free(tunnel.rule.name, tunnel.rule.group)

    def _route(self, host: str) -> tuple[str, ...]:
        try:
            return self._plan_route(host) if self._plan_route else (host,)
        except SSHDashError:
            # A tunnel of a host whose configuration is wrong says so when it is started.
            return (host,)

    async def close(self) -> None:
        """Close every tunnel. Idempotent."""
        await self._clients.close()
        await self._probing.close()
        self._autostart.close()
        await self._departures.end(self._tunnels.values())


def _forward(spec: ForwardSpec) -> str:
    """Return a forward as ssh's option has it."""
    return f"-{spec.kind.value} {spec}"
