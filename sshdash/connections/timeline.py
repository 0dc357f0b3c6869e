"""What one attempt at a connection did, step by step, and how long each step took.

Whoever does a step records it: `Timeline.begin` and then `Mark.done` or `Mark.failed`, or both
by ``with``; `Timeline.note` for what takes no time. Texts are cleaned here; no secret belongs in
one. All of it happens on the loop's thread.
"""

import logging
import time
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from sshdash.errors import AuthenticationError, HostKeyError, SSHDashError
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

MOST_ENTRIES = 500
"""What comes after that many is not kept: a server must not be able to fill the memory."""
_AFTERWARDS = 20
"""Steps that are kept after the attempt's end: the first channels that are opened."""
_LINE = 600
"""Characters of one text: enough for the algorithms that a server offers."""

Outcome = Literal["running", "ok", "failed", "note"]


class Phase(Enum):
    """Which part of the way a step belongs to."""

    RESOLVE = "name"
    TCP = "connection"
    PROXY = "proxy command"
    JUMP = "jump host"
    GREETING = "identification"
    KEX = "key exchange"
    HOST_KEY = "host key"
    AUTH = "login"
    CHANNEL = "channel"


class Entry(Struct, frozen=True):
    """One step."""

    phase: Phase
    text: str
    at: float
    """Seconds from the start of the attempt."""
    took: float | None
    """Seconds; None for a note, and while the step is running."""
    outcome: Outcome
    hop: str = ""
    """The jump host that it was about; "" for the host itself."""
    detail: bool = False
    """Only of interest to whoever looks closer."""
    plain: bool = False
    """For everybody, as ssh tells it without being asked: what a ProxyCommand says."""


Watcher = Callable[[int, Entry], None]
"""Gets the place of an entry and the entry, once when it begins and once when it has ended."""


class Mark:
    """A step that has begun; the first of `done` and `failed` ends it, the others do nothing."""

    def __init__(self, timeline: "Timeline", place: int) -> None:
        self._timeline = timeline
        self._place = place

    def __enter__(self) -> "Mark":
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the step: as failed where an exception comes by, with its name where it has one."""
        if error is None:
            self.done()
        else:
            self.failed(error.title if isinstance(error, SSHDashError) else "")

    def done(self, text: str = "") -> None:
        """End the step well; `text` says what came of it, instead of what was begun."""
        self._timeline.end(self._place, "ok", text)

    def failed(self, text: str = "") -> None:
        """End the step badly; `text` is added to what was begun."""
        self._timeline.end(self._place, "failed", text)


class Timeline:
    """The steps of one attempt at `host`, in the order in which they began."""

    def __init__(self, host: str, log_level: str = "") -> None:
        self.host = host
        self.log_level = log_level
        """LogLevel of the host (ssh_config(5)): how much of it a command tells."""
        self.started = time.time()
        """The wall clock's time of the start, in seconds since the epoch."""
        self.ended: float | None = None
        """Seconds from the start to the end of the attempt; None while it goes on."""
        self.failure: SSHDashError | None = None
        """Why it failed; None while it goes on and where it did not."""
        self._began = time.monotonic()
        self._most = MOST_ENTRIES
        self._entries: list[Entry] = []
        self._watchers: list[Watcher] = []

    def __repr__(self) -> str:
        """Return the host, how many steps there are, and the last."""
        last = self._entries[-1] if self._entries else None
        where = f", {last.phase.value}: {last.outcome}" if last else ""
        return f"<Timeline {self.host} [{len(self._entries)} steps{where}]>"

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return the steps so far."""
        return tuple(self._entries)

    @property
    def elapsed(self) -> float:
        """Return the seconds from the start until now, or until the end."""
        return time.monotonic() - self._began if self.ended is None else self.ended

    @property
    def is_running(self) -> bool:
        """Return whether the attempt goes on."""
        return self.ended is None

    @property
    def current(self) -> Entry | None:
        """Return the host's own step that runs; where none does, the last that failed."""
        own = [entry for entry in reversed(self._entries) if not entry.hop]
        for outcome in ("running", "failed"):
            for entry in own:
                if entry.outcome == outcome:
                    return entry
        return None

    @property
    def broken(self) -> Entry | None:
        """Return the step that an attempt failed at, None for one that did not fail."""
        if self.failure is None:
            return None
        failed = [entry for entry in self._entries if entry.outcome == "failed"]
        return failed[-1] if failed else None

    @property
    def last_good(self) -> Entry | None:
        """Return the last step that went well before `broken`, of another phase than that."""
        broken = self.broken
        before = self._entries[: self._entries.index(broken)] if broken else self._entries
        for entry in reversed(before):
            if entry.outcome == "ok" and (broken is None or _place(entry) != _place(broken)):
                return entry
        return None

    # -- recording

    def begin(self, phase: Phase, text: str = "", *, detail: bool = False) -> Mark:
        """Record that a step begins; return what ends it."""
        at = time.monotonic() - self._began
        entry = Entry(phase, clean(text, _LINE), at, None, "running", detail=detail)
        return Mark(self, self._append(entry))

    def note(self, phase: Phase, text: str, *, detail: bool = False, plain: bool = False) -> None:
        """Record what takes no time, or whose time is unknown."""
        at = time.monotonic() - self._began
        said = clean(text, _LINE)
        self._append(Entry(phase, said, at, None, "note", detail=detail, plain=plain))

    def end(self, place: int, outcome: Outcome, text: str = "") -> None:
        """End the step at `place`, unless it ended before."""
        if place < 0 or self._entries[place].outcome != "running":
            return
        entry = self._entries[place]
        said = clean(text, _LINE)
        if outcome == "failed":
            said = ": ".join(part for part in (entry.text, said) if part)
        took = max(0.0, time.monotonic() - self._began - entry.at)
        self._put(place, replace(entry, text=said or entry.text, took=took, outcome=outcome))

    def finish(self, failure: SSHDashError | None = None) -> None:
        """End the attempt, and with it the steps that are still running: those have failed.

        `failure` is None where it succeeded. The first call counts.
        """
        if self.ended is not None:
            return
        self.ended = time.monotonic() - self._began
        self.failure = failure
        for place, entry in enumerate(self._entries):
            if entry.outcome == "running" and not entry.hop:
                self.end(place, "failed" if failure else "ok")
        self._most = min(MOST_ENTRIES, len(self._entries) + _AFTERWARDS)
        if failure is None:
            log.info("%s: connected in %.0f ms", self.host, self.ended * 1000)
        else:
            log.info("%s (after %.0f ms)", failure, self.ended * 1000)
        if failure and not self._has_failed_step():
            self._append(Entry(self._phase(failure), failure.title, self.ended, None, "failed"))

    # -- looking on

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` for the steps so far and for all that follow; return what ends that."""
        self._watchers.append(watcher)
        for place, entry in enumerate(self._entries):
            watcher(place, entry)

        def leave() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return leave

    def include(self, hop: str, other: "Timeline") -> Callable[[], None]:
        """Show the steps of `other`, the attempt at a jump host, among these, under its name.

        Without a name they are this attempt's own, begun before it. Returns what ends that.
        """
        places: dict[int, int] = {}
        later = other._began - self._began

        def take(place: int, entry: Entry) -> None:
            moved = replace(entry, at=max(0.0, entry.at + later), hop=entry.hop or hop)
            if place in places:
                self._put(places[place], moved)
            else:
                places[place] = self._append(moved)

        return other.watch(take)

    def _has_failed_step(self) -> bool:
        """Return whether the last step that went one way or the other went badly."""
        outcomes = [entry.outcome for entry in self._entries if entry.outcome in ("ok", "failed")]
        return bool(outcomes) and outcomes[-1] == "failed"

    def _phase(self, failure: SSHDashError) -> Phase:
        """Return the phase of a failure that no step is to blame for."""
        if isinstance(failure, HostKeyError):
            return Phase.HOST_KEY
        if isinstance(failure, AuthenticationError):
            return Phase.AUTH
        return self._entries[-1].phase if self._entries else Phase.RESOLVE

    def _append(self, entry: Entry) -> int:
        """Return the place of a new entry, -1 where there is no more room."""
        if len(self._entries) >= self._most:
            return -1
        self._entries.append(entry)
        self._tell(len(self._entries) - 1)
        return len(self._entries) - 1

    def _put(self, place: int, entry: Entry) -> None:
        if place >= 0:
            self._entries[place] = entry
            self._tell(place)

    def _tell(self, place: int) -> None:
        entry = self._entries[place]
        if entry.outcome != "running" and not entry.hop:
            log.debug("%s: %s: %s: %s", self.host, entry.phase.value, entry.outcome, entry.text)
        for watcher in tuple(self._watchers):
            try:
                watcher(place, entry)
            except Exception:  # who only looks on, such as a closed stderr, must not end a login
                log.exception("a watcher of the timeline failed")


def _place(entry: Entry) -> tuple[str, Phase]:
    return entry.hop, entry.phase
