"""What runs, for whoever is about to leave."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveCounts:
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
