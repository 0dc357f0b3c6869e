"""Which tunnels open by themselves: with sshdash, or when their host is connected."""

import functools
from collections.abc import Callable, Iterable

from sshdash.connections.names import canonical
from sshdash.events import ConnectionChanged, Event, EventBus
from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.groups import running_rivals
from sshdash.tunnels.kept.rule import Start
from sshdash.tunnels.tunnel import Tunnel

Begin = Callable[[Tunnel, Callable[[], bool]], None]
"""Begins to open a tunnel, provided that something still holds when its turn has come."""


class Autostart:
    """Opens the tunnels of a host over a connection that somebody else made.

    It makes none itself, and leaves alone what another process runs, which is not free. What a
    person has stopped while the host was connected, or waited for, stays closed until the host
    was disconnected.
    """

    def __init__(
        self,
        tunnels: Callable[[], Iterable[Tunnel]],
        begin: Begin,
        events: EventBus,
        is_free: Callable[[Tunnel], bool],
    ) -> None:
        self._tunnels = tunnels
        self._is_free = is_free
        self._begin = begin
        self._connected: set[str] = set()
        self._used: set[str] = set()
        """The hosts that somebody has connected and not disconnected."""
        self._declined: set[str] = set()
        """The tunnels that a person has stopped."""
        self._unsubscribe = events.subscribe(self._note)

    def __repr__(self) -> str:
        """Return which tunnels stay closed."""
        return f"<Autostart [{', '.join(sorted(self._declined)) or 'nothing'} declined]>"

    def decline(self, tunnel: Tunnel) -> None:
        """Note that a person has stopped a tunnel."""
        if canonical(tunnel.host) in self._used:
            self._declined.add(tunnel.id)

    def allow(self, tunnel: Tunnel) -> None:
        """Note that a person wants a tunnel after all, or that it is gone."""
        self._declined.discard(tunnel.id)

    def launch(self) -> list[Tunnel]:
        """Begin to open what opens with sshdash; return that."""
        return self._open(one for one in self._tunnels() if _start(one) is Start.LAUNCH)

    def added(self, tunnel: Tunnel) -> None:
        """Open a tunnel that has come, or changed, while its host is connected."""
        if canonical(tunnel.host) in self._connected and _start(tunnel) is Start.HOST:
            self._open([tunnel])

    def close(self) -> None:
        """Open nothing any more."""
        self._unsubscribe()

    def _note(self, event: Event) -> None:
        if not isinstance(event, ConnectionChanged):
            return
        ours = [one for one in self._tunnels() if canonical(one.host) == event.host]
        if event.new is ConnectionState.CONNECTED:
            self._connected.add(event.host)
            self._used.add(event.host)
            self._open(one for one in ours if _start(one) is Start.HOST)
            return
        self._connected.discard(event.host)
        if event.new is ConnectionState.IDLE:
            self._used.discard(event.host)
            self._declined -= {one.id for one in ours}

    def _open(self, tunnels: Iterable[Tunnel]) -> list[Tunnel]:
        """Begin to open what may; of a group the first rule, where none of it runs already."""
        begun = []
        for one in tunnels:
            waits = one.state in (TunnelState.CLOSED, TunnelState.FAILED)
            if not waits or one.id in self._declined:
                continue
            if self._is_free(one) and not running_rivals(one, self._tunnels()):
                self._begin(one, functools.partial(self._may_go_on, one))
                begun.append(one)
        return begun

    def _may_go_on(self, tunnel: Tunnel) -> bool:
        return _start(tunnel) is not Start.HOST or canonical(tunnel.host) in self._connected


def _start(tunnel: Tunnel) -> Start:
    return tunnel.rule.start if tunnel.rule else Start.NEVER
