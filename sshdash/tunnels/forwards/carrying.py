"""Channels on the server for the clients of a forward that listens here."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import asyncssh

from sshdash.connections.transport.direct import DirectTransport
from sshdash.connections.transport.opening import Address, open_direct
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

    def _carry(
        self, relay: Relay, target: Address, origin: tuple[str, int], answer: Answer
    ) -> None:
        """Open the relay's channel to a host and port, without a task where that is possible."""
        ssh = self._carrying
        if isinstance(ssh, DirectTransport):
            self._ask(ssh, relay, target, origin, answer)
        else:
            self.clients.start(self._connect(relay, *target, origin, answer))

    def _ask(
        self,
        ssh: DirectTransport,
        relay: Relay,
        target: Address,
        origin: tuple[str, int],
        answer: Answer,
    ) -> None:
        """Ask for the relay's channel at once; where that fails, do as `_connect` does.

        A task that waits for each step takes half as long again, for what is over in no time.
        """
        relay.greeting = answer(None)
        relay.visit.origin, relay.visit.target = origin, clean(host_port(*target))
        began = time.monotonic()

        def answered(error: Exception | None) -> None:
            if error is None:
                self._reached(time.monotonic() - began)
            else:
                # Later: this runs while the connection forgets its channels, where it was lost.
                self.clients.start(self._after(error, ssh, relay, target, answer))

        try:
            open_direct(ssh, relay.channel, target, origin, answered)
        except (asyncssh.Error, OSError, ValueError) as error:
            answered(error)

    async def _after(
        self, error: Exception, ssh: Transport, relay: Relay, target: Address, answer: Answer
    ) -> None:
        """Refuse a client that got no channel, or ask the next connection for one."""
        if not self._gives_up(ssh, relay, host_port(*target), error, answer):
            await self._connect(relay, *target, relay.visit.origin, answer)

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
