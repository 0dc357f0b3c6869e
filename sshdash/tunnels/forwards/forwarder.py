"""What the three kinds of forward share: clients, their relays, and opening channels."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.tunnels.causes import refusal_cause
from sshdash.tunnels.counters import Traffic, Visit
from sshdash.tunnels.forwards.far_socket import open_socket
from sshdash.tunnels.forwards.options import ForwardOptions
from sshdash.tunnels.forwards.refusal import Refusal, classify, refusal_text
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.kept.rule import Meanwhile
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.spec import ForwardSpec, Kind, host_port
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

MAX_CLIENTS = 1024
"""Clients one tunnel serves at a time, those that left while their channel opens included."""

PATIENCE = 60.0
"""Seconds a client waits for a tunnel that is paused, or whose connection is made again."""

Answer = Callable[[Refusal | None], bytes]
"""Gives what the client is told first, for an opened target (None) or a refusal."""

Opening = Callable[[Transport], Coroutine[Any, Any, None]]
"""Opens a relay's channel on a connection."""


class Observer(Protocol):
    """Whoever is told how the clients fare; none of these may raise."""

    def answered(self) -> None:
        """A client got through to its target."""

    def refused(self, reason: str, cause: Cause = Cause.OTHER) -> None:
        """A client did not; `reason` is cleaned."""

    def strayed(self, reason: str) -> None:
        """A client of a proxy never said, so that it can be served, where it wants to go."""

    def troubled(self, reason: str) -> None:
        """Clients are being turned away on our side; `reason` is cleaned."""


class Arrival(Protocol):
    """A client in its handshake."""

    relay: Relay | None
    """What carries it, once it has said where it wants to go."""

    def abort(self) -> None:
        """End it."""


class Forwarder(ABC):
    """One forward on one SSH connection at a time.

    When that is lost, `detach` drops the clients it had; those that come meanwhile wait until
    `attach` gives it the next one. `pause` and `resume` are the same without a loss. Where
    `meanwhile` says so, clients are refused instead.
    """

    meanwhile = Meanwhile.WAIT

    def __init__(
        self,
        spec: ForwardSpec,
        ssh: Transport | None,
        traffic: Traffic,
        observer: Observer,
        options: ForwardOptions,
    ) -> None:
        self._spec = spec
        self._ssh = ssh
        self._ready = asyncio.Event()
        """Set while clients are carried: there is an SSH connection and no pause."""
        if ssh is not None:
            self._ready.set()
        self._traffic = traffic
        self._observer = observer
        self._options = options
        self._bind = self._bind_of(spec)
        self._relays: set[Relay] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        """Set when a client has gone."""
        self._paused = False
        self._closed = False

    def __repr__(self) -> str:
        """Return the forward and how many clients it has."""
        return f"<{type(self).__name__} [{self._spec}, {len(self._relays)} relays]>"

    @property
    def spec(self) -> ForwardSpec:
        """Return what it does."""
        return self._spec

    @property
    def exposed(self) -> bool:
        """Return whether other machines can reach the listening end."""
        return self._spec.exposed or self._bind == "*"

    def _bind_of(self, spec: ForwardSpec) -> str | None:
        """Return the address to listen on, or the path of the socket."""
        if spec.listen_path:
            return spec.listen_path
        opens_up = self._options.gateway_ports and spec.kind is not Kind.REMOTE
        return "*" if spec.bind is None and opens_up else spec.bind

    @property
    @abstractmethod
    def port(self) -> int:
        """Return the port listened on, once it is open."""

    @property
    def listen_text(self) -> str:
        """Return where it listens, with the real port."""
        if self._spec.listen_path:
            return self._spec.listen_path
        return host_port(self._bind or "localhost", self.port or self._spec.port)

    @abstractmethod
    async def open(self) -> None:
        """Start to listen. Raises ForwardError."""

    @abstractmethod
    async def vacate(self) -> None:
        """Free the port at once; the clients that are there go on. Idempotent; never raises."""

    @abstractmethod
    async def repoint(self, spec: ForwardSpec) -> None:
        """Lead new clients to another target, and listen elsewhere where `spec` says so.

        The new port is there before the old one goes. Clients that are there keep their target.
        Raises ForwardError and ConnectionLost, and all is as it was; only where old and new port
        overlap and neither can be had is `listens` False then.
        """

    @property
    @abstractmethod
    def listens(self) -> bool:
        """Return whether it has its port."""

    async def close(self) -> None:
        """Free the port at once and drop the clients. Idempotent; never raises."""
        self._drop_clients()
        await self.vacate()

    async def drain(self, seconds: float) -> None:
        """Let the clients that are there finish; reset those that are left after `seconds`."""
        before, arriving = set(self._relays), self._arriving()
        try:
            async with asyncio.timeout(seconds):
                while self._left_of(before, arriving):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            for one in self._left_of(before, arriving):
                one.abort()

    def _arriving(self) -> set[Arrival]:
        """Return the clients that have not said yet where they want to go."""
        return set()

    def _left_of(self, before: set[Relay], arriving: set[Arrival]) -> set[Relay | Arrival]:
        """Return those of some clients that are still there, as what they have become."""
        before |= {one.relay for one in arriving if one.relay is not None}
        silent = {one for one in arriving & self._arriving() if one.relay is None}
        return {*(before & self._relays), *silent}

    def pause(self) -> None:
        """Carry nobody until `resume`: those who are carried are reset."""
        self._paused = True
        self._ready.clear()
        for relay in tuple(self._relays):
            if relay.is_through:
                relay.abort()
        if self.meanwhile is Meanwhile.REFUSE:
            self._wake()

    def resume(self) -> None:
        """Carry clients again, those that wait first."""
        self._paused = False
        if self._ssh is not None:
            self._ready.set()

    def detach(self) -> None:
        """Let go of a lost SSH connection: its clients are reset, new ones wait."""
        self._detach_from(self._ssh)
        for relay in tuple(self._relays):
            if relay.is_through:
                relay.abort()

    async def attach(self, ssh: Transport) -> None:
        """Go on over another SSH connection. Raises ForwardError and ConnectionLost."""
        self._ssh = ssh
        if not self._paused:
            self._ready.set()

    def turn_away(self) -> None:
        """Refuse the clients that wait for an SSH connection: it does not come soon."""
        if self._ssh is None:
            self._wake()

    def treat(self, meanwhile: Meanwhile) -> None:
        """Have clients that cannot be carried wait or be refused, also those that wait now."""
        self.meanwhile = meanwhile
        if meanwhile is Meanwhile.REFUSE and not self._ready.is_set():
            self._wake()

    def _wake(self) -> None:
        """Have those who wait look around."""
        self._ready.set()
        self._ready = asyncio.Event()

    def visits(self) -> list[Visit]:
        """Return the clients that are there, in the order they came."""
        here = [relay.visit for relay in self._relays if relay.is_here]
        return sorted(here, key=lambda visit: visit.number)

    def cut(self, number: int) -> bool:
        """Reset one client alone; return whether it was there."""
        for relay in tuple(self._relays):
            if relay.visit.number == number and relay.is_here:
                relay.abort()
                return True
        return False

    def _detach_from(self, ssh: Transport | None) -> None:
        if self._ssh is ssh:
            self._ssh = None
            self._ready.clear()

    @property
    def _admits(self) -> bool:
        """Whether a client is let in, if only to wait."""
        return self._ready.is_set() or self.meanwhile is Meanwhile.WAIT

    @property
    def _carrying(self) -> Transport | None:
        """The SSH connection, where a client need not wait for it."""
        return self._ssh if self._ready.is_set() and not self._paused else None

    async def _connection(self, until: float) -> Transport | None:
        """Return the SSH connection, None where there is none by the loop's time `until`."""
        if not self._ready.is_set() and self._admits and not self._closed:
            try:
                async with asyncio.timeout_at(until):
                    await self._ready.wait()
            except TimeoutError:
                return None
        return None if self._paused else self._ssh

    def _drop_clients(self) -> None:
        self._closed = True
        self._ready.set()
        for relay in tuple(self._relays):
            relay.abort()

    def _relay(self, *, client_is_remote: bool = False) -> Relay:
        relay = Relay(
            self._traffic,
            self._forget,
            client_is_remote=client_is_remote,
        )
        if self._ssh is not None:
            relay.socket.trunk = self._ssh.trunk
        self._relays.add(relay)
        return relay

    def _forget(self, relay: Relay) -> None:
        self._relays.discard(relay)
        self._left.set()

    def _full(self) -> bool:
        if len(self._relays) < MAX_CLIENTS and len(self._tasks) < MAX_CLIENTS:
            return False
        self._observer.troubled(f"more than {MAX_CLIENTS} clients at a time")
        return True

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(
        self, relay: Relay, host: str, port: int, origin: tuple[str, int], answer: Answer
    ) -> None:
        """Open the relay's channel to a host and port, then answer its client; see `_through`."""

        async def opening(ssh: Transport) -> None:
            await ssh.create_connection(lambda: relay.channel, host, port, origin[0], origin[1])

        target = host_port(host, port)
        relay.visit.origin, relay.visit.target = origin, clean(target)
        await self._through(relay, target, opening, answer)

    async def _connect_to_socket(self, relay: Relay, path: str) -> None:
        """Open the relay's channel to a Unix socket on the server."""

        async def opening(ssh: Transport) -> None:
            await open_socket(ssh, lambda: relay.channel, path)

        relay.visit.target = clean(path)
        await self._through(relay, path, opening, lambda _: b"")

    async def _through(self, relay: Relay, target: str, opening: Opening, answer: Answer) -> None:
        """Open the relay's channel, then answer its client.

        This is never cancelled, not even when the client or the tunnel goes: the SSH protocol
        has no way to take an open request back, and the library forgets a channel that is
        confirmed after that (it stays open on the server). The relay gives it back instead.

        Where the SSH connection is lost meanwhile, or was before, it is done on the next one.
        """
        relay.greeting = answer(None)
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while (ssh := await self._connection(until)) is not None and not relay.is_pointless:
            relay.socket.trunk = ssh.trunk
            began = loop.time()
            try:
                await opening(ssh)
            except (asyncssh.Error, OSError, ValueError) as error:
                if self._gives_up(ssh, relay, target, error, answer):
                    return
            else:
                self._reached(loop.time() - began)
                return
        self._refuse(relay, target, Refusal.LOST, "", answer)

    def _reached(self, seconds: float) -> None:
        """Note that a client is through to its target."""
        self._traffic.reached(self._spec.target_text, seconds)
        if not self._closed:
            self._observer.answered()

    def _gives_up(
        self, ssh: Transport, relay: Relay, target: str, error: Exception, answer: Answer
    ) -> bool:
        """Refuse a client that got no channel; return False where the connection was lost."""
        if isinstance(error, asyncssh.ChannelOpenError):
            refusal, reason = classify(error.code, error.reason), error.reason
        else:
            refusal, reason = Refusal.LOST, str(error)
        if refusal is Refusal.LOST and ssh.is_closed():
            self._detach_from(ssh)
            return False
        self._refuse(relay, target, refusal, reason, answer)
        return True

    def _refuse(
        self, relay: Relay, target: str, refusal: Refusal, reason: str, answer: Answer
    ) -> None:
        relay.refused(answer(refusal))
        if not self._closed and refusal is not Refusal.LOST:
            self._observer.refused(refusal_text(refusal, target, reason), refusal_cause(refusal))
