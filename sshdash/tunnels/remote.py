"""``-R``: the server listens, and its clients are connected from here."""

import asyncio
import logging
from abc import abstractmethod
from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.errors import ConnectionLost, ForwardError
from sshdash.tunnels.causes import BindError, refusal_cause
from sshdash.tunnels.forwarder import PATIENCE, Forwarder
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.reaching import Lookups, Unreached, reach_host, reach_socket
from sshdash.tunnels.relay import Relay
from sshdash.tunnels.remote_socket import clear_away
from sshdash.tunnels.spec import LOOPBACK_NAMES, ForwardSpec, host_port, is_path
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

_CONNECT_FAILED, _SHORTAGE = 2, 4
"""Reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE, RFC 4254 section 5.1."""
_CLOSE_TIMEOUT = 3.0
"""Seconds to wait for the server's word that its port is free again."""


class ServerListener(Forwarder):
    """A forward whose clients come to the server."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._listener: asyncssh.SSHListener | None = None
        self._port = self._spec.port
        self._had_it = False
        """Whether the server has listened for it before."""
        self._clearing: set[asyncio.Task[bool]] = set()

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
        self._wake()  # clients that wait here are clients of the lost connection

    @property
    def listens(self) -> bool:
        """Return whether the server listens, as far as is known."""
        return self._listener is not None

    async def attach(self, ssh: Transport) -> None:
        """Have another server process listen.

        Raises ForwardError, also while the lost one still holds the port, and ConnectionLost.
        """
        self._ssh = ssh
        while True:
            wanted = self._bind, self._port
            listener = await self._ask_again(ssh, *wanted)
            if wanted == (self._bind, self._port):
                break
            listener.close()  # it was led elsewhere meanwhile
        self._listener, self._port = listener, listener.get_port()
        self._had_it = True
        await super().attach(ssh)

    async def _ask_again(self, ssh: Transport, bind: str | None, port: int) -> asyncssh.SSHListener:
        """Ask; where the socket of a lost connection is in the way, remove it and ask once more."""
        try:
            return await self._ask(ssh, bind, port)
        except ForwardError:
            if not (self._had_it and await self._clear_away(ssh)):
                raise
        return await self._ask(ssh, bind, port)

    async def _ask(self, ssh: Transport, bind: str | None, port: int) -> asyncssh.SSHListener:
        """Return the server's listener. Raises ForwardError and ConnectionLost."""
        asking = asyncio.ensure_future(self._asking(ssh, bind, port))
        try:
            return await asyncio.shield(asking)
        except asyncssh.ChannelListenError as error:
            if ssh.is_closed():
                raise ConnectionLost(
                    "Connection lost", "while asking the server to listen"
                ) from error
            raise _refused(bind, port) from error
        except asyncio.CancelledError:
            # The server may have agreed already: whatever it opened is closed again.
            asking.add_done_callback(_close_unwanted)
            raise

    async def _asking(self, ssh: Transport, bind: str | None, port: int) -> asyncssh.SSHListener:
        if bind is not None and is_path(bind):
            listener = await ssh.create_unix_server(lambda: self._client_came("", 0), bind)
        else:
            listener = await ssh.create_server(self._client_came, _server_bind(bind), port)
        return listener

    async def repoint(self, spec: ForwardSpec) -> None:
        """Lead new clients to another target, and listen elsewhere; see `Forwarder.repoint`.

        While the server does not listen yet, it is asked for the new port the next time.
        """
        bind = self._bind_of(spec)
        if (bind, spec.port) != (self._bind, self._spec.port):
            if self._ssh is not None and self._listener is not None:
                await self._move_to(self._ssh, bind, spec.port)
            else:
                self._port = spec.port
        self._spec, self._bind = spec, bind

    async def _move_to(self, ssh: Transport, bind: str | None, port: int) -> None:
        if port != self._port or is_path(bind) or is_path(self._bind):
            fresh = await self._ask(ssh, bind, port)
            await self.vacate()
        else:  # the addresses may overlap: the old one has to go first
            await self.vacate()
            try:
                fresh = await self._ask(ssh, bind, port)
            except ForwardError:
                if not self._closed:
                    self._listener = await self._ask(ssh, self._bind, port)
                raise
        self._listener, self._port = fresh, fresh.get_port()
        if self._closed:
            await self.vacate()

    async def vacate(self) -> None:
        """Have the server free its port; the clients that are there go on. Idempotent."""
        listener, self._listener = self._listener, None
        if listener is None or self._ssh is None or self._ssh.is_closed():
            return
        listener.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await listener.wait_closed()
        except TimeoutError:
            log.warning("the server did not confirm that it freed %s", self._spec)
        else:
            await self._clear_away(self._ssh)

    async def _clear_away(self, ssh: Transport) -> bool:
        """Remove the file of a socket that the server has listened on; return whether it did."""
        if self._bind is None or not is_path(self._bind):
            return False
        clearing = asyncio.get_running_loop().create_task(clear_away(ssh, self._bind))
        self._clearing.add(clearing)
        clearing.add_done_callback(self._clearing.discard)
        done, _ = await asyncio.wait({clearing}, timeout=_CLOSE_TIMEOUT)
        return bool(done) and clearing.result()

    async def _client_came(
        self, origin_host: str, origin_port: int
    ) -> asyncssh.SSHTCPSession[bytes]:
        """Take one client in; its channel is confirmed when this returns.

        Runs inside the SSH library: only ChannelOpenError may leave it.
        """
        if self._closed:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the forward is closed")
        if not self._admits:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the forward is paused")
        if self._full():
            raise asyncssh.ChannelOpenError(_SHORTAGE, "too many clients")
        return await self._welcome((clean(origin_host, 60), origin_port))

    async def _wait_admitted(self, relay: Relay) -> None:
        """Return once clients are carried. Raises ChannelOpenError for one that waits in vain."""
        until = asyncio.get_running_loop().time() + PATIENCE
        if await self._connection(until) is None or relay.over:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the forward is paused")

    @abstractmethod
    async def _welcome(self, origin: tuple[str, int]) -> asyncssh.SSHTCPSession[bytes]:
        """Return what takes a client's channel. Raises ChannelOpenError, and nothing else."""


class RemoteForwarder(ServerListener):
    """``-R``: clients on the server's side, one target as seen from here."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lookups = Lookups()

    async def _welcome(self, origin: tuple[str, int]) -> asyncssh.SSHTCPSession[bytes]:
        """Connect to the target first: a client whose target refuses gets no channel."""
        relay = self._relay(client_is_remote=True)
        relay.visit.origin = origin
        relay.visit.target = self._spec.target_text
        try:
            await self._wait_admitted(relay)
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
        spec = self._spec
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            if spec.target_path:
                await reach_socket(lambda: relay.socket, spec.target_path)
            else:
                await reach_host(
                    lambda: relay.socket, spec.target_host, spec.target_port, self._lookups
                )
        except Unreached as error:
            self._observer.refused(str(error), refusal_cause(error.refusal, here=True))
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, str(error)) from error
        self._traffic.reached(spec.target_text, loop.time() - began)


def _server_bind(bind: str | None) -> str:
    """Return the address to ask for: an empty one means all (RFC 4254 section 7.1)."""
    if bind is None:
        return "localhost"
    return "" if bind == "*" else bind


def _refused(bind: str | None, port: int) -> ForwardError:
    if bind is not None and is_path(bind):
        return _socket_refused(bind)
    where = host_port(bind or "localhost", port)
    reasons = ["the port may be taken there", "the server may not allow forwarding"]
    hint = "see AllowTcpForwarding and PermitListen in its sshd_config"
    if 0 < port < 1024:
        reasons.insert(0, "ports below 1024 belong to root there")
    if bind is not None and bind.lower() not in LOOPBACK_NAMES:
        reasons.append("it may allow loopback only")
        hint = "see GatewayPorts, AllowTcpForwarding and PermitListen in its sshd_config"
    title = f"The server refused to listen on {where}"
    return BindError(Cause.BIND_REFUSED, title, ", or ".join(reasons), hint)


def _socket_refused(path: str) -> ForwardError:
    return BindError(
        Cause.BIND_REFUSED,
        f"The server refused to listen on {clean(path, 120)}",
        "a socket that was left behind may be there, or its folder may be missing or not yours,"
        " or the server may not allow forwarding of sockets",
        "remove the socket there, or see StreamLocalBindUnlink and AllowStreamLocalForwarding"
        " in its sshd_config",
    )


def _close_unwanted(asking: "asyncio.Future[asyncssh.SSHListener]") -> None:
    if not asking.cancelled() and asking.exception() is None:
        asking.result().close()
