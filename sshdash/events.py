"""Facts, told once to whoever listens: frozen, past tense, small.

Bulk data (cells, byte counters, progress) never travels here: the screen pulls it.
"""

import logging
from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState

log = logging.getLogger(__name__)


class Event(Struct, frozen=True):
    """Something that happened."""


class CatalogChanged(Event, frozen=True):
    """The host list was read again."""


class ConnectionChanged(Event, frozen=True):
    """A host's connection moved to another state."""

    host: str
    old: ConnectionState
    new: ConnectionState
    reason: str = ""
    """Why, in one cleaned line, for failed and lost."""


class SpareChanged(Event, frozen=True):
    """A further connection, beside a full one, is up, could not be made, or has ended."""

    host: str
    new: ConnectionState
    address: str = ""
    reason: str = ""


class HostRestored(Event, frozen=True):
    """A connection that was lost is back, and with it what lived on it."""

    host: str
    seconds: float
    """How long it was gone."""
    shells: int = 0
    tunnels: int = 0
    copies: int = 0
    missing: int = 0
    """What has not come back yet."""


class AnswerAwaited(Event, frozen=True):
    """An attempt at a connection that nobody began asks something, or no longer does."""

    host: str
    waiting: bool


class BannerReceived(Event, frozen=True):
    """A server sent a banner before authentication; the text is cleaned."""

    host: str
    text: str


class SessionChanged(Event, frozen=True):
    """A shell moved to another state."""

    session: str
    host: str
    old: SessionState
    new: SessionState
    reason: str = ""


class RecordingStarted(Event, frozen=True):
    """What a shell shows is being recorded."""

    session: str
    host: str
    paths: tuple[str, ...]


class RecordingEnded(Event, frozen=True):
    """A recording is complete, or ended early for a reason; the reason is cleaned."""

    session: str
    host: str
    paths: tuple[str, ...]
    reason: str = ""


class RecordingsRemoved(Event, frozen=True):
    """Old recordings were removed, as the settings ask for."""

    paths: tuple[str, ...]


class ProgramReported(Event, frozen=True):
    """The program in a shell told its folder or progress, or wants something read or copied.

    What it is stays with the session: it may not be for the log.
    """

    session: str
    host: str


class TransferChanged(Event, frozen=True):
    """A copy job moved to another state."""

    job: str
    old: TransferState
    new: TransferState
    reason: str = ""


class KeepChanged(Event, frozen=True):
    """A tree that is kept up to date on a host is in another state."""

    keep: str
    state: str


class TunnelChanged(Event, frozen=True):
    """A tunnel moved to another state."""

    tunnel: str
    old: TunnelState
    new: TunnelState
    reason: str = ""


class TunnelRepointed(Event, frozen=True):
    """A tunnel leads to another target, or listens elsewhere; both as ssh's option has it."""

    tunnel: str
    host: str
    old: str
    new: str


class TunnelRemoved(Event, frozen=True):
    """A tunnel was closed and taken off the list."""

    tunnel: str
    host: str = ""
    forward: str = ""
    """What it was, as ssh's option has it."""


class RulesChanged(Event, frozen=True):
    """The tunnels' rules were read again, and are others than before."""


class WarningRaised(Event, frozen=True):
    """Something a person should read, though nothing failed."""

    title: str
    detail: str = ""
    host: str = ""


Listener = Callable[[Event], None]


class EventBus:
    """Hands each event to every listener, at once and in order."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def __repr__(self) -> str:
        """Return the number of listeners."""
        return f"<EventBus [{len(self._listeners)} listeners]>"

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for every event from now on; return what ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def emit(self, event: Event) -> None:
        """Tell every listener. One that fails is logged and never stops the others."""
        if log.isEnabledFor(logging.INFO):
            log.info("%s", _row(event))
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:  # a listener's defect must not break whoever told the fact
                log.exception("a listener failed on %r", event)


def _row(event: Event) -> str:
    """Return an event on one line for the log: its name, and what it holds."""
    values = ((name, getattr(event, name)) for name in event.__struct_fields__)
    shown = (
        f"{name}={value.value if isinstance(value, Enum) else value}"
        for name, value in values
        if value not in ("", None)
    )
    return " ".join((type(event).__name__, *shown))
