"""``-D``: a proxy here whose targets are named by its clients."""

import asyncio
import logging
import socket
from typing import Any

from sshdash.tunnels.forwards.leaving import Leaving
from sshdash.tunnels.forwards.local import ListeningForwarder, peer_name
from sshdash.tunnels.forwards.relay import Hold, Relay
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

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        origin = peer_name(client)
        greeter = _Greeter()
        self._greeters[greeter] = loop.time()
        self.clients.greet(greeter)
        try:
            await loop.connect_accepted_socket(lambda: greeter, client)
            await self._hear_out(greeter)
        except OSError as error:
            log.debug("a client left while it was accepted: %s", error)
            client.close()
            return
        finally:
            self._greeters.pop(greeter, None)
            self.clients.greeted(greeter)
        request = greeter.parser.request
        if request is not None:
            await self._pass_on(greeter, request, origin)

    async def _hear_out(self, greeter: "_Greeter") -> None:
        """Wait until there is a request, or until the client is turned away and has gone."""
        try:
            async with asyncio.timeout(_DEADLINE):
                await greeter.finished.wait()
        except TimeoutError:
            if not greeter.finished.is_set():
                greeter.drop()
        if greeter.parser.request is not None:
            return
        mishap = greeter.parser.mishap(left=greeter.gone.is_set())
        if mishap and not self._closed:
            self._observer.strayed(mishap)
        await greeter.gone.wait()

    async def _pass_on(
        self, greeter: "_Greeter", request: Request, origin: tuple[str, int]
    ) -> None:
        transport = greeter.transport
        if transport is None or greeter.gone.is_set() or self._closed:
            greeter.drop()
            return
        relay = greeter.relay = self._relay()
        relay.visit.pid = peer_pid(transport.get_extra_info("socket"))
        # Nothing can arrive in between: the greeter has paused its transport.
        transport.set_protocol(relay.socket)
        relay.socket.adopt(transport, greeter.parser.rest)
        relay.socket.hold(Hold.UNOPENED)
        await self._connect(relay, request.host, request.port, origin, request.reply)


class _Greeter(asyncio.Protocol):
    """Hears one client until its request is known, or answers it and lets it go."""

    def __init__(self) -> None:
        self.parser = Handshake()
        self.relay: Relay | None = None
        self.transport: asyncio.Transport | None = None
        self.finished = asyncio.Event()
        """There is a request, or there will be none."""
        self.gone = asyncio.Event()
        self._dropped = False

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
        if self.parser.done:
            self._finish(bool(answer))

    def _finish(self, answered: bool) -> None:
        assert self.transport is not None
        self.finished.set()
        if self.parser.request is not None:
            self.transport.pause_reading()
        elif answered:
            Leaving(self.transport, self.connection_lost)
        else:
            self.transport.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        self.finished.set()

    def abort(self) -> None:
        self.drop()

    def drop(self) -> None:
        """End a client that will not be served, or not any longer."""
        self._dropped = True
        self.finished.set()
        if self.transport is not None and not self.gone.is_set():
            self.transport.abort()
