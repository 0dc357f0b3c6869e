"""``-R``: clients on the server's side, one target as seen from here."""

import asyncio
import logging
from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.errors import ConnectionLost, ForwardError
from sshdash.tunnels.forwarder import Forwarder
from sshdash.tunnels.refusal import Refusal, refusal_text
from sshdash.tunnels.relay import ChannelEnd, Relay
from sshdash.tunnels.spec import host_port
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_CONNECT_FAILED, _SHORTAGE = 2, 4
"""Reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE, RFC 4254 section 5.1."""
_CONNECT_TIMEOUT = 30.0
_CLOSE_TIMEOUT = 3.0
"""Seconds to wait for the server's word that its port is free again."""


class RemoteForwarder(Forwarder):
    """Asks the server to listen and connects each of its clients to a target from here."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listener: asyncssh.SSHListener | None = None
        self._port = self._spec.port

    @property
    def port(self) -> int:
        """Return the port the server listens on, once it is open; later ones are the same."""
        return self._port

    async def open(self) -> None:
        """Have the server listen. Raises ForwardError with what may stand behind a refusal."""
        assert self._ssh is not None
        await self.attach(self._ssh)

    def detach(self) -> None:
        """Let go of a lost SSH connection, whose listener the server ends in its own time."""
        self._listener = None
        super().detach()

    async def attach(self, ssh: Transport) -> None:
        """Have another server process listen.

        Raises ForwardError, also while the lost one still holds the port, and ConnectionLost.
        """
        self._ssh = ssh
        asking = asyncio.ensure_future(
            ssh.create_server(self._client_came, self._server_bind, self._port)
        )
        try:
            self._listener = await asyncio.shield(asking)
        except asyncssh.ChannelListenError as error:
            if ssh.is_closed():
                raise ConnectionLost(
                    "Connection lost", "while asking the server to listen"
                ) from error
            raise self._refused() from error
        except asyncio.CancelledError:
            # The server may have agreed already: whatever it opened is closed again.
            asking.add_done_callback(_close_unwanted)
            raise
        self._port = self._listener.get_port()

    async def close(self) -> None:
        """Have the server free its port and drop the clients. Idempotent."""
        self._drop_clients()
        listener, self._listener = self._listener, None
        if listener is None or self._ssh is None or self._ssh.is_closed():
            return
        listener.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await listener.wait_closed()
        except TimeoutError:
            log.warning("the server did not confirm that it freed %s", self._spec)

    @property
    def _server_bind(self) -> str:
        """Return the address to ask for: an empty one means all (RFC 4254 section 7.1)."""
        if self._bind is None:
            return "localhost"
        return "" if self._bind == "*" else self._bind

    def _refused(self) -> ForwardError:
        where = host_port(self._bind or "localhost", self._port)
        reasons = ["the port may be taken there", "the server may not allow forwarding"]
        hint = "see AllowTcpForwarding and PermitListen in its sshd_config"
        if 0 < self._spec.port < 1024:
            reasons.insert(0, "ports below 1024 belong to root there")
        if self.exposed:
            reasons.append("it may allow loopback only")
            hint = "see GatewayPorts, AllowTcpForwarding and PermitListen in its sshd_config"
        return ForwardError(f"The server refused to listen on {where}", ", or ".join(reasons), hint)

    async def _client_came(self, origin_host: str, origin_port: int) -> ChannelEnd:
        """Connect to the target; the channel is confirmed when this returns.

        Runs inside the SSH library: only ChannelOpenError may leave it.
        """
        if self._closed:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the forward is closed")
        if self._full():
            raise asyncssh.ChannelOpenError(_SHORTAGE, "too many clients")
        relay = self._relay(client_is_remote=True)
        relay.visit.origin = clean(origin_host, 60), origin_port
        relay.visit.target = self._spec.target_text
        try:
            await self._reach_target(relay)
        except asyncssh.ChannelOpenError:
            relay.refused()
            raise
        except asyncio.CancelledError:
            relay.refused()
            raise
        if self._closed or relay.socket.lost:
            relay.refused()
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the forward is closed")
        self._observer.answered()
        return relay.channel

    async def _reach_target(self, relay: Relay) -> None:
        target = self._spec.target_text
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                await loop.create_connection(
                    lambda: relay.socket, self._spec.target_host, self._spec.target_port
                )
        except TimeoutError:
            text = refusal_text(Refusal.TIMED_OUT, target, "")
        except ConnectionRefusedError:
            text = refusal_text(Refusal.REFUSED, target, "")
        except (OSError, ValueError) as error:
            text = refusal_text(Refusal.OTHER, target, getattr(error, "strerror", "") or str(error))
        else:
            self._traffic.reached(target, loop.time() - began)
            return
        self._observer.refused(text)
        raise asyncssh.ChannelOpenError(_CONNECT_FAILED, clean(text))


def _close_unwanted(asking: "asyncio.Future[asyncssh.SSHListener]") -> None:
    if not asking.cancelled() and asking.exception() is None:
        asking.result().close()
