"""The first connection of a command is begun while the SSH library is still imported."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sshdash import __version__
from sshdash.backend import Backend
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.network import ahead
from sshdash.connections.timeline import Timeline
from sshdash.errors import ConfigError, SSHDashError, UnreachableError
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


@asynccontextmanager
async def backend_of(config: Path) -> AsyncIterator[Backend]:
    """Run a backend that has imported nothing yet."""
    source = ConfigSource.standard(str(config), ())
    async with Backend(Settings(), RefusingPrompter(), source) as backend:
        yield backend


class Listener:
    """Counts the clients of a port, and lets them wait."""

    def __init__(self) -> None:
        self.clients: list[asyncio.StreamWriter] = []
        self.readers: list[asyncio.StreamReader] = []
        self.came = asyncio.Event()
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Listener"]:
        """Listen on a free port of loopback."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for client in self.clients:
                client.close()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.append(writer)
        self.readers.append(reader)
        self.came.set()


def configured(folder: Path, text: str) -> Path:
    """Return an ssh_config with these lines for the host `there`."""
    path = folder / "config"
    path.write_text(f"{text}\n")
    return path


async def test_a_host_is_reached_before_the_library_is_there(tmp_path: Path) -> None:
    async with Listener().listening() as listener:
        config = configured(tmp_path, f"Host there\nHostName 127.0.0.1\nPort {listener.port}")
        async with backend_of(config) as backend:
            backend.reach("there")
            await asyncio.wait_for(listener.came.wait(), PATIENCE)
        assert len(listener.clients) == 1, "and let go of, as nobody asked for it"


async def test_a_host_is_greeted_before_the_library_is_there(tmp_path: Path) -> None:
    async with Listener().listening() as listener:
        lines = f"Host there\nHostName 127.0.0.1\nPort {listener.port}\nVersionAddendum on %h"
        async with backend_of(configured(tmp_path, lines)) as backend:
            backend.reach("there")
            await asyncio.wait_for(listener.came.wait(), PATIENCE)
            said = await asyncio.wait_for(listener.readers[0].readline(), PATIENCE)
            assert said == f"SSH-2.0-sshdash_{__version__} on 127.0.0.1\r\n".encode()
        assert await asyncio.wait_for(listener.readers[0].read(), PATIENCE) == b""


@pytest.mark.parametrize("ahead", [True, False])
async def test_a_host_is_greeted_once(tmp_path: Path, ahead: bool) -> None:
    async with Listener().listening() as listener:
        config = configured(tmp_path, f"Host there\nHostName 127.0.0.1\nPort {listener.port}")
        async with backend_of(config) as backend:
            if ahead:
                backend.reach("there")
            await backend.load_connections()
            connecting = asyncio.create_task(backend.connections.lease("there", "test"))
            await asyncio.wait_for(listener.came.wait(), PATIENCE)
            said = await asyncio.wait_for(listener.readers[0].readline(), PATIENCE)
            assert said == f"SSH-2.0-sshdash_{__version__}\r\n".encode()
            listener.clients[0].close()
            with pytest.raises(SSHDashError):
                await connecting
        assert await asyncio.wait_for(listener.readers[0].read(), PATIENCE) == b""


async def test_a_version_that_cannot_be_sent_is_told_once_it_is_asked_for(tmp_path: Path) -> None:
    async with Listener().listening() as listener:
        lines = f"Host there\nHostName 127.0.0.1\nPort {listener.port}\nVersionAddendum ü"
        async with backend_of(configured(tmp_path, lines)) as backend:
            backend.reach("there")
            await backend.load_connections()
            with pytest.raises(ConfigError, match="configuration is wrong") as error:
                await backend.connections.lease("there", "test")
        assert "VersionAddendum" in error.value.detail
        assert await asyncio.wait_for(listener.readers[0].read(), PATIENCE) == b""


async def test_the_connection_that_was_begun_is_the_one_that_is_used(sshd: RealSshd) -> None:
    async with backend_of(sshd.config_file) as backend:
        backend.reach("sshd")
        await backend.load_connections()
        async with await backend.connections.lease("sshd", "test") as lease:
            done = await lease.connection.ssh.run("echo hello", check=True)
        assert done.stdout == "hello\n"
        timeline = backend.connections.status("sshd").timeline
        assert timeline is not None
        phases = [entry.phase.value for entry in timeline.entries]
        assert phases[:2] == ["name", "connection"]
        assert all(entry.at >= 0 for entry in timeline.entries)
    assert sshd.log.count("Connection from") == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"Exceeded MaxStartups\r\n", "takes no more logins"),
        (b"", "Closed before an SSH greeting"),
    ],
)
async def test_who_is_turned_away_before_the_library_is_there_is_told_why(
    tmp_path: Path, said: bytes, told: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = configured(
            tmp_path, f"Host there\nHostName 127.0.0.1\nPort {server.getsockname()[1]}"
        )
        async with backend_of(config) as backend:
            backend.reach("there")
            await asyncio.to_thread(turn_away, server, said)
            await backend.load_connections()
            with pytest.raises(UnreachableError, match=told):
                await backend.connections.lease("there", "test")


def turn_away(server: socket.socket, said: bytes) -> None:
    """Close on a client that has greeted, without having read that: its socket is reset."""
    server.settimeout(PATIENCE)
    client, _ = server.accept()
    with client:
        client.settimeout(PATIENCE)
        client.recv(1, socket.MSG_PEEK)
        client.sendall(said)


async def test_what_went_wrong_is_told_once_it_is_asked_for(tmp_path: Path) -> None:
    config = configured(tmp_path, f"Host there\nHostName 127.0.0.1\nPort {free_port()}")
    async with backend_of(config) as backend:
        backend.reach("there")
        await backend.load_connections()
        with pytest.raises(UnreachableError, match="Connection refused"):
            await backend.connections.lease("there", "test")


@pytest.mark.parametrize(
    "words",
    [
        "ProxyJump other",
        "ProxyCommand exec false",
        "RefuseConnection not now",
        "Match originalhost there exec false\nUser other",
        "HostName localhost\nCanonicalizeHostname always\nCanonicalDomains example.invalid",
    ],
)
async def test_nothing_is_begun_that_may_lead_elsewhere(tmp_path: Path, words: str) -> None:
    async with Listener().listening() as listener:
        lines = f"Host there\nPort {listener.port}\n{words}\nHost *\nHostName 127.0.0.1"
        async with backend_of(configured(tmp_path, lines)) as backend:
            backend.reach("there")
            # Whoever was begun with would be let in before this one.
            _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            await asyncio.wait_for(listener.came.wait(), PATIENCE)
            writer.close()
        assert len(listener.clients) == 1


async def test_another_host_than_expected_is_connected_to_as_ever(
    sshd: RealSshd, tmp_path: Path
) -> None:
    async with Listener().listening() as listener:
        config = configured(
            tmp_path,
            f"Host there\nHostName 127.0.0.1\nPort {listener.port}\n"
            f"Host *\nInclude {sshd.config_file}",
        )
        async with backend_of(config) as backend:
            backend.reach("there")
            await asyncio.wait_for(listener.came.wait(), PATIENCE)
            await backend.load_connections()
            async with await backend.connections.lease("sshd", "test") as lease:
                done = await lease.connection.ssh.run("echo hello", check=True)
            assert done.stdout == "hello\n"


async def test_a_name_that_is_none_is_nothing_to_begin_with(tmp_path: Path) -> None:
    async with backend_of(configured(tmp_path, "Host there")) as backend:
        backend.reach("-oProxyCommand=x")
        await backend.load_connections()
        with pytest.raises(SSHDashError):
            await backend.connections.lease("-oProxyCommand=x", "test")


@pytest.mark.parametrize("times", [1, 2])
async def test_what_connects_as_it_is_cancelled_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    ours, theirs = socket.socketpair()
    wanted = asyncio.Event()

    def cancel(times: int) -> None:
        taking.cancel()
        if times > 1:
            asyncio.get_running_loop().call_soon(cancel, times - 1)

    async def connects(*_: object) -> socket.socket:
        await wanted.wait()
        asyncio.get_running_loop().call_soon(cancel, times)
        return ours

    monkeypatch.setattr(ahead, "open_socket", connects)
    config = configured(tmp_path, "Host there\nHostName 127.0.0.1")
    resolved = Resolver(ConfigSource.standard(str(config), ())).resolve("there")
    begun = ahead.Ahead()
    begun.begin(resolved, 5)
    taking = asyncio.ensure_future(begun.take(resolved, Timeline("there")))
    await asyncio.sleep(0)
    wanted.set()
    with theirs, pytest.raises(asyncio.CancelledError):
        await taking
    assert ours.fileno() == -1
