"""What an error or a refusal amounts to, and where on a tunnel's way it belongs. Pure."""

from dataclasses import dataclass
from enum import Enum

from sshdash.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    ForwardError,
    HostKeyError,
    ShortageError,
    SSHDashError,
    UntrustedError,
)
from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.legs import Cause


class BindError(ForwardError):
    """A listening end that cannot be had, and why."""

    def __init__(self, cause: Cause, title: str, detail: str = "", hint: str = "") -> None:
        super().__init__(title, detail, hint)
        self.cause = cause


class Place(Enum):
    """Where on the way something is wrong."""

    LISTENER = "listener"
    LINE = "line"
    """On the SSH connections."""
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a tunnel, and where."""

    place: Place
    cause: Cause
    text: str
    """Cleaned, on one line."""
    hop: str = ""
    """The host on the way whose connection it is, where that is not the last one."""


_CAUSES: tuple[tuple[type[SSHDashError], Cause], ...] = (
    (UntrustedError, Cause.HOST_KEY),
    (HostKeyError, Cause.HOST_KEY),
    (ShortageError, Cause.SHORTAGE),
    (AuthenticationError, Cause.AUTHENTICATION),
    (ConnectError, Cause.CONNECTION_DOWN),
    (ConnectionLost, Cause.CONNECTION_DOWN),
)

_REFUSALS = {
    Refusal.PROHIBITED: Cause.PROHIBITED,
    Refusal.REFUSED: Cause.TARGET_REFUSED,
    Refusal.NETWORK_UNREACHABLE: Cause.UNREACHABLE,
    Refusal.HOST_UNREACHABLE: Cause.UNREACHABLE,
    Refusal.TIMED_OUT: Cause.TARGET_TIMED_OUT,
    Refusal.UNKNOWN_NAME: Cause.UNKNOWN_NAME,
    Refusal.UNSUPPORTED: Cause.PROHIBITED,
    Refusal.SHORTAGE: Cause.SHORTAGE,
    Refusal.LOST: Cause.CONNECTION_DOWN,
    Refusal.OTHER: Cause.OTHER,
}


def cause_of(error: SSHDashError) -> Cause:
    """Return the cause that an error amounts to."""
    if isinstance(error, BindError):
        return error.cause
    return next((cause for kind, cause in _CAUSES if isinstance(error, kind)), Cause.OTHER)


def trouble_of(error: SSHDashError) -> Trouble:
    """Return what an error of a tunnel as a whole says is wrong, and where."""
    cause = cause_of(error)
    bind = isinstance(error, ForwardError) and not isinstance(error, UntrustedError)
    return Trouble(Place.LISTENER if bind else Place.LINE, cause, words(error), error.via)


def refusal_cause(refusal: Refusal, here: bool = False) -> Cause:
    """Return the cause that a client's refusal amounts to; `here` where our side refused."""
    cause = _REFUSALS[refusal]
    return Cause.OUR_SIDE_REFUSED if here and cause is Cause.TARGET_REFUSED else cause


def words(error: SSHDashError) -> str:
    """Return an error on one line, without the host that the tunnel names anyhow."""
    text = ": ".join(part for part in (error.title, error.detail) if part)
    return f"{text} ({error.hint})" if error.hint else text
