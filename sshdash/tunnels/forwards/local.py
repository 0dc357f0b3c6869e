"""Forwards that listen on this machine, and ``-L``."""

import asyncio
import logging
import socket
from abc import abstractmethod
from typing import Any

from sshdash.connections.transport.direct import DirectTransport
from sshdash.tunnels.forwards.accepting import can_take_over, take_over
from sshdash.tunnels.forwards.carrying import CarryingForwarder
from sshdash.tunnels.forwards.leaving import reset_at_close
from sshdash.tunnels.forwards.listener import Listener
from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.ports import peer_pid
from sshdash.tunnels.spec import ForwardSpec, is_path
from sshdash.untrusted import clean

log = logging.getLogger(__name__)


class ListeningForwarder(CarryingForwarder):
    """A forward that listens on this machine."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listener = Listener(self._accepted, self._observer.troubled, self._options)
        self._binding = asyncio.Lock()
        """Held while a port is taken: a name may have to be looked up for that."""

    @property
    def port(self) -> int:
        """Return the port listened on, once it is open; 0 for a socket."""
        return self._listener.port

    @property
    def listens(self) -> bool:
        """Return whether it has its port."""
        return bool(self._listener.addresses)

    async def open(self) -> None:
        """Listen on the local port or socket. Raises ForwardError."""
        async with self._binding:
            await self._listener.open(self._bind, self._spec.port)

    async def vacate(self) -> None:
        """Free the port at once; the clients that are there go on. Idempotent."""
        self._listener.close()

    async def repoint(self, spec: ForwardSpec) -> None:
        """Lead new clients to another target, and listen elsewhere; see `Forwarder.repoint`."""
        bind = self._bind_of(spec)
        async with self._binding:
            if (bind, spec.port) != (self._bind, self._spec.port):
                await self._move_to(bind, spec.port)
            self._spec, self._bind = spec, bind

    async def _move_to(self, bind: str | None, port: int) -> None:
        fresh = Listener(self._accepted, self._observer.troubled, self._options)
        if port != self.port or is_path(bind) or is_path(self._bind):
            await fresh.open(bind, port)
            self._listener.close()
        else:  # the addresses may overlap: the old one has to go first
            self._listener.close()
            try:
                await fresh.open(bind, port)
            except BaseException:
                await self._go_back(port)
                raise
        self._listener = fresh
        if self._closed:
            fresh.close()

    async def _go_back(self, port: int) -> None:
        """Listen again where it did."""
        if not self._closed:
            await self._listener.open(self._bind, port)
        if self._closed:  # it may have been meanwhile
            self._listener.close()

    def _accepted(self, client: socket.socket) -> None:
        if not self._admits:
            reset_at_close(client)
            client.close()
        elif self.clients.full():
            client.close()
        elif self._closed or not self._serve_at_once(client):
            self.clients.start(self._admit(client))

    def _serve_at_once(self, client: socket.socket) -> bool:
        """Take one client in without a task of its own; return whether that was possible."""
        return False

    async def _admit(self, client: socket.socket) -> None:
        if self._closed:
            # It was closed between the accept and this task's first step.
            client.close()
        else:
            await self._serve(client)

    @abstractmethod
    async def _serve(self, client: socket.socket) -> None:
        """Take one client in, up to its open channel."""


class LocalForwarder(ListeningForwarder):
    """``-L``: clients here, one target as seen from the server."""

    def _serve_at_once(self, client: socket.socket) -> bool:
        """Ask for a client's channel in the turn of the loop that has accepted it."""
        ssh, spec = self._carrying, self._spec
        if spec.target_path or not isinstance(ssh, DirectTransport) or not can_take_over():
            return False
        relay = self._relay_of(client)
        target = spec.target_host, spec.target_port
        self._ask(ssh, relay, target, relay.visit.origin, _say_nothing)
        # The server is busy with the request meanwhile.
        try:
            relay.socket.adopt(take_over(client, relay.socket))
        except OSError as error:
            _left(relay, client, error)
        return True

    async def _serve(self, client: socket.socket) -> None:
        relay = self._relay_of(client)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: relay.socket, client)
        except OSError as error:
            _left(relay, client, error)
            relay.refused()
            return
        if relay.over:
            relay.refused()
            return
        spec = self._spec
        if spec.target_path:
            await self._connect_to_socket(relay, spec.target_path)
        else:
            origin = relay.visit.origin
            await self._connect(relay, spec.target_host, spec.target_port, origin, _say_nothing)

    def _relay_of(self, client: socket.socket) -> Relay:
        relay = self._relay()
        relay.visit.origin = peer_name(client)
        relay.visit.pid = peer_pid(client)
        return relay


def _left(relay: Relay, client: socket.socket, error: OSError) -> None:
    log.debug("a client left while it was accepted: %s", error)
    client.close()
    relay.socket.connection_lost(error)


def _say_nothing(refusal: Refusal | None) -> bytes:
    """Answer a client of one target: with its bytes, or by closing."""
    return b""


def peer_name(client: socket.socket) -> tuple[str, int]:
    """Return a client's address and port, as the server's log will name the originator.

    A client of a Unix socket has neither.
    """
    if client.family == socket.AF_UNIX:
        return "", 0
    try:
        name = client.getpeername()
    except OSError:
        return "", 0
    return clean(str(name[0]), 60), int(name[1])
