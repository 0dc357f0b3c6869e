"""Who is told how the clients of a forward fare."""

from typing import Protocol

from sshdash.tunnels.legs import Cause


class Observer(Protocol):
    """Whoever is told how the clients fare; none of these may raise."""

    def answered(self) -> None:
        """A client got through to its target."""

    def refused(self, reason: str, cause: Cause = Cause.OTHER) -> None:
        """A client did not; `reason` is cleaned."""

    def strayed(self, reason: str) -> None:
        """A client of a proxy never said, so that it can be served, where it wants to go."""

    def troubled(self, reason: str) -> None:
        """Clients are being turned away on our side; `reason` is cleaned."""
