"""One host of the fleet as an asyncssh server: who may log in, what it serves and forwards."""

import asyncio
import os
import posixpath
import secrets
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import asyncssh
from asyncssh.channel import SSHChannel

from sshdash.demo.factors import PartialSuccess
from sshdash.demo.places import Place
from sshdash.demo.sessions import Account, Process, serve_session

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""What a host calls itself."""
OLD_ALGORITHMS = {
    "kex_algs": ["ecdh-sha2-nistp256"],
    "encryption_algs": ["aes128-ctr"],
    "mac_algs": ["hmac-sha2-256"],
}
"""What an OpenSSH of ten years ago and one of today both speak."""


def _code() -> str:
    return f"{secrets.randbelow(1_000_000):06}"


@dataclass
class DemoHost:
    """A host that runs: its place, its files, its secrets and where its connections go."""

    place: Place
    root: Path
    home: Path
    host_key: asyncssh.SSHKey
    client_key: asyncssh.SSHKey
    port: int = 0
    """On loopback; 0 for a host that only its jump host reaches."""
    socket_file: Path | None = None
    """What the jump host connects to."""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)
    code: str = field(default_factory=_code, repr=False)
    services: dict[tuple[str, int], int] = field(default_factory=dict)
    """Names and ports that its forwards reach, and the loopback ports they stand for."""
    neighbours: dict[str, Path] = field(default_factory=dict)
    """Hosts of its network, and their sockets (each answers on port 22)."""
    connections: set[asyncssh.SSHServerConnection] = field(default_factory=set)
    """Those that are up."""
    sessions: set["asyncio.Task[None]"] = field(default_factory=set)
    """The shells and commands that run."""

    @property
    def banner(self) -> str:
        """Return what is said before the login: on a demo, the secrets too."""
        if not self.place.two_factor:
            return ""
        return (
            f"{self.place.name}: authorized users only\n\n"
            f"This is a demo, so here is what you need:\n"
            f"  password {self.password}\n  code     {self.code}\n"
        )

    @property
    def account(self) -> Account:
        """Return whose shell it runs."""
        environment = {
            "USER": self.place.user,
            "LOGNAME": self.place.user,
            "HOSTNAME": self.place.name,
            "PATH": f"{self.home}/bin:{os.environ.get('PATH', os.defpath)}",
        }
        return Account(self.home, environment)


class DemoServer(asyncssh.SSHServer):
    """One connection to a host of the fleet."""

    def __init__(self, host: DemoHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep the connection."""
        self._connection = conn
        self._factor = PartialSuccess(conn)
        self._host.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._host.connections.discard(self._connection)

    # -- who may log in -----------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        """Show the banner and ask for authentication, whoever it is."""
        if self._host.banner:
            self._connection.send_auth_banner(self._host.banner)
        return True

    def public_key_auth_supported(self) -> bool:
        """Return whether keys open it: not where two factors do."""
        return not self._host.place.two_factor

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Return whether it is the fleet's key and the host's user."""
        return username == self._host.place.user and key == self._host.client_key

    def password_auth_supported(self) -> bool:
        """Return whether a password is the next step."""
        return self._host.place.two_factor and not self._factor.passed

    def validate_password(self, username: str, password: str) -> bool:
        """Check the first factor. It is never enough."""
        right = secrets.compare_digest(password.encode(), self._host.password.encode())
        if right and username == self._host.place.user:
            self._factor.first_factor_passed()
        return False

    def kbdint_auth_supported(self) -> bool:
        """Return whether the code is the next step."""
        return self._factor.passed

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        """Ask for the code."""
        return "Second factor", "The code is on the banner.", "", [("Verification code: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """Check the second factor."""
        return len(responses) == 1 and secrets.compare_digest(
            responses[0].strip().encode(), self._host.code.encode()
        )

    # -- what it forwards ---------------------------------------------------------------------

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Coroutine[Any, Any, "asyncssh.SSHTCPSession[bytes]"]:
        """Connect to a host or service of the demo's network, or to a port of loopback."""
        return self._connect(dest_host.lower(), dest_port)

    async def _connect(self, name: str, port: int) -> "asyncssh.SSHTCPSession[bytes]":
        neighbour = self._host.neighbours.get(name) if port == 22 else None
        if neighbour:
            forwarder = await self._connection.forward_unix_connection(str(neighbour))
        elif service := self._host.services.get((name, port)):
            forwarder = await self._connect_here(service)
        elif name in LOOPBACK:
            forwarder = await self._connect_here(port)
        else:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_CONNECT_FAILED, "Name or service not known in the demo's network"
            )
        return cast("asyncssh.SSHTCPSession[bytes]", forwarder)

    async def _connect_here(self, port: int) -> "asyncssh.SSHForwarder":
        try:
            return await self._connection.forward_connection("127.0.0.1", port)
        except asyncssh.ChannelOpenError as error:
            # Said as OpenSSH's server says it, and not with Python's words for it.
            raise asyncssh.ChannelOpenError(error.code, "Connection refused") from error

    def server_requested(
        self, listen_host: str, listen_port: int
    ) -> Awaitable[asyncssh.SSHListener]:
        """Listen for a remote forward: on loopback, whatever address was asked for."""
        return self._connection.forward_local_port(
            "127.0.0.1", listen_port, listen_host, listen_port
        )


class DemoFiles(asyncssh.SFTPServer):
    """The host's own tree as its root, and relative paths from the home folder."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", host: DemoHost) -> None:
        super().__init__(channel, chroot=bytes(host.root))
        self._home = b"/" + bytes(host.home.relative_to(host.root))

    def map_path(self, path: bytes) -> bytes:
        """Return where `path` of the host is on this machine."""
        return super().map_path(posixpath.join(self._home, path))

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open a file. One that would block, such as a FIFO, is refused: all hosts share a loop.

        Raises SFTPFailure for those.
        """
        try:
            mode = (Path(self.map_path(path).decode("utf-8", "surrogateescape"))).stat().st_mode
        except OSError:
            mode = stat.S_IFREG
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise asyncssh.SFTPFailure("not a regular file")
        return super().open(path, pflags, attrs)

    def readlink(self, path: bytes) -> bytes:
        """Return where a link points, as it was made: the links of the hosts are relative."""
        return os.readlink(self.map_path(path))

    def exit(self) -> None:
        """Tell that the server ended well: scp takes a missing exit status for a failure."""
        self.channel.exit(0)


@asynccontextmanager
async def serving(host: DemoHost, path: Path | None = None) -> AsyncIterator[int]:
    """Serve `host` on a socket file, else on a free loopback port; yield the port (or 0).

    At the end its connections break and every process of its sessions is gone.
    """
    sock = None
    if path is not None:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
    old: dict[str, Any] = OLD_ALGORITHMS if host.place.old else {}
    acceptor = await asyncssh.listen(
        "127.0.0.1" if sock is None else "",
        0,
        sock=sock,
        server_factory=lambda: DemoServer(host),
        server_host_keys=[host.host_key],
        process_factory=partial(_serve, host),
        sftp_factory=partial(_open_files, host),
        allow_scp=True,
        encoding=None,
        line_editor=False,
        login_timeout=300,
        server_version="demo_old" if host.place.old else "demo",
        **old,
    )
    try:
        yield acceptor.get_port() if sock is None else 0
    finally:
        acceptor.close()
        left = tuple(host.connections)
        for connection in left:
            connection.abort()
        await asyncio.gather(*(connection.wait_closed() for connection in left))
        await asyncio.gather(*host.sessions, return_exceptions=True)


async def _serve(host: DemoHost, process: Process) -> None:
    task = asyncio.current_task()
    assert task
    host.sessions.add(task)
    try:
        await serve_session(process, host.account)
    finally:
        host.sessions.discard(task)


def _open_files(host: DemoHost, channel: "SSHChannel[bytes]") -> asyncssh.SFTPServer:
    return DemoFiles(cast("asyncssh.SSHServerChannel[bytes]", channel), host)
