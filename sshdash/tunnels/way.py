"""The legs of a tunnel's way, as its clients' bytes go: how each is, and which one fails. Pure.

Of a local or dynamic forward it leads from here over the hosts to the target; of a remote one
from the far host's port back over them to here, and on to the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sshdash.states import TunnelState
from sshdash.tunnels.causes import Place, Trouble
from sshdash.tunnels.legs import Leg, LegState
from sshdash.tunnels.spec import Kind

_HERE = "you"
_LOOPBACK = ("localhost:", "127.0.0.1:", "[::1]:")

_LINE = {
    TunnelState.CLOSED: LegState.IDLE,
    TunnelState.OPENING: LegState.OPENING,
    TunnelState.OPEN: LegState.UP,
    TunnelState.DEGRADED: LegState.UP,
    TunnelState.RECONNECTING: LegState.WAITING,
    TunnelState.PAUSED: LegState.PAUSED,
    TunnelState.FAILED: LegState.IDLE,
}
"""How the legs between hosts are, where nothing else is known."""


@dataclass(frozen=True, slots=True)
class Way:
    """What is known of a tunnel's way at one moment."""

    kind: Kind
    listen: str
    target: str
    route: tuple[str, ...]
    """The hosts on the way, the one that forwards last."""
    state: TunnelState
    connected: bool
    """Whether the connection to the last host is up."""
    reached: bool
    """Whether the last client, or probe, got through to the target."""
    trouble: Trouble | None = None
    round_trips: tuple[float | None, ...] = ()
    """Seconds there and back on each leg between hosts in the route's order, then to the target."""

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Return the legs, the one that begins where clients connect first."""
        return _legs(self)

    def find_legs(self) -> tuple[Leg, ...]:
        """Work the legs out."""
        hosts = [self._line(index) for index in range(len(self.route))]
        if self.kind is Kind.REMOTE:
            hosts.reverse()
        states = [*hosts, self._to_target()]
        failing = self._failing()
        times = self._times()
        legs = []
        for index, (start, end) in enumerate(pairwise(self._places())):
            if index == failing and self.trouble:
                state = self._failed()
                legs.append(Leg(start, end, state, None, self.trouble.cause, self.trouble.text))
            else:
                legs.append(Leg(start, end, states[index], times[index]))
        return tuple(legs)

    def _places(self) -> list[str]:
        listen = next(
            (
                self.listen[len(prefix) - 1 :]
                for prefix in _LOOPBACK
                if self.listen.startswith(prefix)
            ),
            self.listen,
        )
        if self.kind is Kind.REMOTE:
            far, *back = reversed(self.route)
            return [f"{far} {listen}", *back, _HERE, self.target]
        return [f"{_HERE} {listen}", *self.route, self.target]

    def _failing(self) -> int | None:
        """Return the index of the leg that is in trouble, None where nothing hinders clients."""
        at_target = self.state is TunnelState.DEGRADED
        if self.trouble is None:
            return None
        if self.state not in (TunnelState.FAILED, TunnelState.RECONNECTING) and not at_target:
            return None
        if at_target or self.trouble.place is Place.TARGET:
            return len(self.route)
        if self.trouble.place is Place.LISTENER:
            return 0
        blamed = self._blamed()
        return len(self.route) - 1 - blamed if self.kind is Kind.REMOTE else blamed

    def _blamed(self) -> int:
        """Return the place in the route of the host whose connection is to blame."""
        hop = self.trouble.hop if self.trouble else ""
        return self.route.index(hop) if hop in self.route else len(self.route) - 1

    def _failed(self) -> LegState:
        waiting = self.state is TunnelState.RECONNECTING
        return LegState.WAITING if waiting else LegState.FAILED

    def _line(self, index: int) -> LegState:
        """Return how the leg to a host of the route is."""
        if self.connected and self.state in (TunnelState.OPENING, TunnelState.RECONNECTING):
            return LegState.UP
        on_line = self.trouble is not None and self.trouble.place is Place.LINE
        if on_line and self.state is TunnelState.RECONNECTING and index < self._blamed():
            return LegState.UP
        return _LINE[self.state]

    def _to_target(self) -> LegState:
        if self.state in (TunnelState.OPEN, TunnelState.DEGRADED):
            return LegState.UP if self.reached else LegState.UNKNOWN
        return LegState.PAUSED if self.state is TunnelState.PAUSED else LegState.IDLE

    def _times(self) -> list[float | None]:
        known = list(self.round_trips)[: len(self.route) + 1]
        known += [None] * (len(self.route) + 1 - len(known))
        hosts, target = known[:-1], known[-1]
        if self.kind is Kind.REMOTE:
            hosts.reverse()
        return [*hosts, target]


@lru_cache(maxsize=256)
def _legs(way: Way) -> tuple[Leg, ...]:
    """Return the legs; they are asked for many times a second and seldom change."""
    return way.find_legs()


def differences(round_trips: Sequence[float | None]) -> list[float | None]:
    """Return the time on each leg alone, out of the times from here to each host.

    They are measured at different moments, so the farther one may seem nearer: that is 0.
    """
    legs: list[float | None] = []
    before: float | None = 0.0
    for seconds in round_trips:
        known = seconds is not None and before is not None
        legs.append(max(0.0, seconds - before) if known else None)  # type: ignore[operator]
        before = seconds
    return legs
