"""What all kinds of forward share: a port, and an SSH connection that may be another soon."""

import asyncio
from abc import ABC, abstractmethod

from sshdash.connections.transport.transport import Transport
from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.forwards.clients import Clients
from sshdash.tunnels.forwards.observer import Observer
from sshdash.tunnels.forwards.options import ForwardOptions
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.kept.rule import Meanwhile
from sshdash.tunnels.spec import ForwardSpec, Kind, host_port

PATIENCE = 60.0
"""Seconds a client waits for a tunnel that is paused, or whose connection is made again."""


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
        self.clients = Clients(traffic, observer)
        self._paused = False
        self._closed = False

    def __repr__(self) -> str:
        """Return the forward and how many clients it has."""
        return f"<{type(self).__name__} [{self._spec}, {len(self.clients)} clients]>"

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

    def listens_by(self, options: ForwardOptions) -> bool:
        """Return whether these options have it listen as it does."""
        if self._spec.listen_path:
            return options.bind_mask == self._options.bind_mask
        if options.family != self._options.family:
            return False
        return self._spec.bind is not None or options.gateway_ports == self._options.gateway_ports

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
        self._closed = True
        self._ready.set()
        self.clients.reset()
        await self.vacate()
        await self.clients.all_reset()

    def pause(self) -> None:
        """Carry nobody until `resume`: those who are carried are reset."""
        self._paused = True
        self._ready.clear()
        self.clients.reset_carried()
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
        self.clients.reset_carried()

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

    def _relay(self, *, client_is_remote: bool = False) -> Relay:
        relay = self.clients.enter(is_remote=client_is_remote)
        if self._ssh is not None:
            relay.socket.trunk = self._ssh.trunk
        return relay
