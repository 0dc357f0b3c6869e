"""A connection that is up, and what it is used for that fails."""

import pwd
from pathlib import Path

from sshdash.connections.manager import Lease
from sshdash.events import EventBus
from sshdash.sftp.remote import RemoteFilesystem
from sshdash.states import SessionState
from sshdash.terminal.session import ShellSession
from tests.live.connecting import Client, until
from tests.live.failures.catalogue import failure
from tests.live.failures.scene import Scene, Told
from tests.servers.loopback import Faults

SESSIONS = "Shells and files"


async def _shell(client: Client, host: str) -> ShellSession:
    lease: Lease = await client.manager.lease(host, "shell")
    return await ShellSession.open(lease, EventBus(), columns=80, rows=24)


async def _ended(scene: Scene, session: ShellSession) -> Told:
    """Return what is told of a shell that ended: how, what it last showed, what to do."""
    await until(lambda: session.state is not SessionState.RUNNING)
    shown = [line.strip() for line in session.emulator.screen_text() if line.strip()]
    title, _, hint = session.exit_text.partition(": ")
    await session.close()
    return Told(scene.neutral(title), scene.neutral("; ".join(shown)), scene.neutral(hint))


@failure(SESSIONS, "The account's shell is nologin", root=True)
async def nologin(scene: Scene) -> Told:
    server = scene.sshd()
    account = pwd.getpwnam("nobody")
    assert "nologin" in account.pw_shell
    _let_in(server.folder, server.authorized_keys)
    config = server.config_file
    config.write_text(config.read_text().replace(f"User {server.user}", "User nobody"))
    client = await scene.client(config)
    return await _ended(scene, await _shell(client, "sshd"))


def _let_in(*places: Path) -> None:
    for place in places:
        place.chmod(0o755 if place.is_dir() else 0o644)


@failure(SESSIONS, "A forced command runs instead of a shell")
async def forced_command(scene: Scene) -> Told:
    server = scene.sshd(forcecommand="echo only backups are made here")
    client = await scene.client(server.config_file)
    return await _ended(scene, await _shell(client, "sshd"))


@failure(SESSIONS, "A forced command runs instead of SFTP")
async def forced_command_and_files(scene: Scene) -> Told:
    server = scene.sshd(forcecommand="echo only backups are made here")
    client = await scene.client(server.config_file)
    lease = await client.manager.lease("sshd", "files")
    return await scene.failure_of(RemoteFilesystem.open(lease))


@failure(SESSIONS, "The server has no SFTP")
async def no_sftp(scene: Scene) -> Told:
    server = scene.sshd(subsystem="")
    client = await scene.client(server.config_file)
    lease = await client.manager.lease("sshd", "files")
    return await scene.failure_of(RemoteFilesystem.open(lease))


@failure(SESSIONS, "The server's program for SFTP is not there")
async def no_sftp_program(scene: Scene) -> Told:
    server = scene.sshd(subsystem="/nonexistent/sftp-server")
    client = await scene.client(server.config_file)
    lease = await client.manager.lease("sshd", "files")
    return await scene.failure_of(RemoteFilesystem.open(lease))


@failure(SESSIONS, "A start-up file prints text before SFTP")
async def start_up_file_prints(scene: Scene) -> Told:
    server = scene.sshd(subsystem="/usr/lib/openssh/sftp-server")
    (server.home / ".bashrc").write_text("echo Welcome to the machine\n")
    client = await scene.client(server.config_file)
    lease = await client.manager.lease("sshd", "files")
    return await scene.failure_of(RemoteFilesystem.open(lease))


@failure(SESSIONS, "The server opens no session at all")
async def sessions_refused(scene: Scene) -> Told:
    server = await scene.loopback(Faults(refuse_sessions=True))
    client = await scene.client(server.config_file)
    return await scene.failure_of(_shell(client, "loopback"))


@failure(SESSIONS, "MaxSessions is reached: the next shell gets a connection of its own")
async def max_sessions(scene: Scene) -> Told:
    """Not a failure any more: both shells run, on two connections."""
    server = scene.sshd(maxsessions="1")
    client = await scene.client(server.config_file)
    first = await _shell(client, "sshd")
    second = await _shell(client, "sshd")
    try:
        assert (first.state, second.state) == (SessionState.RUNNING, SessionState.RUNNING)
        count = len(server.connections())
    finally:
        await first.close()
        await second.close()
    return Told("Both shells run", f"on {count} connections", "nothing to do")


@failure(SESSIONS, "MaxSessions is 0: nothing but forwarding")
async def max_sessions_none(scene: Scene) -> Told:
    server = scene.sshd(maxsessions="0")
    client = await scene.client(server.config_file)
    return await scene.failure_of(_shell(client, "sshd"))
