"""Running forwards without a screen: what is told of them, and when it is over."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sshdash.cli.context import CONNECTION_FAILED, exit_status, report_text, told
from sshdash.cli.readiness import Readiness
from sshdash.cli.telling import Telling
from sshdash.connections.names import canonical
from sshdash.connections.recovery.outages import outage_text
from sshdash.errors import SSHDashError
from sshdash.events import ConnectionChanged, Event, HostRestored, TunnelChanged, TunnelRemoved
from sshdash.states import ConnectionState, TunnelState
from sshdash.tunnels.causes import cause_of, words
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.owners.claims import OwnedElsewhere
from sshdash.tunnels.owners.documents import listed
from sshdash.tunnels.owners.household import NotTaken
from sshdash.tunnels.snapshot import TunnelSnapshot

if TYPE_CHECKING:
    from sshdash.backend import Backend

log = logging.getLogger(__name__)

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CANNOT_LISTEN = 3
REFUSED_THERE = 4
OWNED_ELSEWHERE = 5
NOT_READY = 6
_STATUSES = {
    Cause.BIND_IN_USE: CANNOT_LISTEN,
    Cause.BIND_PRIVILEGED: CANNOT_LISTEN,
    Cause.BIND_ADDRESS: CANNOT_LISTEN,
    Cause.BIND_REFUSED: REFUSED_THERE,
    Cause.PROHIBITED: REFUSED_THERE,
}
_OPEN = (TunnelState.OPEN, TunnelState.DEGRADED)
_TOLD = ("kind", "host", "listen", "port", "socket", "target", "route", "exposed")
_COUNTED = ("retry_in", "clients_total", "bytes_up", "bytes_down")


@dataclass(frozen=True, slots=True)
class Policy:
    """What ends it all, and how it is told."""

    as_json: bool = False
    exit_on_failure: bool = False
    strict_hosts: frozenset[str] = frozenset()
    """Hosts with ExitOnForwardFailure: a forward of theirs that cannot be made ends it all."""
    log_bound: int = 0
    """Bytes that stdout may have where it is a log of ours."""
    wait_ready: float | None = None
    """Seconds until every forward has to be open."""


@dataclass(slots=True)
class _Standing:
    """How the forwards are."""

    unsettled: set[str]
    dead: dict[str, int] = field(default_factory=dict)
    """Exit statuses of those that have failed, the first failure first."""
    given_up: set[str] = field(default_factory=set)
    """Hosts that are not dialled again."""
    is_ready: bool = False


class Run:
    """Opens tunnels, tells every change and decides when it is over."""

    def __init__(
        self, backend: "Backend", tunnels: list[str], policy: Policy, readiness: Readiness
    ) -> None:
        self._manager = backend.tunnels
        self._connections = backend.connections
        self._events = backend.events
        self._tunnels = dict.fromkeys(tunnels)
        self._hosts = {one: canonical(self._manager.snapshot(one).host) for one in tunnels}
        self._policy = policy
        self._readiness = readiness
        self._standing = _Standing(set(tunnels))
        self._kept: dict[str, str] = {}
        """Why other processes keep what was to be taken over."""
        self._changes: asyncio.Queue[_News] = asyncio.Queue()
        """Changes in the order they happened; a number is the exit status of what ends it."""
        self._telling = Telling(
            sys.stdout.fileno(), sys.stderr.fileno(), self._changes.put_nowait, policy.log_bound
        )

    async def until_over(self, opening: Awaitable[object]) -> int:
        """Run until a signal (0), or until a failure ends it; `opening` opens the tunnels."""
        loop = asyncio.get_running_loop()
        unsubscribe = self._events.subscribe(self._note)
        for number in _ENDS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup(1) wants it to go on
            loop.add_signal_handler(number, self._changes.put_nowait, 0)
        deadline = None
        if self._policy.wait_ready is not None:
            deadline = loop.call_later(self._policy.wait_ready, self._too_late)
        starting = asyncio.ensure_future(opening)
        starting.add_done_callback(self._opened)
        self._readiness.begin()
        try:
            while (status := self._take(await self._changes.get())) is None:
                pass
            return status
        finally:
            self._readiness.end()
            if deadline is not None:
                deadline.cancel()
            starting.cancel()
            await self._manager.close()
            await asyncio.wait({starting})
            unsubscribe()
            while not self._changes.empty():
                self._tell(self._changes.get_nowait())
            await self._telling.close()

    # -- what happens

    def _note(self, event: Event) -> None:
        if isinstance(event, TunnelChanged):
            snapshot = self._manager.snapshot(event.tunnel)
            failure = self._manager.failure(event.tunnel)
            self._changes.put_nowait(_Change(time.time(), event, snapshot, failure))
        elif isinstance(event, TunnelRemoved):
            self._changes.put_nowait(event)
        elif isinstance(event, HostRestored):
            self._standing.given_up.discard(event.host)
            self._say(f"sshdash: {event.host}: back after {outage_text(event.seconds)}")
        elif isinstance(event, ConnectionChanged) and event.host in self._hosts.values():
            self._outage(event)

    def _opened(self, opening: "asyncio.Future[object]") -> None:
        """Count what was not even begun to open: another process keeps it."""
        error = None if opening.cancelled() else opening.exception()
        if isinstance(error, NotTaken):
            self._changes.put_nowait(error)
        elif error is not None:
            log.error("tunnels could not be opened", exc_info=error)
            self._changes.put_nowait(1)

    def _too_late(self) -> None:
        if not self._standing.is_ready:
            self._say(f"sshdash: not ready after {self._policy.wait_ready:g} s: {self._words()}")
            self._changes.put_nowait(NOT_READY)

    def _outage(self, event: ConnectionChanged) -> None:
        """Tell what is done about a lost connection; end where nothing is."""
        status = self._connections.status(event.host)
        if event.new is ConnectionState.WAITING and status.retry_at is not None:
            wait = max(0.0, status.retry_at - time.monotonic())
            when = f"in {wait:.1f} s" if wait >= 0.05 else "now"
            self._say(f"sshdash: {event.host}: {event.reason}; trying again {when}")
        elif event.new is ConnectionState.FAILED:
            # Whether it is tried again is decided right after it was told.
            asyncio.get_running_loop().call_soon(self._look_for_the_end, event)

    def _look_for_the_end(self, event: ConnectionChanged) -> None:
        status = self._connections.status(event.host)
        if status.gives_up:
            self._say(f"sshdash: {event.host}: {event.reason}; not tried again: {status.gives_up}")
            self._standing.given_up.add(event.host)
            if self._ends_with_the_first or not self._alive():
                self._changes.put_nowait(CONNECTION_FAILED)

    @property
    def _ends_with_the_first(self) -> bool:
        """Whether one failure ends it all."""
        is_awaited = self._policy.wait_ready is not None and not self._standing.is_ready
        return self._policy.exit_on_failure or is_awaited

    def _alive(self) -> list[str]:
        """Return the tunnels that something may still come of."""
        standing = self._standing
        return [
            one
            for one in self._tunnels
            if one not in standing.dead and self._hosts[one] not in standing.given_up
        ]

    # -- what comes of it

    def _take(self, change: "_News") -> int | None:
        """Tell a change; return the exit status once it is over."""
        if isinstance(change, BrokenPipeError):
            raise change
        self._tell(change)
        if isinstance(change, int):
            return change
        if isinstance(change, NotTaken):
            return self._leave(change)
        standing = self._standing
        if isinstance(change, TunnelRemoved):
            self._tunnels.pop(change.tunnel, None)
            standing.unsettled.discard(change.tunnel)
            standing.dead.pop(change.tunnel, None)
            return None if self._alive() else self._outcome()
        tunnel, state = change.event.tunnel, change.event.new
        if state is TunnelState.FAILED:
            return self._fail(change)
        standing.dead.pop(tunnel, None)
        if state in _OPEN:
            standing.unsettled.discard(tunnel)
        self._look_whether_ready()
        return None

    def _fail(self, change: "_Change") -> int | None:
        standing, tunnel, error = self._standing, change.tunnel, change.failure
        if error is not None:
            self._say(report_text(error))
        status = failure_status(error)
        standing.unsettled.discard(tunnel.id)
        standing.dead.setdefault(tunnel.id, status)
        made = change.event.old is not TunnelState.OPENING
        return self._after_failure(status, made or tunnel.host not in self._policy.strict_hosts)

    def _leave(self, error: NotTaken) -> int | None:
        """Tell what other processes keep."""
        for tunnel, why in error.errors.items():
            self._say(report_text(why))
            self._standing.unsettled.discard(tunnel)
            self._standing.dead.setdefault(tunnel, failure_status(why))
            self._kept[tunnel] = words(why)
        return self._after_failure(self._outcome(), tolerable=True)

    def _after_failure(self, status: int, tolerable: bool) -> int | None:
        """Return the exit status where it is over."""
        if self._ends_with_the_first or not tolerable:
            return status
        if not self._alive():
            return self._outcome()
        self._look_whether_ready()
        return None

    def _outcome(self) -> int:
        """Return the exit status where nothing is left to run; 0 where all was handed over."""
        return next(iter(self._standing.dead.values()), 0)

    def _look_whether_ready(self) -> None:
        standing = self._standing
        if standing.is_ready:
            self._readiness.status(self._words())
        elif not standing.unsettled:
            standing.is_ready = True
            document = {"pid": os.getpid(), "tunnels": [*map(self._document, self._listed())]}
            try:
                self._readiness.ready(self._words(), document)
            except SSHDashError as error:
                self._say(report_text(error))
                self._changes.put_nowait(1)

    def _listed(self) -> list[TunnelSnapshot]:
        """Return the tunnels as they are; one may be gone, of which the news is still to come."""
        return [one for one in self._manager.snapshots() if one.id in self._tunnels]

    def _document(self, tunnel: TunnelSnapshot) -> dict[str, Any]:
        fields = listed(tunnel)
        return fields | {"error": self._kept.get(tunnel.id, fields["error"])}

    def _words(self) -> str:
        states = [one.state for one in self._listed()]
        told = f"{sum(one in _OPEN for one in states)} of {len(states)} forwards open"
        degraded = states.count(TunnelState.DEGRADED)
        return f"{told}, {degraded} degraded" if degraded else told

    def _say(self, text: str) -> None:
        self._telling.err(told(text))

    def _tell(self, change: "_News") -> None:
        # That a failed tunnel is put away at the end is no news.
        if isinstance(change, _Change) and change.event.old is not TunnelState.FAILED:
            self._telling.out(change.json() if self._policy.as_json else change.line())


def failure_status(error: SSHDashError | None) -> int:
    """Return the exit status for why a tunnel failed."""
    if isinstance(error, OwnedElsewhere):
        return OWNED_ELSEWHERE
    if error is None:
        return 1
    return _STATUSES.get(cause_of(error)) or exit_status(error)


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of one tunnel, and how the tunnel was at that moment."""

    time: float
    event: TunnelChanged
    tunnel: TunnelSnapshot
    failure: SSHDashError | None

    def line(self) -> str:
        """Return it for people."""
        reason = f": {self.event.reason}" if self.event.reason else ""
        return f"{self.event.new.value:<8} {way(self.tunnel)}{reason}"

    def json(self) -> str:
        """Return it for programs: one object on one line."""
        fields = listed(self.tunnel)
        state = {
            "old": self.event.old.value,
            "state": self.event.new.value,
            "reason": self.event.reason,
        }
        first: dict[str, Any] = {"time": round(self.time, 3), "tunnel": self.tunnel.id}
        if fields["name"]:
            first["name"] = fields["name"]
        return json.dumps(first | _part(fields, _TOLD) | state | _part(fields, _COUNTED))


_News = _Change | TunnelRemoved | NotTaken | BrokenPipeError | int


def way(tunnel: TunnelSnapshot) -> str:
    """Return the way of a tunnel on one line: ``L localhost:5432 → bastion → db:5432``."""
    name = f"{tunnel.rule.name}: " if tunnel.rule else ""
    places = " → ".join((tunnel.listen, *tunnel.route, tunnel.target))
    mark = f" ({tunnel.exposure})" if tunnel.exposed else ""
    return f"{name}{tunnel.kind.value} {places}{mark}"


def _part(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names}
