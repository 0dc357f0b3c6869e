"""What a person keeps of forwards: their names, notes and when they run. Pure."""

from dataclasses import dataclass
from enum import Enum

from sshdash.tunnels.spec import ForwardSpec


class Start(Enum):
    """When the forwards of a rule are opened without being asked for."""

    NEVER = "never"
    LAUNCH = "launch"
    """With sshdash."""
    HOST = "host"
    """When the host is connected for anything else."""


class Meanwhile(Enum):
    """What clients meet while a tunnel is paused or its connection is being made again."""

    WAIT = "wait"
    """They are let in and wait, a minute at most."""
    REFUSE = "refuse"
    """They are reset at once; the port stays taken, so that nobody else gets it."""


class ProbeKind(Enum):
    """How a probe asks a target whether it is well."""

    TCP = "tcp"
    HTTP = "http"
    POSTGRES = "postgres"
    REDIS = "redis"
    SSH = "ssh"


@dataclass(frozen=True, slots=True)
class Probe:
    """How, and how often, a rule's targets are asked whether they are well."""

    kind: ProbeKind = ProbeKind.TCP
    path: str = "/"
    """What is fetched, by HTTP."""
    interval: float | None = None
    """Seconds between two probes; None for only when somebody asks."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Forwards of one host that are named, kept and started together."""

    name: str
    host: str
    forwards: tuple[ForwardSpec, ...]
    note: str = ""
    tags: tuple[str, ...] = ()
    colour: str = ""
    """A colour's name of the terminal's sixteen (``red``, ``cyan``); empty for none."""
    start: Start = Start.NEVER
    group: str = ""
    """Of the rules of one group, one runs at a time; empty for none."""
    meanwhile: Meanwhile = Meanwhile.WAIT
    probe: Probe = Probe()
