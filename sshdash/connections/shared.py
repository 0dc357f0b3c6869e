"""What is known of one resolved destination: its connection, its names, and its outage."""

import asyncio
import time
from collections import Counter

from msgspec import Struct, field
from msgspec.structs import replace

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.connection import Connection, ConnectionSnapshot, through
from sshdash.connections.recovery.backoff import Backoff
from sshdash.connections.route import Route
from sshdash.connections.timeline import Timeline
from sshdash.errors import SSHDashError
from sshdash.events import AnswerAwaited, ConnectionChanged, EventBus, SpareChanged
from sshdash.states import ConnectionState, Step, advance


class Outage(Struct):
    """What is done about a connection that is gone."""

    attempts: int = 0
    """Attempts that failed since it was last up."""
    retry_at: float | None = None
    gives_up: str = ""
    """Why no further attempt is made by itself."""
    timer: asyncio.TimerHandle | None = None
    backoff: Backoff = field(default_factory=Backoff)
    hop: "SharedConnection | None" = None
    """The jump host that has to come back first."""
    blamed: "SharedConnection | None" = None
    """The jump host because of which no further attempt is made."""

    def cancel(self) -> None:
        """Plan no attempt any more."""
        if self.timer:
            self.timer.cancel()
        self.timer = self.retry_at = None


class SharedConnection:
    """One destination under all its names: the only place where its state moves."""

    def __init__(self, key: str, events: EventBus) -> None:
        self.key = key
        self.names: dict[str, ResolvedHost] = {}
        """What it was asked for as, the first first, and what the configuration says of that."""
        self.asked: set[str] = set()
        """The names that were destinations, not only hops on the way to others."""
        self.state = ConnectionState.IDLE
        self.reason = ""
        self.failure: SSHDashError | None = None
        """Why it is not there, of the latest attempt or of the loss."""
        self.since = 0.0
        self.route: Route = ()
        self.hop: SharedConnection | None = None
        """The hop before, as far as one was dialled."""
        self.connection: Connection | None = None
        self.spares: list[Connection] = []
        """Further connections, for sessions that the first one has no room for."""
        self.growth: asyncio.Task[Connection] | None = None
        """The attempt at a further connection."""
        self.growing = asyncio.Lock()
        """Held while a further connection is made: those who need one share it."""
        self.attempt: asyncio.Task[Connection] | None = None
        self.automatic = False
        """Whether the attempt goes on without anybody who waits for it."""
        self.attended = True
        """Whether a person wanted the attempt just now, and is there to answer questions."""
        self.asking = False
        self.unanswered = False
        """Whether the attempt ended while its question was open."""
        self.waiting: Counter[str] = Counter()
        """How many wait for the attempt under each name."""
        self._partings: dict[str, asyncio.Future[None]] = {}
        self.timeline: Timeline | None = None
        self.outage = Outage()
        self.was_up = False
        """Whether it has been up since a person last ended it."""
        self.stopped = False
        """Whether a person ended it."""
        self.followers: set[SharedConnection] = set()
        """Those behind it that are gone until it is back."""
        self._events = events

    def __repr__(self) -> str:
        """Return its names and its state."""
        return f"<SharedConnection {', '.join(self.names)} [{self.state.value}]>"

    @property
    def host(self) -> str:
        """Return the name it was first asked for as."""
        return next(iter(self.names), "")

    @property
    def is_live(self) -> bool:
        """Return whether it is up, or an attempt at it is under way."""
        return self.attempt is not None or self.state is ConnectionState.CONNECTED

    @property
    def connections(self) -> list[Connection]:
        """Return what it has up: the connection and its spares."""
        return [self.connection, *self.spares] if self.connection else [*self.spares]

    def others(self, name: str) -> set[str]:
        """Return what else it was asked for as, each of which has a say about its end."""
        return self.asked - {name}

    def is_held_besides(self, name: str) -> bool:
        """Return whether somebody uses it, or waits for it, under another name than this one."""
        others = self.others(name)
        held = any(connection.leases_of(others) for connection in self.connections)
        return held or any(self.waiting[other] for other in others)

    def parting(self, name: str) -> "asyncio.Future[None]":
        """Return what is done once a person has ended it under one name alone."""
        if name not in self._partings:
            self._partings[name] = asyncio.get_running_loop().create_future()
        return self._partings[name]

    def part(self, name: str, reason: str) -> None:
        """Go on without a name, which stands as idle from now on."""
        del self.names[name]
        self.asked.discard(name)
        for connection in self.connections:
            connection.host = self.host
        if parting := self._partings.pop(name, None):
            parting.set_result(None)
        if self.asking:
            self._events.emit(AnswerAwaited(name, False))
        if self.state is not ConnectionState.IDLE:
            self._events.emit(ConnectionChanged(name, self.state, ConnectionState.IDLE, reason))

    def move(self, step: Step, reason: str = "") -> None:
        """Take one step and tell it, once for each name."""
        old, self.state = self.state, advance(self.state, step)
        self.reason = reason
        self.since = time.monotonic()
        for name in tuple(self.names):
            self._events.emit(ConnectionChanged(name, old, self.state, reason))

    def tell(self, name: str, old: ConnectionState) -> None:
        """Tell how it stands under a name that stood otherwise before."""
        if old is not self.state:
            self._events.emit(ConnectionChanged(name, old, self.state, self.reason))

    def tell_spare(self, state: ConnectionState, address: str = "", reason: str = "") -> None:
        """Tell how a further connection stands."""
        self._events.emit(SpareChanged(self.host, state, address, reason))

    def ask(self, asking: bool) -> None:
        """Note that an attempt waits for a person, or no longer does."""
        if asking is not self.asking:
            self.asking = asking
            for name in tuple(self.names):
                self._events.emit(AnswerAwaited(name, asking))

    def snapshot(self, name: str) -> ConnectionSnapshot:
        """Return how it stands, as seen under one of its names."""
        planned = self._planned()
        hop = self.outage.hop
        failure, blamed = self._failure()
        view = ConnectionSnapshot(
            name,
            self.state,
            through(hop.host, hop.reason) if hop and hop.reason else self.reason,
            self.since,
            timeline=self.timeline,
            attempts=max(self.outage.attempts, planned.attempts),
            retry_at=planned.retry_at,
            failure=failure,
            blamed=blamed,
            gives_up=self.outage.gives_up,
            asking=self.asking,
            spares=len(self.spares),
        )
        if self.route:
            resolved = self.names.get(name, self.route[-1].resolved)
            view = replace(
                view,
                user=resolved.user,
                target=f"{resolved.hostname}:{resolved.port}",
                via=tuple(hop.name for hop in self.route[:-1]),
            )
        connection = self.connection
        if connection is None or self.state is not ConnectionState.CONNECTED:
            return view
        return replace(
            view,
            leases=dict(connection.leases - connection.leases_of(self.others(name))),
            address=connection.address,
            cipher=connection.cipher,
            server_version=connection.server_version,
            auth_method=connection.auth_method,
            keepalive_rtt=connection.keepalive_rtt,
            agent_forwarded=connection.agent_forwarded,
            untrusted=connection.untrusted,
        )

    def _failure(self) -> tuple[SSHDashError | None, str]:
        """Return why it is not there, and the jump host that is to blame."""
        if self.state in (ConnectionState.IDLE, ConnectionState.CONNECTED):
            return None, ""
        culprit = self
        while (hop := culprit.outage.hop or culprit.outage.blamed) is not None and hop is not self:
            culprit = hop
        failure = culprit.failure
        blamed = "" if culprit is self else culprit.host
        return failure, (failure.via if failure else "") or blamed

    def _planned(self) -> Outage:
        """Return the outage whose end is waited for: the farthest hop's that is down."""
        shared = self
        while shared.outage.hop is not None and shared.outage.hop is not self:
            shared = shared.outage.hop
        return shared.outage
