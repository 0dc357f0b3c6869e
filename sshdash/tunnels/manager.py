"""All tunnels: the registry that owns their lives."""

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Literal

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import SSHDashError
from sshdash.events import EventBus, TunnelRemoved
from sshdash.tunnels.clients import Clients
from sshdash.tunnels.snapshot import ClientSnapshot, TunnelHistory, TunnelSnapshot
from sshdash.tunnels.spec import ForwardSpec
from sshdash.tunnels.tunnel import LeaseConnection, Tunnel

__all__ = ["Source", "TunnelManager", "TunnelSnapshot"]

PlanRoute = Callable[[str], tuple[str, ...]]

Source = Literal["config", "ad hoc"]
"""Where a rule comes from."""


class TunnelManager:
    """Adds, starts, stops and removes tunnels on the connections of their hosts.

    `route` names the hosts on the way to a host, itself last, for tunnels that are not
    connected; without it, and where it raises SSHDashError, only the host itself is shown.
    Tunnels outlive the `outages` of their hosts; without any, a lost connection is their end.
    """

    def __init__(
        self,
        lease: LeaseConnection,
        events: EventBus,
        route: PlanRoute | None = None,
        outages: Outages | None = None,
    ) -> None:
        self._lease = lease
        self._events = events
        self._plan_route = route
        self._outages = outages or NoOutages()
        self._tunnels: dict[str, Tunnel] = {}
        self._rules: dict[tuple[str, ForwardSpec], str] = {}
        self._numbers = count(1)
        self._clients = Clients()

    def __repr__(self) -> str:
        """Return the tunnels with their states."""
        return f"<TunnelManager {list(self._tunnels.values())}>"

    def add(self, host: str, spec: ForwardSpec, source: Source = "ad hoc") -> str:
        """Put a rule on the list, closed, and return its id; a rule that is there keeps its own."""
        rule = (host, spec)
        if rule not in self._rules:
            identifier = f"t{next(self._numbers)}"
            self._rules[rule] = identifier
            self._tunnels[identifier] = Tunnel(
                identifier,
                host,
                spec,
                source,
                self._route(host),
                self._lease,
                self._events,
                self._outages,
            )
        return self._rules[rule]

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

    def history(self, identifier: str) -> TunnelHistory:
        """Return what passed through a tunnel when, for as long as this runs."""
        traffic = self._tunnels[identifier].traffic
        traffic.tick(time.monotonic())
        spans = (traffic.seconds, traffic.minutes, traffic.hours)
        return TunnelHistory(*(tuple(one.passed) for one in spans))

    def clients(self, identifier: str) -> list[ClientSnapshot]:
        """Return a tunnel's clients, in the order they came.

        The processes of new ones are looked for beside the loop, so they are named a little later.
        """
        forwarder = self._tunnels[identifier].forwarder
        return self._clients.of(forwarder) if forwarder else []

    def cut(self, identifier: str, client: int) -> bool:
        """Reset one client of a tunnel and no other; return whether it was still there."""
        forwarder = self._tunnels[identifier].forwarder
        return forwarder is not None and forwarder.cut(client)

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
        await self._clients.close()
        await asyncio.gather(*(tunnel.stop() for tunnel in self._tunnels.values()))
