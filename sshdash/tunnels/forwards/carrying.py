"""Channels on the server for the clients of a forward that listens here."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.tunnels.causes import refusal_cause
from sshdash.tunnels.forwards.far_socket import open_socket
from sshdash.tunnels.forwards.forwarder import PATIENCE, Forwarder
from sshdash.tunnels.forwards.refusal import Refusal, classify, refusal_text
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.spec import host_port
from sshdash.untrusted import clean

Answer = Callable[[Refusal | None], bytes]
"""Gives what the client is told first, for an opened target (None) or a refusal."""

Opening = Callable[[Transport], Coroutine[Any, Any, None]]
"""Opens a relay's channel on a connection."""


class CarryingForwarder(Forwarder):
    """A forward that asks the server for a channel to each client's target."""

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
