"""A server that tells what it does, and a connection with chosen options to it."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sshdash.connections.connection import Connection
from tests.live.connecting import Client, connecting
from tests.servers.sshd import RealSshd


@asynccontextmanager
async def talking(**options: str | list[str]) -> AsyncIterator[RealSshd]:
    """Run a server that tells what it does."""
    server = RealSshd(loglevel="DEBUG1", **options)  # type: ignore[arg-type]
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.close)


@asynccontextmanager
async def using(
    server: RealSshd, host: str = "sshd", **options: str
) -> AsyncIterator[tuple[Client, Connection]]:
    """Hold a connection with these options of ssh_config."""
    async with (
        connecting(server.config_file, overrides=tuple(options.items())) as client,
        await client.manager.lease(host, "test") as lease,
    ):
        yield client, lease.connection


async def said(server: RealSshd, pattern: str) -> None:
    """Return once the server's log has a line like `pattern`."""
    await asyncio.to_thread(server.wait_for, pattern)


def client_socket(connection: Connection) -> socket.socket:
    """Return the connection's socket, for its options."""
    found: socket.socket = connection.ssh.get_extra_info("socket")
    return found


def generate(path: Path, *options: str) -> None:
    """Make a key pair with ssh-keygen."""
    command = ["ssh-keygen", "-q", "-N", "", "-f", str(path), *options]
    subprocess.run(command, check=True)
