"""Every state a thing can be in, and every way from one to the next.

Rule: a state changes only through `advance`, and the tables below are the whole truth about
what may follow what. The tables are data, so the tests walk them.
"""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar


class ConnectionState(Enum):
    """A host's shared connection."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    LOST = "lost"
    WAITING = "waiting to reconnect"


class SessionState(Enum):
    """One shell or command."""

    OPENING = "opening"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"
    FAILED = "failed"


class TransferState(Enum):
    """One copy job."""

    QUEUED = "queued"
    SCANNING = "scanning"
    COPYING = "copying"
    WAITING = "waiting"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TunnelState(Enum):
    """One forward."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    DEGRADED = "degraded"
    RECONNECTING = "reconnecting"
    PAUSED = "paused"
    FAILED = "failed"


class Step(Enum):
    """What happened: the events that move a state."""

    START = "start"
    READY = "ready"
    SCANNED = "scanned"
    FAIL = "fail"
    LOSE = "lose"
    INTERRUPT = "interrupt"
    EXIT = "exit"
    TARGET_REFUSED = "target refused"
    TARGET_ANSWERED = "target answered"
    STOP = "stop"
    FINISH = "finish"
    CANCEL = "cancel"
    PAUSE = "pause"
    REPOINT = "repoint"
    RETRY = "retry"


Table = Mapping[tuple[Enum, Step], Enum]
State = TypeVar("State", ConnectionState, SessionState, TransferState, TunnelState)

CONNECTION: Table = {
    (ConnectionState.IDLE, Step.START): ConnectionState.CONNECTING,
    (ConnectionState.CONNECTING, Step.READY): ConnectionState.CONNECTED,
    (ConnectionState.CONNECTING, Step.FAIL): ConnectionState.FAILED,
    (ConnectionState.CONNECTING, Step.CANCEL): ConnectionState.IDLE,
    (ConnectionState.CONNECTED, Step.LOSE): ConnectionState.LOST,
    (ConnectionState.CONNECTED, Step.STOP): ConnectionState.IDLE,
    (ConnectionState.FAILED, Step.START): ConnectionState.CONNECTING,
    (ConnectionState.FAILED, Step.RETRY): ConnectionState.WAITING,
    (ConnectionState.FAILED, Step.STOP): ConnectionState.IDLE,
    (ConnectionState.LOST, Step.START): ConnectionState.CONNECTING,
    (ConnectionState.LOST, Step.RETRY): ConnectionState.WAITING,
    (ConnectionState.LOST, Step.STOP): ConnectionState.IDLE,
    (ConnectionState.WAITING, Step.START): ConnectionState.CONNECTING,
    (ConnectionState.WAITING, Step.FAIL): ConnectionState.FAILED,
    (ConnectionState.WAITING, Step.STOP): ConnectionState.IDLE,
}

SESSION: Table = {
    (SessionState.OPENING, Step.READY): SessionState.RUNNING,
    (SessionState.OPENING, Step.FAIL): SessionState.FAILED,
    (SessionState.OPENING, Step.LOSE): SessionState.LOST,
    (SessionState.RUNNING, Step.EXIT): SessionState.EXITED,
    (SessionState.RUNNING, Step.LOSE): SessionState.LOST,
    (SessionState.EXITED, Step.START): SessionState.OPENING,
    (SessionState.LOST, Step.START): SessionState.OPENING,
    (SessionState.FAILED, Step.START): SessionState.OPENING,
}

TRANSFER: Table = {
    (TransferState.QUEUED, Step.START): TransferState.SCANNING,
    (TransferState.QUEUED, Step.CANCEL): TransferState.CANCELLED,
    (TransferState.SCANNING, Step.SCANNED): TransferState.COPYING,
    (TransferState.SCANNING, Step.FAIL): TransferState.FAILED,
    (TransferState.SCANNING, Step.CANCEL): TransferState.CANCELLED,
    (TransferState.COPYING, Step.FINISH): TransferState.DONE,
    (TransferState.COPYING, Step.FAIL): TransferState.FAILED,
    (TransferState.COPYING, Step.CANCEL): TransferState.CANCELLED,
    (TransferState.SCANNING, Step.INTERRUPT): TransferState.WAITING,
    (TransferState.COPYING, Step.INTERRUPT): TransferState.WAITING,
    (TransferState.WAITING, Step.START): TransferState.SCANNING,
    (TransferState.WAITING, Step.FAIL): TransferState.FAILED,
    (TransferState.WAITING, Step.CANCEL): TransferState.CANCELLED,
    (TransferState.QUEUED, Step.PAUSE): TransferState.PAUSED,
    (TransferState.SCANNING, Step.PAUSE): TransferState.PAUSED,
    (TransferState.COPYING, Step.PAUSE): TransferState.PAUSED,
    (TransferState.WAITING, Step.PAUSE): TransferState.PAUSED,
    (TransferState.PAUSED, Step.START): TransferState.QUEUED,
    (TransferState.PAUSED, Step.CANCEL): TransferState.CANCELLED,
    (TransferState.FAILED, Step.START): TransferState.QUEUED,
    (TransferState.CANCELLED, Step.START): TransferState.QUEUED,
}

TUNNEL: Table = {
    (TunnelState.CLOSED, Step.START): TunnelState.OPENING,
    (TunnelState.OPENING, Step.READY): TunnelState.OPEN,
    (TunnelState.OPENING, Step.FAIL): TunnelState.FAILED,
    (TunnelState.OPENING, Step.STOP): TunnelState.CLOSED,
    (TunnelState.OPENING, Step.INTERRUPT): TunnelState.RECONNECTING,
    (TunnelState.OPEN, Step.TARGET_REFUSED): TunnelState.DEGRADED,
    (TunnelState.OPEN, Step.TARGET_ANSWERED): TunnelState.OPEN,
    (TunnelState.OPEN, Step.LOSE): TunnelState.FAILED,
    (TunnelState.OPEN, Step.STOP): TunnelState.CLOSED,
    (TunnelState.DEGRADED, Step.TARGET_ANSWERED): TunnelState.OPEN,
    (TunnelState.DEGRADED, Step.TARGET_REFUSED): TunnelState.DEGRADED,
    (TunnelState.DEGRADED, Step.LOSE): TunnelState.FAILED,
    (TunnelState.DEGRADED, Step.STOP): TunnelState.CLOSED,
    (TunnelState.OPEN, Step.INTERRUPT): TunnelState.RECONNECTING,
    (TunnelState.DEGRADED, Step.INTERRUPT): TunnelState.RECONNECTING,
    (TunnelState.RECONNECTING, Step.READY): TunnelState.OPEN,
    (TunnelState.RECONNECTING, Step.FAIL): TunnelState.FAILED,
    (TunnelState.RECONNECTING, Step.STOP): TunnelState.CLOSED,
    (TunnelState.OPENING, Step.PAUSE): TunnelState.PAUSED,
    (TunnelState.OPEN, Step.PAUSE): TunnelState.PAUSED,
    (TunnelState.DEGRADED, Step.PAUSE): TunnelState.PAUSED,
    (TunnelState.RECONNECTING, Step.PAUSE): TunnelState.PAUSED,
    (TunnelState.OPEN, Step.REPOINT): TunnelState.OPEN,
    (TunnelState.DEGRADED, Step.REPOINT): TunnelState.OPEN,
    (TunnelState.PAUSED, Step.PAUSE): TunnelState.PAUSED,
    (TunnelState.PAUSED, Step.START): TunnelState.OPENING,
    (TunnelState.PAUSED, Step.FAIL): TunnelState.FAILED,
    (TunnelState.PAUSED, Step.STOP): TunnelState.CLOSED,
    (TunnelState.FAILED, Step.START): TunnelState.OPENING,
    (TunnelState.FAILED, Step.STOP): TunnelState.CLOSED,
}


class IllegalStep(RuntimeError):
    """A step that the table does not allow: a defect of the program, never of its input."""


def allows(state: Enum, step: Step) -> bool:
    """Return whether `step` may happen in `state`."""
    return (state, step) in _ALL


def advance(state: State, step: Step) -> State:
    """Return the state that follows `state` when `step` happens.

    Raises IllegalStep where the table has no such row.
    """
    try:
        return _ALL[state, step]  # type: ignore[return-value]
    except KeyError:
        raise IllegalStep(f"{type(state).__name__}: {step.value!r} in {state.value!r}") from None


_ALL: Table = {**CONNECTION, **SESSION, **TRANSFER, **TUNNEL}
