"""One attempt at one connection: the way there, the host key, the login."""

import asyncio
import fnmatch
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncssh

from sshdash import __version__
from sshdash.config.resolver import ResolvedHost
from sshdash.connections.algorithms import (
    algorithms,
    compression,
    host_key_algorithms,
    is_chosen,
    rekey_limits,
    signatures,
    weakness,
)
from sshdash.connections.auth import METHODS, Interview, SSHClient
from sshdash.connections.deadline import Deadline
from sshdash.connections.evidence import HostPolicy
from sshdash.connections.faults import explain
from sshdash.connections.hostkeys import HostKeyCheck, HostTrust
from sshdash.connections.network import open_socket
from sshdash.connections.proxy import ProxyCommand
from sshdash.errors import (
    AuthenticationError,
    ConnectError,
    HostKeyError,
    SSHDashError,
    UnreachableError,
)
from sshdash.events import EventBus, WarningRaised
from sshdash.keys.keyring import KeyRing
from sshdash.prompts import Prompter
from sshdash.settings import Settings
from sshdash.untrusted import clean

_ROUNDS = 4
"""Connections one attempt may make: the first, one without certificates, the pinned one."""


@dataclass
class Dialled:
    """A connection that is logged in."""

    ssh: asyncssh.SSHClientConnection
    client: SSHClient
    address: str
    proxy: ProxyCommand | None


class Dialer:
    """Makes connections for one run: shares trust, opened keys and the prompter among them."""

    def __init__(self, prompter: Prompter, events: EventBus, settings: Settings) -> None:
        self._prompter = prompter
        self._events = events
        self._settings = settings
        self._trust = HostTrust(prompter, events)
        self._keyring = KeyRing()

    async def dial(
        self,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        via: asyncssh.SSHClientConnection | None = None,
    ) -> Dialled:
        """Return a logged-in connection to `resolved`, through `via` where that is given.

        `route` names the hops, the host itself last. Raises SSHDashError.
        """
        attempt = _Attempt(self, host, resolved, route, via)
        policy = HostPolicy.of(host, resolved)
        check = await self._trust.check(policy, route)
        for _ in range(_ROUNDS):
            try:
                dialled = await attempt.connect(check)
            except asyncssh.HostKeyNotVerifiable as error:
                await _after_refusal(check, error, attempt.address)
            else:
                self._warn(host, dialled)
                return dialled
        raise HostKeyError("The server keeps changing its host key", host=host)

    def _warn(self, host: str, dialled: Dialled) -> None:
        weak = weakness(dialled.ssh)
        if weak:
            self._events.emit(WarningRaised("The encryption is weak", weak, host))

    def seconds(self, resolved: ResolvedHost) -> float:
        """Return how long one attempt may take, without the time that people need."""
        if is_chosen(resolved, "connecttimeout"):
            return resolved.seconds("connecttimeout") or 0
        return self._settings.connect_timeout

    def interview(self, host: str, resolved: ResolvedHost) -> Interview:
        """Return who asks for one attempt's secrets."""
        return Interview(host, resolved, self._prompter)

    def client(
        self, resolved: ResolvedHost, check: HostKeyCheck, interview: Interview
    ) -> SSHClient:
        """Return the callbacks of one connection."""
        return SSHClient(resolved, check, interview, self._keyring, self._events)

    def keepalive(self, resolved: ResolvedHost) -> tuple[int, int]:
        """Return the interval in seconds (0 for none) and the count of keepalives."""
        interval, count = self._settings.keepalive_interval, self._settings.keepalive_count
        if is_chosen(resolved, "serveraliveinterval"):
            interval = resolved.seconds("serveraliveinterval") or 0
        if is_chosen(resolved, "serveralivecountmax"):
            count = resolved.number("serveralivecountmax") or count
        return interval, max(1, count)


async def _after_refusal(
    check: HostKeyCheck, error: asyncssh.HostKeyNotVerifiable, address: str
) -> None:
    """Decide what a refused host key leads to: another round, or an error that is raised."""
    if check.refusal:
        raise check.refusal from None
    if check.captured is not None:
        await check.decide(address)
    elif check.retry_plain:
        check.retry_plain = False
    else:
        raise explain(error, check.policy.host, "checking the host key") from error


class _Attempt:
    """The rounds of one attempt: they share the deadline's length, the questions and the way."""

    def __init__(
        self,
        dialer: Dialer,
        host: str,
        resolved: ResolvedHost,
        route: tuple[str, ...],
        via: asyncssh.SSHClientConnection | None,
    ) -> None:
        self.address = ""
        self._dialer = dialer
        self._host = host
        self._resolved = resolved
        self._route = route
        self._via = via
        self._interview = dialer.interview(host, resolved)

    async def connect(self, check: HostKeyCheck) -> Dialled:
        """Make one connection; raises HostKeyNotVerifiable where `check` refused the key."""
        client = self._dialer.client(self._resolved, check, self._interview)
        deadline = Deadline(self._dialer.seconds(self._resolved))
        self._interview.deadline = deadline
        proxy: ProxyCommand | None = None
        try:
            options = self._options(check, client)
            async with deadline:
                if self._via is None and self._resolved.proxy_command:
                    proxy = await self._start_proxy(self._resolved.proxy_command)
                ssh = await self._open(options, client, proxy)
            return Dialled(ssh, client, self.address, proxy)
        except BaseException as error:
            client.keys.close()
            failure = await self._failure(error, client, proxy)
            if proxy:
                await proxy.close()
            if failure is error:
                raise
            raise failure from error

    async def _start_proxy(self, command: str) -> ProxyCommand:
        try:
            return await ProxyCommand.start(command)
        except OSError as error:
            raise ConnectError(
                "Cannot run the ProxyCommand", detail=error.strerror or str(error), host=self._host
            ) from error

    async def _open(
        self, options: dict[str, Any], client: SSHClient, proxy: ProxyCommand | None
    ) -> asyncssh.SSHClientConnection:
        if self._via is not None:
            return await asyncssh.connect(tunnel=_Through(self._via), **options)
        sock = proxy.socket if proxy else await open_socket(self._resolved, self._host)
        if proxy is None:
            self.address = _address(sock)
        try:
            return await asyncssh.connect(sock=sock, **options)
        finally:
            if not client.is_adopted:
                sock.close()

    async def _failure(
        self, error: BaseException, client: SSHClient, proxy: ProxyCommand | None
    ) -> BaseException:
        """Return what to raise for `error`: one of ours, or what must stay as it is."""
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return error
        if self._interview.refusal:
            return self._interview.refusal
        if isinstance(error, SSHDashError) or not isinstance(error, Exception):
            return error
        if isinstance(error, asyncssh.PermissionDenied):
            return self._denied(client)
        if proxy and not client.server_version:
            said = await proxy.failure()
            return ConnectError(
                "The ProxyCommand failed",
                detail=said,
                hint="try the command in a shell",
                host=self._host,
            )
        if isinstance(error, TimeoutError):
            return self._timed_out(client)
        if isinstance(error, asyncssh.ChannelOpenError):
            return self._hop_refused(error)
        if isinstance(error, asyncssh.ConnectionLost | ConnectionError):
            return self._cut_off(client)
        failure = explain(error, self._host, f"connecting to {self._where}")
        if isinstance(failure, AuthenticationError):
            failure.detail = f"{failure.detail}; {self._tried(client)}"
        return failure

    @property
    def _where(self) -> str:
        return clean(f"{self._resolved.hostname} port {self._resolved.port}")

    def _denied(self, client: SSHClient) -> AuthenticationError:
        record = client.record
        offered = ", ".join(record.offered) or "no method that sshdash knows"
        user = clean(f"{self._resolved.user}@{self._resolved.hostname}")
        hint = "check User and IdentityFile, or load the key: ssh-add"
        if client.keys.report.notes:
            hint = "see the keys named above"
        return AuthenticationError(
            "Permission denied",
            detail=f"{user}; the server offers {offered}; {self._tried(client)}",
            hint=hint,
            host=self._host,
        )

    def _tried(self, client: SSHClient) -> str:
        report = client.keys.report
        tried = []
        for method in client.record.tried:
            keys = report.offered if method == "publickey" else []
            tried.append(
                f"{method} ({', '.join(keys) or 'no key'})" if method == "publickey" else method
            )
        text = f"tried {', '.join(tried)}" if tried else "nothing to try"
        return "; ".join([text, *report.notes])

    def _timed_out(self, client: SSHClient) -> UnreachableError:
        seconds = self._dialer.seconds(self._resolved)
        if client.server_version:
            title, hint = "Login timed out", "the server is there but too slow to log in"
        elif client.is_adopted:
            title, hint = "No SSH greeting", "something accepts connections there but says nothing"
        else:
            title, hint = "Connection timed out", "a firewall, a wrong address, or the host is down"
        detail = f"{self._where}, after {seconds:g} s"
        return UnreachableError(title, detail=detail, hint=hint, host=self._host)

    def _hop_refused(self, error: asyncssh.ChannelOpenError) -> UnreachableError:
        hop = self._route[-2] if len(self._route) > 1 else "the jump host"
        return UnreachableError(
            f"{hop} cannot reach it",
            detail=f"{self._where}: {clean(error.reason, 200)}",
            hint=f"try it from {hop}; AllowTcpForwarding there may forbid it",
            host=self._host,
        )

    def _cut_off(self, client: SSHClient) -> ConnectError:
        if client.server_version:
            return ConnectError(
                "The server cut the connection during the login", self._where, host=self._host
            )
        return UnreachableError(
            "Closed before an SSH greeting",
            detail=self._where,
            hint="not an SSH server, or it turns this address away (MaxStartups, penalties)",
            host=self._host,
        )

    def _options(self, check: HostKeyCheck, client: SSHClient) -> dict[str, Any]:
        resolved = self._resolved
        interval, count = self._dialer.keepalive(resolved)
        allowed = algorithms(resolved, "hostkeyalgorithms")
        return {
            "host": resolved.hostname,
            "port": resolved.port,
            "username": resolved.user,
            "config": None,
            "client_factory": lambda: client,
            "client_version": f"sshdash_{__version__}",
            "known_hosts": check.library_answer,
            "host_key_alias": resolved.get("hostkeyalias"),
            "server_host_key_algs": host_key_algorithms(
                allowed, check.pinned_types, check.wants_certificates
            ),
            "x509_trusted_certs": None,
            "kex_algs": algorithms(resolved, "kexalgorithms"),
            "encryption_algs": algorithms(resolved, "ciphers"),
            "mac_algs": algorithms(resolved, "macs"),
            "compression_algs": compression(resolved),
            "signature_algs": signatures(resolved),
            **rekey_limits(resolved),
            "client_keys": None,
            "gss_host": None,
            "host_based_auth": False,
            "public_key_auth": resolved.get("pubkeyauthentication") != "no",
            "password_auth": resolved.get("passwordauthentication") != "no",
            "kbdint_auth": resolved.get("kbdinteractiveauthentication") != "no",
            "preferred_auth": _preferred(resolved),
            "agent_forwarding": _forwarded_agent(resolved),
            "env": _environment(resolved),
            "keepalive_interval": interval,
            "keepalive_count_max": count,
            "tcp_keepalive": resolved.get("tcpkeepalive") != "no",
            "connect_timeout": None,
            "login_timeout": 0,
            "utf8_decode_errors": "replace",
        }


class _Through:
    """Opens the way to the next hop on the connection to the one before."""

    def __init__(self, hop: asyncssh.SSHClientConnection) -> None:
        self._hop = hop

    async def create_connection(
        self, factory: Callable[[], asyncssh.SSHTCPSession[bytes]], host: str, port: int
    ) -> tuple[asyncssh.SSHTCPChannel[bytes], asyncssh.SSHTCPSession[bytes]]:
        """Return a channel to `host`; one that opens after a cancellation is closed again."""
        opening = asyncio.ensure_future(self._hop.create_connection(factory, host, port))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise


def _close_late(opening: "asyncio.Future[tuple[Any, Any]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


def _preferred(resolved: ResolvedHost) -> list[str]:
    chosen = resolved.get("preferredauthentications")
    return chosen.split(",") if chosen else list(METHODS)


def _forwarded_agent(resolved: ResolvedHost) -> str | bool:
    """Return the agent's socket to forward: none unless ForwardAgent says so."""
    value = resolved.get("forwardagent") or "no"
    if value == "no":
        return False
    if value == "yes":
        return resolved.identity_agent or False
    return os.environ.get(value[1:], "") if value.startswith("$") else value


def _environment(resolved: ResolvedHost) -> dict[str, str]:
    """Return what SendEnv and SetEnv give to the sessions of this connection."""
    patterns = [word for line in resolved.get_all("sendenv") for word in line.split()]
    sent = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
    pairs = (line.partition("=") for line in resolved.get_all("setenv"))
    return {**sent, **{name: value for name, _, value in pairs}}


def _address(sock: socket.socket) -> str:
    host, port = sock.getpeername()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
