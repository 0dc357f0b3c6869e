"""A tunnel's way, leg by leg, and which of them fails. Pure."""

from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """Why a tunnel, or a client of it, does not get through."""

    BIND_IN_USE = "the port is in use"
    BIND_PRIVILEGED = "the port belongs to root"
    BIND_ADDRESS = "the address is not one of that machine"
    BIND_REFUSED = "the server refused to listen"
    PROHIBITED = "administratively prohibited"
    UNKNOWN_NAME = "the name is not known there"
    TARGET_REFUSED = "the target refused"
    TARGET_TIMED_OUT = "the target did not answer"
    UNREACHABLE = "there is no way to the target"
    OUR_SIDE_REFUSED = "our own side refused"
    CONNECTION_DOWN = "the connection is down"
    AUTHENTICATION = "the host wants to be logged in to"
    HOST_KEY = "the host's key is not trusted"
    SHORTAGE = "out of descriptors, memory or places"
    OTHER = "it failed"


class LegState(Enum):
    """How one leg is."""

    IDLE = "idle"
    OPENING = "opening"
    UP = "up"
    PAUSED = "paused"
    WAITING = "waiting"
    """It was up and is being made again."""
    UNKNOWN = "unknown"
    """Nothing has gone through it yet."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Leg:
    """One stretch of a tunnel's way, as its clients' bytes go: from one place to the next."""

    start: str
    end: str
    state: LegState
    round_trip: float | None = None
    """Seconds there and back on this leg alone; None where it was not measured."""
    cause: Cause | None = None
    message: str = ""
    """What is wrong with it, cleaned; empty while nothing is."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that went wrong, and when."""

    time: float
    """Seconds since the epoch; of one that happened again, the last time."""
    cause: Cause
    text: str
    """Cleaned, on one line."""
    count: int = 1
    """How often it happened."""
    first: float = 0.0
    """When it happened first, where it happened again."""
