"""What runs, for whoever is about to leave."""

from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from sshdash.states import ConnectionState, SessionState, TunnelState


class LiveCounts(Struct, frozen=True):
    """What would end if sshdash were left now."""

    hosts: int = 0
    shells: int = 0
    tunnels: int = 0
    transfers: int = 0
    kept: int = 0
    """Trees that are kept up to date."""
    waiting: int = 0
    """Shells and tunnels that come back once their host does; such copies are transfers."""

    def __bool__(self) -> bool:
        return bool(self.shells or self.tunnels or self.transfers or self.kept or self.waiting)

    @classmethod
    def of(
        cls,
        connections: Iterable[ConnectionState],
        sessions: Iterable[SessionState],
        tunnels: Iterable[TunnelState],
        *,
        transfers: int,
        kept: int,
        shells_waiting: int,
    ) -> Self:
        """Count what is in these states; the other figures are as they are."""
        forwards = tuple(tunnels)
        return cls(
            hosts=sum(one is ConnectionState.CONNECTED for one in connections),
            shells=sum(one is SessionState.RUNNING for one in sessions),
            tunnels=sum(one in (TunnelState.OPEN, TunnelState.DEGRADED) for one in forwards),
            transfers=transfers,
            kept=kept,
            waiting=shells_waiting + forwards.count(TunnelState.RECONNECTING),
        )
