"""What a command tells on stderr of its connections, while it happens, as ssh does."""

from sshdash.cli.context import tell
from sshdash.connections.manager import ConnectionManager
from sshdash.connections.timeline import Entry, Timeline
from sshdash.connections.timeline_text import entry_line, milliseconds, step_name
from sshdash.events import BannerReceived, ConnectionChanged, Event, EventBus, WarningRaised
from sshdash.states import ConnectionState

_LEVELS = {
    "quiet": -2,
    "fatal": -2,
    "error": -1,
    "verbose": 1,
    "debug": 1,
    "debug1": 1,
    "debug2": 2,
    "debug3": 2,
}


class Narrator:
    """Tells banners, warnings, what ProxyCommands say, and on request every step of an attempt.

    `asked` is the number of ``-v``: with one, each step that has ended; with two also what is
    of interest only to whoever looks closer. LogLevel of a host says the same for that host, and
    below INFO it silences banners and warnings (ssh_config(5)).
    """

    def __init__(self, manager: ConnectionManager, events: EventBus, asked: int = 0) -> None:
        self._manager = manager
        self._asked = asked
        events.subscribe(self._note)

    def _note(self, event: Event) -> None:
        if isinstance(event, BannerReceived):
            if self._level(event.host) >= 0:
                tell(event.text)
        elif isinstance(event, WarningRaised):
            if self._level(event.host) >= 0:
                told = filter(None, ("sshdash", event.host, event.title, event.detail))
                tell(": ".join(told))
        elif isinstance(event, ConnectionChanged):
            self._attempted(event)

    def is_silent(self, host: str) -> bool:
        """Return whether not even failures of a host are to be told: LogLevel QUIET or FATAL."""
        return self._level(host) < -1

    def _level(self, host: str) -> int:
        timeline = self._manager.status(host).timeline
        chosen = _LEVELS.get(timeline.log_level.lower(), 0) if timeline else 0
        return max(chosen, self._asked) if self._asked else chosen

    def _attempted(self, event: ConnectionChanged) -> None:
        timeline = self._manager.status(event.host).timeline
        if timeline is None:
            return
        if event.new is ConnectionState.CONNECTING:
            timeline.watch(lambda _, entry: self._tell(timeline, entry))
        elif event.old is ConnectionState.CONNECTING and self._level(event.host) > 0:
            _tell_end(timeline)

    def _tell(self, timeline: Timeline, entry: Entry) -> None:
        level = self._level(timeline.host)
        if entry.hop or entry.outcome == "running":
            return  # what a jump host did is told by its own timeline
        if level > entry.detail:
            tell(f"{timeline.host}: {entry_line(entry)}")
        elif entry.plain and level >= 0:
            tell(f"{timeline.host}: {entry.text}")


def _tell_end(timeline: Timeline) -> None:
    took = milliseconds(timeline.elapsed)
    if timeline.failure is None:
        tell(f"{timeline.host}: connected in {took}")
        return
    good = timeline.last_good
    after = f"; the last good step was {step_name(good)}" if good else ""
    tell(f"{timeline.host}: failed after {took}{after}")
