"""``-R``: the server listens, and its clients are connected from here."""

import asyncio
import logging
from abc import abstractmethod
from typing import Any

import asyncssh

from sshdash.connections.transport.transport import Transport
from sshdash.errors import ConnectionLost, ForwardError
from sshdash.tunnels.causes import BindError, refusal_cause
from sshdash.tunnels.forwards.forwarder import PATIENCE, Forwarder
from sshdash.tunnels.forwards.outlook import Outlook
from sshdash.tunnels.forwards.reaching import Lookups, Unreached, begin_host, begin_socket
from sshdash.tunnels.forwards.relay import Relay
from sshdash.tunnels.forwards.remote_socket import clear_away
from sshdash.tunnels.legs import Cause
from sshdash.tunnels.spec import ForwardSpec, host_port, is_loopback, is_path
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
        self.outlook: Outlook | None = None
        """What the server made of what was asked for; None until somebody has looked."""
        self._clearing: set[asyncio.Task[bool]] = set()

    @property
    def port(self) -> int:
        """Return the port the server listens on, once it is open; later ones are the same."""
        return self._port

    @property
    def exposed(self) -> bool:
        """Return whether other machines can reach the listening end, as far as is known."""
        seen = self.outlook.lets_others_in if self.outlook is not None else None
        return super().exposed if seen is None else seen

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
        self.outlook = None
        await super().attach(ssh)

    async def _ask_again(self, ssh: Transport, bind: str | None, port: int) -> asyncssh.SSHListener:
        """Ask; where the socket of a lost connection is in the way, remove it and ask once more."""
        try:
            return await self._ask(ssh, bind, port)
        except ForwardError:
            if not (self._had_it and await self._clear_away(ssh, bind)):
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
            await _give_back(asking)
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
        if (bind, spec.port) == (self._bind, self._spec.port):
            self._spec = spec
        elif self._ssh is None or self._listener is None:
            self._spec, self._bind, self._port = spec, bind, spec.port
            self.outlook = None
        else:
            fresh = await self._elsewhere(self._ssh, bind, spec.port)
            old, self._listener = self._listener, fresh
            left, self._bind = self._bind, bind
            self._spec, self._port = spec, fresh.get_port()
            self.outlook = None
            await self._free(old, left)
            if self._closed:
                await self.vacate()

    async def _elsewhere(self, ssh: Transport, bind: str | None, port: int) -> asyncssh.SSHListener:
        """Return the server's listener at another place."""
        if port != self._port or is_path(bind) or is_path(self._bind):
            return await self._ask(ssh, bind, port)
        # The addresses may overlap: the old one has to go first.
        await self.vacate()
        try:
            return await self._ask(ssh, bind, port)
        except (ForwardError, asyncio.CancelledError):
            if not self._closed:
                self._listener = await self._ask(ssh, self._bind, port)
            if self._closed:  # it may have been meanwhile
                await self.vacate()
            raise

    async def vacate(self) -> None:
        """Have the server free its port; the clients that are there go on. Idempotent."""
        listener, self._listener = self._listener, None
        await self._free(listener, self._bind)

    async def _free(self, listener: asyncssh.SSHListener | None, bind: str | None) -> None:
        if listener is None or self._ssh is None or self._ssh.is_closed():
            return
        listener.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await listener.wait_closed()
        except TimeoutError:
            log.warning("the server did not confirm that it freed %s", self._spec)
        else:
            await self._clear_away(self._ssh, bind)

    async def _clear_away(self, ssh: Transport, bind: str | None) -> bool:
        """Remove the file of a socket that the server has listened on; return whether it did."""
        if bind is None or not is_path(bind):
            return False
        clearing = asyncio.get_running_loop().create_task(clear_away(ssh, bind))
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
        if self.clients.full():
            raise asyncssh.ChannelOpenError(_SHORTAGE, "too many clients")
        return await self._welcome((clean(origin_host, 60), origin_port))

    async def _wait_admitted(self, relay: Relay) -> None:
        """Return once clients are carried. Raises ChannelOpenError for one that waits in vain.

        One that is cut off waits no longer.
        """
        if self._carrying is None:
            await relay.attempt.make(self._admission())
        if relay.over:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the client is cut off")

    async def _admission(self) -> None:
        until = asyncio.get_running_loop().time() + PATIENCE
        if await self._connection(until) is None:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the forward is paused")

    @abstractmethod
    async def _welcome(self, origin: tuple[str, int]) -> asyncssh.SSHTCPSession[bytes]:
        """Return what takes a client's channel. Raises ChannelOpenError, and nothing else."""


class RemoteForwarder(ServerListener):
    """``-R``: clients on the server's side, one target as seen from here."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lookups = Lookups(self._options.family)

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
                rest = begin_socket(relay.socket, spec.target_path)
            else:
                host, port = spec.target_host, spec.target_port
                rest = begin_host(relay.socket, host, port, self._lookups)
            reached = rest is None or await relay.attempt.make(rest)
        except Unreached as error:
            self._observer.refused(str(error), refusal_cause(error.refusal, here=True))
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, str(error)) from error
        if not reached:
            raise asyncssh.ChannelOpenError(_CONNECT_FAILED, "the client is cut off")
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
    if bind is not None and not is_loopback(bind):
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


async def _give_back(asking: "asyncio.Future[asyncssh.SSHListener]") -> None:
    """Close what the server may have opened already; until then it would refuse the same port."""
    asking.add_done_callback(_close_unwanted)
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT):
            await asyncio.wait({asking})
            if asking.exception() is None:
                await asking.result().wait_closed()
    except TimeoutError:
        log.warning("the server did not say whether it listens, for what is not wanted any more")


def _close_unwanted(asking: "asyncio.Future[asyncssh.SSHListener]") -> None:
    if not asking.cancelled() and asking.exception() is None:
        asking.result().close()
