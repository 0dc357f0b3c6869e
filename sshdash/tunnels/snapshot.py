"""A frozen view of one tunnel, for whoever shows it. Pure."""

from dataclasses import dataclass

from sshdash.states import TunnelState
from sshdash.tunnels.counters import Passed
from sshdash.tunnels.kept.rule import Rule
from sshdash.tunnels.legs import Cause, Leg, Mishap
from sshdash.tunnels.spec import ForwardSpec, Kind, exposure


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe of the target found."""

    time: float
    """Seconds since the epoch."""
    seconds: float | None
    """How long the target took to answer; None where it did not."""
    text: str
    """What it said, or what went wrong; cleaned."""
    cause: Cause | None = None
    """Why it is not well; None where it is."""


@dataclass(frozen=True, slots=True)
class ClientSnapshot:
    """One client of a tunnel at one moment."""

    id: int
    address: str
    """Where it connects from: ``127.0.0.1:50312``, or ``socket``."""
    process: str
    """``name (pid)`` where it is a process that can be seen from here, else empty."""
    target: str
    """Where it leads; of its own choice for a dynamic forward."""
    age: float
    """Seconds."""
    bytes_up: int
    bytes_down: int


@dataclass(frozen=True, slots=True)
class TunnelHistory:
    """What passed through some tunnels when: bytes up and down of each span, the newest last.

    The seconds are over; the last minute and the last hour still run. These begin with the
    tunnel that is the oldest.
    """

    seconds: tuple[Passed, ...]
    """Of the last minute."""
    minutes: tuple[Passed, ...]
    """Of the last hours."""
    hours: tuple[Passed, ...]
    bytes_up: int
    """Ever since, also where the hours do not reach back so far."""
    bytes_down: int


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
    rule: Rule | None = None
    """What it is named and kept as; None for a forward that nobody has named."""
    legs: tuple[Leg, ...] = ()
    """The way, from where clients connect to the target."""
    minute_up: float = 0.0
    """Bytes per second over the last minute."""
    minute_down: float = 0.0
    reach: float | None = None
    """Seconds that the way to the target took to open for the latest client, all legs behind the
    listening end together; None before the first."""
    usual_reach: float | None = None
    """The median of the latest few."""
    reconnects: int = 0
    """How often it came back after its connection was lost."""
    attempts: int = 0
    """Attempts to get it back that failed since it was last open, while it is not."""
    mishaps: tuple[Mishap, ...] = ()
    """What went wrong lately, the newest last."""
    probe: ProbeResult | None = None
    """What the last probe found."""
    holds_port: bool = False
    """Whether it is paused and keeps its port."""
    owner: str = ""
    """The process that runs it where that is another one: ``forward (pid)``."""

    @property
    def exposure(self) -> str:
        """Return who else can connect, in words; empty where nobody can."""
        return exposure(self.kind) if self.exposed else ""
