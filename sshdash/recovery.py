"""Brings back what lived on a host's connection, once that is there again, and says what came.

Tunnels and copies wait for themselves; shells are opened again here, in their terminals.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct, field

from sshdash.connections.recovery.outages import Interest, Outages
from sshdash.errors import SSHDashError
from sshdash.events import (
    ConnectionChanged,
    Event,
    EventBus,
    HostRestored,
    SessionChanged,
    TransferChanged,
    TunnelChanged,
    TunnelRemoved,
)
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState

log = logging.getLogger(__name__)

_SETTLED = 5.0
"""Seconds after which is told what came back, should some of it still be missing."""

Hosts = Callable[[str], tuple[str, ...]]
"""Gives the hosts that a tunnel or a copy lives on."""


class _Outage(Struct):
    """What one host lost, and what of it is there again."""

    since: float
    losses: int = 1
    """How often the connection was lost meanwhile."""
    waiting: set[tuple[str, str]] = field(default_factory=set)
    """What is still missing: kind and id."""
    restored: set[tuple[str, str]] = field(default_factory=set)

    def miss(self, thing: tuple[str, str]) -> None:
        """Note that something is waiting."""
        self.waiting.add(thing)
        self.restored.discard(thing)

    def restore(self, thing: tuple[str, str]) -> None:
        """Note that something is back."""
        if thing in self.waiting:
            self.waiting.discard(thing)
            self.restored.add(thing)

    def count(self, kind: str) -> int:
        """Return how much of one kind is back."""
        return sum(one == kind for one, _ in self.restored)


class Recovery:
    """Watches what is lost.

    `reopen` opens a shell again; `tunnel_host` and `copy_hosts` tell whose a thing is.
    """

    def __init__(
        self,
        outages: Outages,
        events: EventBus,
        reopen: Callable[[str], Awaitable[None]],
        tunnel_host: Callable[[str], str],
        copy_hosts: Hosts,
    ) -> None:
        self._outages = outages
        self._events = events
        self._reopen = reopen
        self._tunnel_host = tunnel_host
        self._copy_hosts = copy_hosts
        self._lost: dict[str, _Outage] = {}
        self._interests: dict[str, Interest] = {}
        """Of the shells that run or are to run again, by their ids."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._unsubscribe = events.subscribe(self._note)

    def __repr__(self) -> str:
        """Return the hosts that are out."""
        return f"<Recovery [{', '.join(self._lost) or 'nothing is out'}]>"

    def is_waiting(self, session: str) -> bool:
        """Return whether a lost shell is going to be opened again by itself."""
        return any(("shell", session) in outage.waiting for outage in self._lost.values())

    @property
    def shells(self) -> int:
        """Return how many lost shells are going to be opened again."""
        things = (thing for outage in self._lost.values() for thing in outage.waiting)
        return sum(kind == "shell" for kind, _ in things)

    def forget(self, session: str) -> None:
        """Leave a shell alone: it was closed."""
        self._release(session)
        for outage in self._lost.values():
            outage.waiting.discard(("shell", session))
        self._changed.set()

    async def close(self) -> None:
        """Bring nothing back any more."""
        self._unsubscribe()
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for session in tuple(self._interests):
            self._release(session)
        self._lost.clear()

    # -- what happened

    def _note(self, event: Event) -> None:
        if isinstance(event, ConnectionChanged):
            self._connection(event)
        elif isinstance(event, SessionChanged):
            self._session(event)
        elif isinstance(event, TunnelChanged):
            self._thing("tunnel", event.tunnel, event.new)
        elif isinstance(event, TunnelRemoved):
            self._drop("tunnel", event.tunnel)
        elif isinstance(event, TransferChanged):
            self._thing("copy", event.job, event.new)
        self._changed.set()

    def _connection(self, event: ConnectionChanged) -> None:
        if event.new is ConnectionState.LOST:
            if event.host in self._lost:
                self._lost[event.host].losses += 1
            else:
                self._lost[event.host] = _Outage(time.monotonic())
        elif event.new is ConnectionState.IDLE:
            self._lost.pop(event.host, None)
        elif event.new is ConnectionState.CONNECTED and event.host in self._lost:
            self._restore(event.host)

    def _session(self, event: SessionChanged) -> None:
        if event.new is SessionState.RUNNING:
            if event.session not in self._interests:
                self._interests[event.session] = self._outages.interest(event.host, "shell")
            self._back("shell", event.session)
        elif event.new is SessionState.LOST:
            if self._outages.is_expected(event.host):
                self._miss(event.host, ("shell", event.session))
        elif event.new in (SessionState.EXITED, SessionState.FAILED):
            self._drop("shell", event.session)
            self._release(event.session)

    def _thing(self, kind: str, name: str, state: TunnelState | TransferState) -> None:
        if state is TunnelState.RECONNECTING:
            self._miss(self._tunnel_host(name), (kind, name))
        elif state is TransferState.WAITING:
            for host in self._copy_hosts(name):
                if host in self._lost or self._outages.is_out(host):
                    self._miss(host, (kind, name))
        elif state in (TunnelState.OPEN, TransferState.COPYING, TransferState.DONE):
            self._back(kind, name)
        elif state is not TransferState.SCANNING:
            self._drop(kind, name)

    def _miss(self, host: str, thing: tuple[str, str]) -> None:
        self._lost.setdefault(host, _Outage(time.monotonic())).miss(thing)
        if not self._outages.is_out(host):
            self._restore(host)  # a further connection was lost, or all is back already

    def _back(self, kind: str, name: str) -> None:
        for outage in self._lost.values():
            outage.restore((kind, name))

    def _drop(self, kind: str, name: str) -> None:
        for outage in self._lost.values():
            outage.waiting.discard((kind, name))

    def _release(self, session: str) -> None:
        interest = self._interests.pop(session, None)
        if interest is not None:
            interest.release()

    # -- what is done about it

    def _restore(self, host: str) -> None:
        """Begin to bring things back, unless that is under way."""
        if host not in self._tasks:
            task = asyncio.create_task(self._run(host), name=f"restoring {host}")
            self._tasks[host] = task
            task.add_done_callback(lambda _: self._ended(host))

    def _ended(self, host: str) -> None:
        del self._tasks[host]
        if host in self._lost and not self._outages.is_out(host):
            self._restore(host)

    async def _run(self, host: str) -> None:
        """Open the lost shells again, wait for the rest, and tell."""
        outage = self._lost[host]
        until, losses = 0.0, 0
        tried: set[str] = set()
        while self._lost.get(host) is outage and not self._outages.is_out(host):
            if losses != outage.losses:
                losses = outage.losses
                until = asyncio.get_running_loop().time() + _SETTLED
                tried.clear()
            shells = {name for kind, name in outage.waiting if kind == "shell"} - tried
            tried |= shells
            await asyncio.gather(*map(self._open_again, sorted(shells)))
            self._changed.clear()
            if not outage.waiting or asyncio.get_running_loop().time() >= until:
                break
            try:
                async with asyncio.timeout_at(until):
                    await self._changed.wait()
            except TimeoutError:
                continue
        if self._lost.get(host) is outage and not self._outages.is_out(host):
            del self._lost[host]
            self._tell(host, outage)

    async def _open_again(self, session: str) -> None:
        try:
            await self._reopen(session)
        except SSHDashError as error:
            # Its terminal shows why; where the connection was lost again, it is tried again.
            log.info("%s was not opened again: %s", session, error)

    def _tell(self, host: str, outage: _Outage) -> None:
        if not outage.restored and not outage.waiting:
            return  # nothing of ours lived on it, as on a jump host
        self._events.emit(
            HostRestored(
                host,
                time.monotonic() - outage.since,
                shells=outage.count("shell"),
                tunnels=outage.count("tunnel"),
                copies=outage.count("copy"),
                missing=len(outage.waiting),
            )
        )
