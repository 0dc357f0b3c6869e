"""``-D``: a SOCKS proxy here whose targets are named by its clients."""

import asyncio
import logging
import socket
from typing import Any

from sshdash.tunnels.forwarder import ListeningForwarder, peer_name
from sshdash.tunnels.ports import peer_pid
from sshdash.tunnels.relay import Hold
from sshdash.tunnels.socks import Handshake

log = logging.getLogger(__name__)

_DEADLINE = 10.0
"""Seconds a client has for its handshake."""


class DynamicForwarder(ListeningForwarder):
    """Serves SOCKS 4, 4a and 5 clients; names are resolved on the server."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._greeters: set[_Greeter] = set()

    async def close(self) -> None:
        """Free the port at once and drop the clients, also those still in their handshake."""
        await super().close()
        for greeter in tuple(self._greeters):
            greeter.drop()

    async def _serve(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        origin, pid = peer_name(client), peer_pid(client)
        greeter = _Greeter()
        self._greeters.add(greeter)
        try:
            await loop.connect_accepted_socket(lambda: greeter, client)
            async with asyncio.timeout(_DEADLINE):
                await greeter.finished.wait()
        except OSError as error:
            # TimeoutError is one too.
            log.debug("a SOCKS client did not get through its handshake: %r", error)
            greeter.drop()
            client.close()
        finally:
            self._greeters.discard(greeter)
        await self._pass_on(greeter, origin, pid)

    async def _pass_on(self, greeter: "_Greeter", origin: tuple[str, int], pid: int) -> None:
        request, transport = greeter.parser.request, greeter.transport
        if request is None or transport is None or greeter.lost or self._closed:
            greeter.drop()
            return
        relay = self._relay()
        relay.visit.pid = pid
        # Nothing can arrive in between: the greeter has paused its transport.
        transport.set_protocol(relay.socket)
        relay.socket.adopt(transport, greeter.parser.rest)
        relay.socket.hold(Hold.UNOPENED)
        await self._connect(relay, request.host, request.port, origin, request.reply)


class _Greeter(asyncio.Protocol):
    """Speaks SOCKS with one client until its request is known."""

    def __init__(self) -> None:
        self.parser = Handshake()
        self.transport: asyncio.Transport | None = None
        self.finished = asyncio.Event()
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        answer = self.parser.feed(data)
        if answer:
            self.transport.write(answer)
        if self.parser.done:
            self.transport.pause_reading()
            self.finished.set()
            if self.parser.error:
                log.debug("a SOCKS client was turned away: %s", self.parser.error)
                self.transport.close()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.finished.set()

    def drop(self) -> None:
        """End a client that will not be served; an answer on its way still gets out."""
        self.finished.set()
        if self.transport is not None and not self.lost:
            self.transport.close()
