"""``-D``: a proxy here whose targets are named by its clients."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from sshdash.tunnels.forwards.accepting import can_take_over, take_over
from sshdash.tunnels.forwards.leaving import Leaving
from sshdash.tunnels.forwards.local import ListeningForwarder, peer_name
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.ports import peer_pid
from sshdash.tunnels.proxy.handshake import Handshake
from sshdash.tunnels.proxy.proxy_request import Request

log = logging.getLogger(__name__)

_DEADLINE = 10.0
"""Seconds a client has for its handshake."""
_HANDSHAKES = 256
"""How many are under way before the slowest one has to make room for the next client."""
_GRACE = 1.0
"""Seconds in which none has to."""


class DynamicForwarder(ListeningForwarder):
    """Serves SOCKS and HTTP clients on one port; names are resolved on the server."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._greeters: dict[_Greeter, float] = {}
        """Those in their handshake, the slowest first, with the loop's time they came at."""

    async def close(self) -> None:
        """Free the port at once and drop the clients, also those still in their handshake."""
        await super().close()
        for greeter in tuple(self._greeters):
            greeter.drop()

    def _accepted(self, client: socket.socket) -> None:
        self._make_room()
        super()._accepted(client)

    def _make_room(self) -> None:
        """Give up the slowest handshake where so many are under way that it must be an attack."""
        if len(self._greeters) < _HANDSHAKES:
            return
        slowest, since = next(iter(self._greeters.items()))
        if asyncio.get_running_loop().time() - since > _GRACE:
            del self._greeters[slowest]
            slowest.drop()

    def _serve_at_once(self, client: socket.socket) -> bool:
        """Hear a client out, and open its channel, without a task of its own."""
        if not can_take_over():
            return False
        greeter = self._greeter(client)
        try:
            greeter.connection_made(take_over(client, greeter))
        except OSError as error:
            self._lost(greeter, client, error)
        return True

    async def _serve(self, client: socket.socket) -> None:
        greeter = self._greeter(client)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: greeter, client)
        except OSError as error:
            self._lost(greeter, client, error)

    def _greeter(self, client: socket.socket) -> "_Greeter":
        greeter = _Greeter(peer_name(client), self._heard, self._gone)
        self._greeters[greeter] = asyncio.get_running_loop().time()
        self.clients.greet(greeter)
        return greeter

    def _lost(self, greeter: "_Greeter", client: socket.socket, error: OSError) -> None:
        log.debug("a client left while it was accepted: %s", error)
        client.close()
        greeter.connection_lost(error)

    def _gone(self, greeter: "_Greeter") -> None:
        self._greeters.pop(greeter, None)
        self.clients.greeted(greeter)

    def _heard(self, greeter: "_Greeter") -> None:
        """Pass a client on that has said where it wants to go, or take note of one that has not."""
        request = greeter.parser.request
        if request is not None:
            self._gone(greeter)
            self._pass_on(greeter, request)
            return
        mishap = greeter.parser.mishap(left=greeter.gone)
        if mishap and not self._closed:
            self._observer.strayed(mishap)

    def _pass_on(self, greeter: "_Greeter", request: Request) -> None:
        transport = greeter.transport
        if transport is None or greeter.gone or self._closed:
            greeter.drop()
            return
        relay = greeter.relay = self._relay()
        relay.visit.pid = peer_pid(transport.get_extra_info("socket"))
        # Nothing can arrive in between.
        transport.set_protocol(relay.socket)
        relay.socket.adopt(transport, greeter.parser.rest)
        self._carry(relay, (request.host, request.port), greeter.origin, request.reply)


Greeted = Callable[["_Greeter"], None]


class _Greeter(asyncio.Protocol):
    """Hears one client until its request is known, or answers it and lets it go.

    `heard` is called once, when there is a request or will be none, and `left` when the client has
    gone without one.
    """

    def __init__(self, origin: tuple[str, int], heard: Greeted, left: Greeted) -> None:
        self.origin = origin
        self.parser = Handshake()
        self.relay: Relay | None = None
        self.transport: asyncio.Transport | None = None
        self.gone = False
        self._heard = heard
        self._left = left
        self._finished = False
        self._dropped = False
        self._deadline = asyncio.get_running_loop().call_later(_DEADLINE, self.drop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._dropped:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        answer = self.parser.feed(data)
        if answer:
            self.transport.write(answer)
        if not self.parser.done:
            return
        if self.parser.request is None and answer:
            Leaving(self.transport, self.connection_lost)
        elif self.parser.request is None:
            self.transport.close()
        self._finish()

    def _finish(self) -> None:
        self._deadline.cancel()
        if not self._finished:
            self._finished = True
            self._heard(self)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._finish()
        self._left(self)

    def abort(self) -> None:
        self.drop()

    def drop(self) -> None:
        """End a client that will not be served, or not any longer."""
        self._dropped = True
        self._finish()
        if self.transport is not None and not self.gone:
            self.transport.abort()
