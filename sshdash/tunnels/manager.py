"""All tunnels: the registry that owns their lives."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Literal

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import SSHDashError
from sshdash.events import EventBus, TunnelRemoved
from sshdash.tunnels.claims import Claims
from sshdash.tunnels.rule import Rule
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.tunnels.tunnel import LeaseConnection, Tunnel

__all__ = ["Source", "TunnelManager", "TunnelSnapshot"]

PlanRoute = Callable[[str], tuple[str, ...]]

Source = Literal["config", "ad hoc", "saved"]
"""Where a rule comes from."""


class TunnelManager:
    """Adds, starts, stops and removes tunnels on the connections of their hosts.

    `route` names the hosts on the way to a host, itself last, for tunnels that are not
    connected; without it, and where it raises SSHDashError, only the host itself is shown.
    A rule is run by one process at a time, which its `claims` see to.
    Tunnels outlive the `outages` of their hosts; without any, a lost connection is their end.
    """

    def __init__(
        self,
        lease: LeaseConnection,
        events: EventBus,
        route: PlanRoute | None = None,
        outages: Outages | None = None,
        claims: Claims | None = None,
    ) -> None:
        self._lease = lease
        self._events = events
        self._plan_route = route
        self._outages = outages or NoOutages()
        self._claims = claims
        self._tunnels: dict[str, Tunnel] = {}
        self._rules: dict[tuple[str, ForwardSpec], str] = {}
        self._numbers = count(1)

    def __repr__(self) -> str:
        """Return the tunnels with their states."""
        return f"<TunnelManager {list(self._tunnels.values())}>"

    def add(
        self, host: str, spec: ForwardSpec, source: Source = "ad hoc", rule: Rule | None = None
    ) -> str:
        """Put a forward on the list, closed, and return its id.

        One that is there keeps its own, and belongs to the rule from now on where one is given.
        """
        key = (host, spec)
        if key not in self._rules:
            identifier = f"t{next(self._numbers)}"
            self._rules[key] = identifier
            self._tunnels[identifier] = Tunnel(
                identifier,
                host,
                spec,
                source,
                self._route(host),
                self._lease,
                self._events,
                self._outages,
                self._claims,
            )
        if rule is not None:
            self.change_rule(self._rules[key], rule)
        return self._rules[key]

    def change_rule(self, identifier: str, rule: Rule | None) -> None:
        """Take what a person has changed of a tunnel's rule; it goes on as it is."""
        self._tunnels[identifier].rule = rule

    async def start(self, identifier: str) -> TunnelSnapshot:
        """Open a tunnel; return how it is once it is open or has failed.

        A failure is a state and not an exception. Raises KeyError for an id not on the list.
        """
        tunnel = self._tunnels[identifier]
        await tunnel.start()
        return tunnel.snapshot()

    async def stop(self, identifier: str) -> None:
        """Close a tunnel; its port is free and its clients are gone when this returns."""
        await self._tunnels[identifier].stop()

    async def remove(self, identifier: str) -> None:
        """Close a tunnel and take it off the list. An id not on the list is no error."""
        tunnel = self._tunnels.get(identifier)
        if tunnel is None:
            return
        self._rules.pop((tunnel.host, tunnel.spec), None)
        try:
            await tunnel.stop()  # who hears of its end may still ask how it was
        finally:
            if self._tunnels.pop(identifier, None) is not None:
                forward = f"-{tunnel.spec.kind.value} {tunnel.spec}"
                self._events.emit(TunnelRemoved(identifier, tunnel.host, forward))

    def snapshot(self, identifier: str) -> TunnelSnapshot:
        """Return one tunnel as it is now. Raises KeyError for an id not on the list."""
        return self._tunnels[identifier].snapshot()

    def snapshots(self) -> list[TunnelSnapshot]:
        """Return every tunnel as it is now, in the order they were added."""
        return [tunnel.snapshot() for tunnel in self._tunnels.values()]

    def failure(self, identifier: str) -> SSHDashError | None:
        """Return why a tunnel has failed, with a hint; None while it has not."""
        return self._tunnels[identifier].failure

    def _route(self, host: str) -> tuple[str, ...]:
        try:
            return self._plan_route(host) if self._plan_route else (host,)
        except SSHDashError:
            # A tunnel of a host whose configuration is wrong says so when it is started.
            return (host,)

    async def close(self) -> None:
        """Close every tunnel. Idempotent."""
        await asyncio.gather(*(tunnel.stop() for tunnel in self._tunnels.values()))
