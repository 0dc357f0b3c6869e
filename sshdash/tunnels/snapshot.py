"""A frozen view of one tunnel, for whoever shows it. Pure."""

from dataclasses import dataclass

from sshdash.states import TunnelState
from sshdash.tunnels.spec import ForwardSpec, Kind


@dataclass(frozen=True, slots=True)
class TunnelSnapshot:
    """One tunnel at one moment. "Up" is from the client that connected toward the target."""

    id: str
    host: str
    kind: Kind
    spec: ForwardSpec
    source: str
    """Where the rule came from: ``config`` or ``ad hoc``."""
    listen: str
    """Where it listens, with the real port once it is open."""
    target: str
    """``host:port``, or ``SOCKS`` for a dynamic forward."""
    route: tuple[str, ...]
    """The hosts on the way, the one that forwards last."""
    state: TunnelState
    exposed: bool
    """Whether other machines can reach the listening end."""
    clients: int
    clients_total: int
    failures: int
    """Clients that did not get through to their target."""
    bytes_up: int
    bytes_down: int
    rate_up: float
    """Bytes per second over the last whole second."""
    rate_down: float
    history: tuple[int, ...]
    """Bytes both ways in each of the last 30 seconds, the newest last."""
    error: str
    """The last thing that went wrong, cleaned; empty while nothing did."""
    uptime: float | None
    """Seconds since it opened, None while it is not open."""
    retry_in: float | None = None
    """Seconds until the next attempt to get it back, None while nothing is planned."""
