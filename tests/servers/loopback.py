"""asyncssh servers on loopback with faults to choose from."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import asyncssh
from asyncssh.channel import SSHChannel

from sshdash.demo.factors import PartialSuccess
from sshdash.demo.sessions import Account, serve_session
from tests.servers.ports import free_port

USER = "tester"


class Phase(Enum):
    """Where a connection may break."""

    CONNECTED = "connected"
    """TCP is up, nothing was said."""
    AUTHENTICATING = "authenticating"
    """Keys are exchanged, the client begins to authenticate."""
    AUTHENTICATED = "authenticated"
    SESSION = "session"
    """The client opens its first session."""


@dataclass(kw_only=True)
class Faults:
    """How a server behaves. May be changed while it runs; the next connection or channel sees it.

    Without any, it takes the key of `LoopbackServer.identity` and nothing else.
    """

    public_key: bool = True
    password: str | None = None
    expired: bool = False
    """The password is right, but must be changed before anything else."""
    prompts: Sequence[tuple[str, bool]] = ()
    """Keyboard-interactive: each prompt and whether the answer may be seen."""
    answers: Sequence[str] = ()
    title: str = ""
    instructions: str = ""
    both: bool = False
    """The password first and keyboard-interactive after it, as two factors."""
    max_tries: int = 6
    """Keys and answers that may be wrong until it disconnects."""
    no_auth: bool = False
    """Anybody may log in."""
    banner: str = ""
    disconnect_at: Phase | None = None
    disconnect_reason: str = ""
    """Said in a disconnect message; "" breaks the connection without a word."""
    open_delay: float = 0.0
    """Seconds until a session or a forwarded connection opens."""
    max_sessions: int | None = None
    refuse_sessions: bool = False
    sftp: bool = True
    sftp_server: type[asyncssh.SFTPServer] = asyncssh.SFTPServer
    names: Mapping[str, str] = field(default_factory=dict)
    """Addresses of names that nobody but this server knows."""
    forwarding: bool = True
    listening: bool = True
    """Remote forwards are allowed."""
    gateway: bool = True
    """Remote forwards may listen on other addresses than loopback."""


class LoopbackServer:
    """An asyncssh server on a free port; `config_file` calls it ``loopback``."""

    def __init__(self, faults: Faults | None = None, **options: Any) -> None:
        self.faults = faults or Faults()
        self.options = options
        """For `asyncssh.listen`: algorithms, window, version ..."""
        self.user = USER
        self.port = 0
        self.folder = Path(tempfile.mkdtemp(prefix="loopback-"))
        self.home = self.folder / "home"
        """HOME of its sessions, and where the paths of its SFTP are."""
        self.identity = self.folder / "id_ed25519"
        self.known_hosts = self.folder / "known_hosts"
        self.config_file = self.folder / "config"
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.connections: list[asyncssh.SSHServerConnection] = []
        """Those that are up."""
        self.accepted = 0
        """TCP connections so far."""
        self.attempts: list[tuple[str, str]] = []
        """What was tried to log in: ("publickey" | "password" | "keyboard-interactive", what)."""
        self.forwards: list[tuple[str, int]] = []
        """Targets that were asked for."""
        self._server: asyncssh.SSHAcceptor | None = None
        self.home.mkdir()
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(self.identity))
        self.identity.chmod(0o600)
        self.public_key = key.convert_to_public()

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop and remove the folder."""
        await self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def start(self) -> None:
        """Listen, on the port of before if there was one."""
        self._server = await asyncssh.listen(
            "127.0.0.1",
            self.port or free_port(),
            server_factory=lambda: _Server(self),
            server_host_keys=[self.host_key],
            encoding=None,
            line_editor=False,
            reuse_address=True,
            **self.options,
        )
        self.port = self._server.get_port()
        self._write_client_files()

    async def stop(self) -> None:
        """Stop listening and break what is up."""
        server, self._server = self._server, None
        if server:
            server.close()
            left = list(self.connections)
            self.drop_connections()
            for connection in left:
                await connection.wait_closed()
            await server.wait_closed()

    async def change_host_key(self) -> None:
        """Restart with another host key; known_hosts keeps the old one."""
        await self.stop()
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        before = self.known_hosts.read_bytes()
        await self.start()
        self.known_hosts.write_bytes(before)

    def drop_connections(self) -> int:
        """Break every connection without a word and return how many there were."""
        for connection in (left := list(self.connections)):
            connection.abort()
        return len(left)

    @property
    def fingerprint(self) -> str:
        """Return the host key's SHA256 fingerprint."""
        return str(self.host_key.get_fingerprint())

    def _write_client_files(self) -> None:
        line = self.host_key.export_public_key().decode()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {line}")
        self.known_hosts.chmod(0o600)
        self.config_file.write_text(
            "Host loopback\n"
            "    HostName 127.0.0.1\n"
            f"    Port {self.port}\n"
            f"    User {self.user}\n"
            f"    IdentityFile {self.identity}\n"
            "    IdentitiesOnly yes\n"
            "    IdentityAgent none\n"
            f"    UserKnownHostsFile {self.known_hosts}\n"
            "    GlobalKnownHostsFile /dev/null\n"
        )
        self.config_file.chmod(0o600)


class _Server(asyncssh.SSHServer):
    """Follows the faults of its `LoopbackServer`."""

    def __init__(self, owner: LoopbackServer) -> None:
        self._owner = owner
        self._channels: list[asyncssh.SSHServerChannel[bytes]] = []
        self._failures = 0

    @property
    def _faults(self) -> Faults:
        return self._owner.faults

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._owner.accepted += 1
        self._owner.connections.append(conn)
        self._first = PartialSuccess(conn)
        self._break_at(Phase.CONNECTED)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connections.remove(self._connection)

    def _break_at(self, phase: Phase) -> None:
        if self._faults.disconnect_at is not phase:
            return
        if self._faults.disconnect_reason and phase is not Phase.CONNECTED:
            self._connection.disconnect(
                asyncssh.DISC_BY_APPLICATION, self._faults.disconnect_reason
            )
        else:
            self._connection.abort()

    # -- authentication -----------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        self._break_at(Phase.AUTHENTICATING)
        if self._faults.banner:
            self._connection.send_auth_banner(self._faults.banner)
        return not self._faults.no_auth

    def auth_completed(self) -> None:
        self._break_at(Phase.AUTHENTICATED)

    def public_key_auth_supported(self) -> bool:
        return self._faults.public_key

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._owner.attempts.append(("publickey", key.get_fingerprint()))
        return self._judge(key == self._owner.public_key and username == self._owner.user)

    def password_auth_supported(self) -> bool:
        return self._faults.password is not None and not self._first.passed

    def validate_password(self, username: str, password: str) -> bool:
        self._owner.attempts.append(("password", password))
        right = password == self._faults.password and username == self._owner.user
        if right and self._faults.expired:
            raise asyncssh.PasswordChangeRequired(self._faults.instructions)
        if right and self._faults.both:
            self._first.first_factor_passed()
            return False
        return self._judge(right)

    def change_password(self, username: str, old_password: str, new_password: str) -> bool:
        self._owner.attempts.append(("change", f"{old_password} → {new_password}"))
        if not self._judge(old_password == self._faults.password):
            return False
        self._faults.password, self._faults.expired = new_password, False
        return True

    def kbdint_auth_supported(self) -> bool:
        return bool(self._faults.prompts) and (self._first.passed or not self._faults.both)

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        faults = self._faults
        return faults.title, faults.instructions, "", list(faults.prompts)

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        self._owner.attempts.append(("keyboard-interactive", "\n".join(responses)))
        return self._judge(list(responses) == list(self._faults.answers))

    def _judge(self, right: bool) -> bool:
        """Return `right`; the client that was wrong too often is sent away."""
        self._failures += not right
        if self._failures >= self._faults.max_tries:
            self._connection.disconnect(
                asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "Too many authentication failures"
            )
        return right

    # -- channels -----------------------------------------------------------------------------

    def session_requested(
        self,
    ) -> tuple["asyncssh.SSHServerChannel[bytes]", Awaitable["asyncssh.SSHServerSession[bytes]"]]:
        self._break_at(Phase.SESSION)
        limit = self._faults.max_sessions
        self._channels = [channel for channel in self._channels if not channel.is_closing()]
        full = limit is not None and len(self._channels) >= limit
        if full or self._faults.refuse_sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        channel = self._connection.create_server_channel(encoding=None)
        self._channels.append(channel)
        return channel, self._open_session()

    async def _open_session(self) -> "asyncssh.SSHServerSession[bytes]":
        if self._faults.open_delay:
            await asyncio.sleep(self._faults.open_delay)
        sftp = self._sftp if self._faults.sftp else None
        return asyncssh.SSHServerProcess(self._serve, sftp, 3, self._faults.sftp)

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        await serve_session(process, Account(self._owner.home))

    def _sftp(self, channel: "SSHChannel[bytes]") -> asyncssh.SFTPServer:
        return self._faults.sftp_server(
            cast("asyncssh.SSHServerChannel[bytes]", channel), chroot=bytes(self._owner.home)
        )

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Coroutine[Any, Any, "asyncssh.SSHTCPSession[bytes]"]:
        self._owner.forwards.append((dest_host, dest_port))
        if not self._faults.forwarding:
            raise asyncssh.ChannelOpenError(
                asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "forwarding is disabled"
            )
        return self._open_forward(dest_host, dest_port)

    async def _open_forward(self, host: str, port: int) -> "asyncssh.SSHTCPSession[bytes]":
        if self._faults.open_delay:
            await asyncio.sleep(self._faults.open_delay)
        address = self._faults.names.get(host, host)
        return cast(
            "asyncssh.SSHTCPSession[bytes]",
            await self._connection.forward_connection(address, port),
        )

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        local = listen_host in ("localhost", "127.0.0.1", "::1")
        return self._faults.listening and (local or self._faults.gateway)
