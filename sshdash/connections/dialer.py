"""One attempt at one connection: the way there, the host key, the login."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import asyncssh
from msgspec import Struct

from sshdash.config.resolver import ResolvedHost
from sshdash.connections.deadline import Deadline
from sshdash.connections.idle import IdleChannels, IdleLimits
from sshdash.connections.local_command import local_command, run_local_command
from sshdash.connections.login.auth import SSHClient
from sshdash.connections.login.interview import Interview
from sshdash.connections.login.login_faults import LoginFaults
from sshdash.connections.login.replay import Replay
from sshdash.connections.network.ahead import Ahead, Opened
from sshdash.connections.network.proxy import ProxyCommand
from sshdash.connections.network.service_class import ServiceClass
from sshdash.connections.network.sockets import connect_seconds, open_socket
from sshdash.connections.options import connect_options, keepalive
from sshdash.connections.refusals import refuse_connection
from sshdash.connections.timeline import Phase, Timeline
from sshdash.connections.transport.algorithms import rekey_limits, weakness
from sshdash.connections.transport.transport import Transport, adopt
from sshdash.connections.trust.host_policy import HostPolicy
from sshdash.connections.trust.host_trust import HostTrust
from sshdash.connections.trust.hostkeys import HostKeyCheck
from sshdash.errors import ConnectError, HostKeyError, SSHDashError
from sshdash.events import EventBus, WarningRaised
from sshdash.keys.keyring import KeyRing
from sshdash.keys.saved import SavedSecrets
from sshdash.prompts import Prompter
from sshdash.settings import Settings
from sshdash.untrusted import clean

_ROUNDS = 4
"""Connections one attempt may make: a server may not wait until a host key is decided about."""


class Dialled(Struct):
    """A connection that is logged in."""

    ssh: Transport
    client: SSHClient
    address: str
    proxy: ProxyCommand | None

    async def discard(self) -> None:
        """End a connection that nobody takes."""
        self.ssh.abort()
        if self.proxy:
            await self.proxy.close()


class Dialer:
    """Makes connections for one run: shares trust, opened keys and the prompter among them."""

    def __init__(
        self, prompter: Prompter, events: EventBus, settings: Settings, ahead: Ahead | None = None
    ) -> None:
        self.ahead = ahead or Ahead()
        self._prompter = prompter
        self._events = events
        self.settings = settings
        self._trust = HostTrust(prompter, events)
        self.saved = SavedSecrets(
            lambda text: events.emit(WarningRaised("Saved secrets cannot be used", text))
        )
        """The passwords and passphrases that the person wanted kept, in the system's keyring."""
        self._keyring = KeyRing(self.saved)
        self.replay = Replay()

    async def dial(
        self,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        timeline: Timeline,
        via: asyncssh.SSHClientConnection | None = None,
    ) -> Dialled:
        """Return a logged-in connection to `resolved`, through `via` where that is given.

        `route` names the hops, the host itself last; each step is recorded on `timeline`.
        Raises SSHDashError.
        """
        made: list[Dialled] = []
        try:
            return await self._dial(host, resolved, route, timeline, via, made)
        except BaseException:  # cancelled after the login, for one
            for dialled in made:
                await dialled.discard()
            raise

    async def _dial(
        self,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        timeline: Timeline,
        via: asyncssh.SSHClientConnection | None,
        made: list[Dialled],
    ) -> Dialled:
        """Do what `dial` says; what was logged in is in `made` even where this fails."""
        refuse_connection(resolved)
        command = local_command(resolved)
        attempt = _Attempt(self, host, resolved, route, timeline, via)
        policy = HostPolicy.of(host, resolved)
        check = await HostKeyCheck.begin(self._trust, policy, route, timeline)
        try:
            for _ in range(_ROUNDS):
                try:
                    dialled = await attempt.connect(check)
                except asyncssh.HostKeyNotVerifiable as error:
                    raise await check.explained(clean(error.reason)) from None
                except SSHDashError:
                    if not await check.settled():
                        raise
                else:
                    made.append(dialled)
                    self._warn(host, resolved, dialled)
                    await self._run(command, host)
                    return dialled
        finally:
            await check.close()
        raise HostKeyError("The server does not wait for a decision on its key", host=host)

    def _warn(self, host: str, resolved: ResolvedHost, dialled: Dialled) -> None:
        weak = weakness(resolved, dialled.ssh)
        if weak:
            self._events.emit(WarningRaised("The encryption is weak", weak, host))

    async def _run(self, command: str, host: str) -> None:
        """Run the LocalCommand, and tell what it said; where this is cancelled, so is the login."""
        if not command:
            return
        problem, said = "", ""
        try:
            status, said = await run_local_command(command)
            if status:
                problem = f"exit status {status}" if status > 0 else f"signal {-status}"
        except OSError as error:
            problem = error.strerror or str(error)
        if problem or said:
            title = f"The LocalCommand failed: {problem}" if problem else "The LocalCommand said"
            self._events.emit(WarningRaised(title, said, host))

    def interview(self, host: str, resolved: ResolvedHost) -> Interview:
        """Return who asks for one attempt's secrets."""
        return Interview(host, resolved, self._prompter, self.saved, self.replay)

    def client(
        self,
        resolved: ResolvedHost,
        check: HostKeyCheck,
        interview: Interview,
        timeline: Timeline,
    ) -> SSHClient:
        """Return the callbacks of one connection."""
        return SSHClient(resolved, check, interview, self._keyring, self._events, timeline)


class _Attempt:
    """The rounds of one attempt: they share the deadline's length, the questions and the way."""

    def __init__(
        self,
        dialer: Dialer,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        timeline: Timeline,
        via: asyncssh.SSHClientConnection | None,
    ) -> None:
        self.address = ""
        self._dialer = dialer
        self._host = host
        self._resolved = resolved
        self._route = route
        self._timeline = timeline
        self._via = via
        self._interview = dialer.interview(host, resolved)
        self._faults = LoginFaults(host, resolved, route)

    async def connect(self, check: HostKeyCheck) -> Dialled:
        """Make one connection; raises HostKeyNotVerifiable where `check` refused the key."""
        client = self._dialer.client(self._resolved, check, self._interview, self._timeline)
        settings = self._dialer.settings
        seconds = connect_seconds(self._resolved, settings)
        self._interview.deadline = check.deadline = deadline = Deadline(seconds)
        proxy: ProxyCommand | None = None
        sock: socket.socket | None = None
        try:
            options = connect_options(self._resolved, settings, check, client)
            if self._via is None and self._resolved.proxy_command:
                proxy = await self._start_proxy(self._resolved.proxy_command)
                sock = proxy.socket
            elif self._via is None:
                opened = await self._dialer.ahead.take(self._resolved, self._timeline)
                if opened is None:
                    opening = open_socket(self._resolved, self._host, self._timeline, seconds)
                    opened = Opened.of(await opening)
                sock, peer, client.greeted = opened
                check.peer = peer[0]
                self.address = _address(*peer)
            async with deadline:
                ssh = await self._open(options, client, sock)
            ssh.set_patience(keepalive(self._resolved, settings)[1])
            ssh.limit_received(rekey_limits(self._resolved)[0])
            limits = IdleLimits(self._resolved.get_all("channeltimeout"))
            ssh.idle = IdleChannels(limits) if limits else None
            return Dialled(ssh, client, self.address, proxy)
        except BaseException as error:
            client.keys.close()
            if sock is not None and not client.is_adopted:
                sock.close()
            failure = await self._failure(error, client, proxy, deadline.seconds)
            if proxy:
                await proxy.close()
            if failure is error:
                raise
            raise failure from error

    async def _start_proxy(self, command: str) -> ProxyCommand:
        # Not what follows the name of the program: there may be a secret in it.
        with self._timeline.begin(Phase.PROXY, command.split(maxsplit=1)[0]):
            try:
                return await ProxyCommand.start(command, self._proxy_said)
            except OSError as error:
                raise ConnectError(
                    "Cannot run the ProxyCommand",
                    detail=error.strerror or str(error),
                    host=self._host,
                ) from error

    def _proxy_said(self, line: str) -> None:
        if self._timeline.is_running:
            self._timeline.note(Phase.PROXY, line, plain=True)

    async def _open(
        self, options: dict[str, Any], client: SSHClient, sock: socket.socket | None
    ) -> Transport:
        """Log in over `sock`, over the connection to the hop before where there is none."""
        if sock is None:
            assert self._via is not None
            through = _Through(self._via, self._timeline)
            return adopt(await asyncssh.connect(tunnel=through, **options))
        try:
            ssh = adopt(await asyncssh.connect(sock=sock, **options))
        finally:
            if not client.is_adopted:
                sock.close()
        ssh.service_class = ServiceClass(sock, self._resolved)
        return ssh

    async def _failure(
        self, error: BaseException, client: SSHClient, proxy: ProxyCommand | None, seconds: float
    ) -> BaseException:
        """Return what to raise for `error`: one of ours, or what must stay as it is."""
        if not isinstance(error, Exception) or isinstance(error, asyncssh.HostKeyNotVerifiable):
            return error
        if self._interview.refusal:
            return self._interview.refusal
        if proxy and not client.server_version and isinstance(error, TimeoutError):
            return self._faults.proxy_silent(proxy.said, seconds)
        if proxy and not client.server_version:
            return self._faults.proxy_failed(await proxy.failure())
        return self._faults.explain(error, client, seconds)


class _Through:
    """Opens the way to the next hop on the connection to the one before."""

    def __init__(self, hop: asyncssh.SSHClientConnection, timeline: Timeline) -> None:
        self._hop = hop
        self._timeline = timeline

    async def create_connection(
        self, factory: Callable[[], asyncssh.SSHTCPSession[bytes]], host: str, port: int
    ) -> tuple[asyncssh.SSHTCPChannel[bytes], asyncssh.SSHTCPSession[bytes]]:
        """Return a channel to `host`; one that opens after a cancellation is closed again."""
        with self._timeline.begin(Phase.TCP, f"{host} port {port}, from the jump host") as step:

            def opened() -> asyncssh.SSHTCPSession[bytes]:
                step.done()  # before the greeting, which may come with it
                return factory()

            opening = asyncio.ensure_future(self._hop.create_connection(opened, host, port))
            try:
                return await asyncio.shield(opening)
            except asyncssh.ChannelOpenError as error:
                step.failed(error.reason)
                raise
            except asyncio.CancelledError:
                opening.add_done_callback(_close_late)
                raise


def _close_late(opening: "asyncio.Future[tuple[Any, Any]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
