"""A server that is killed and comes back: shells, tunnels and copies come back with it."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from sshdash.backend import Backend
from sshdash.events import Event, HostRestored
from sshdash.settings import Settings
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState
from sshdash.terminal.session import ShellSession
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.file_kit import tree, unfinished
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd, free_port

PATIENCE = 30.0
SIZE = 48 * 1024 * 1024


class Watch:
    """What a backend tells, waited for."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.told: list[Event] = []
        self._news = asyncio.Event()
        backend.events.subscribe(self._note)

    def _note(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition; it is looked at when something is told, and now and then."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                try:
                    async with asyncio.timeout(0.05):
                        await self._news.wait()
                except TimeoutError:
                    continue

    async def state(self, state: ConnectionState, host: str = "sshd") -> None:
        """Wait until the connection of a host is in a state."""
        await self.until(lambda: self.backend.connections.status(host).state is state)

    @property
    def restored(self) -> list[HostRestored]:
        """What was told to be back."""
        return [event for event in self.told if isinstance(event, HostRestored)]


def shown(session: ShellSession) -> str:
    """Return what a shell's terminal shows."""
    return "\n".join(session.emulator.screen_text())


async def prompt(watch: Watch, session: ShellSession) -> None:
    """Wait for the prompt on the last line."""
    await watch.until(lambda: re.search(r"sshd\$\s*\Z", shown(session)))


async def run(watch: Watch, session: ShellSession, command: str, pattern: str) -> None:
    """Type a command and wait for what it prints."""
    await prompt(watch, session)
    session.write(command.encode() + b"\r")
    await watch.until(lambda: re.search(pattern, shown(session), re.MULTILINE))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with a large file and small ones."""
    folder = tmp_path / "source"
    folder.mkdir()
    block = bytes(range(256)) * 4096
    (folder / "large.bin").write_bytes(b"".join(b"%08d" % i + block for i in range(SIZE >> 20)))
    for number in range(20):
        (folder / f"small-{number}").write_bytes(b"%d" % number * 1000)
    return folder


@dataclass
class Life:
    """What lives on a host's connection."""

    backend: Backend
    watch: Watch
    shells: list[ShellSession]
    tunnels: list[str]
    ports: list[int]
    job: str

    @property
    def forwards(self) -> list[TunnelSnapshot]:
        """The tunnels as they are now."""
        return [self.backend.tunnels.snapshot(one) for one in self.tunnels]

    @property
    def copy(self) -> TransferSnapshot:
        """The copy as it is now."""
        return self.backend.transfers.snapshot(self.job)


async def live_on(sshd: RealSshd, backend: Backend, service: int, folder: Path) -> Life:
    """Open two shells, three tunnels that lead to `service`, and begin to copy `folder`."""
    watch = Watch(backend)
    shells = [await backend.open_shell("sshd", 90, 24) for _ in range(2)]
    for session in shells:
        await run(watch, session, "echo be''fore", "^before")
    specs = [
        parse_forward(Kind.LOCAL, f"0:127.0.0.1:{service}"),
        parse_forward(Kind.DYNAMIC, "0"),
        parse_forward(Kind.REMOTE, f"{free_port()}:127.0.0.1:{service}"),
    ]
    tunnels = [backend.tunnels.add("sshd", spec) for spec in specs]
    opened = [await backend.tunnels.start(one) for one in tunnels]
    ports = [int(one.listen.rpartition(":")[2]) for one in opened]
    job = backend.transfers.submit(CopyRequest("", (bytes(folder),), "sshd", bytes(sshd.home)))
    return Life(backend, watch, shells, tunnels, ports, job)


async def test_shells_tunnels_and_a_copy_outlive_a_restart_of_the_server(
    sshd: RealSshd, small: Path, backend_for: BackendFor
) -> None:
    async with target(echo) as service:
        life = await live_on(sshd, await backend_for(sshd.config_file), service, small)
        watch = life.watch
        gone = await life.backend.open_shell("sshd", 90, 24, "exit 3")
        await watch.until(lambda: gone.state is SessionState.EXITED)
        assert await exchange(life.ports[0], b"before") == b"before"
        await watch.until(lambda: life.copy.bytes_done > SIZE // 4)

        await asyncio.to_thread(sshd.stop)
        await watch.until(lambda: life.copy.state is TransferState.WAITING)
        assert life.copy.bytes_done > 0
        assert {one.state for one in life.shells} == {SessionState.LOST}
        assert {one.state for one in life.forwards} == {TunnelState.RECONNECTING}
        assert life.backend.live().waiting == 5
        early = asyncio.create_task(exchange(life.ports[0], b"came while it was gone"))
        done = finished(sshd.home / "source")
        assert done

        await asyncio.to_thread(sshd.start)
        await watch.until(lambda: watch.restored)
        for session in life.shells:
            await run(watch, session, "echo af''ter", "^after")
            text = shown(session)
            assert text.index("before") < text.index("── connection lost:") < text.index("after")
            assert re.search(r"── connection lost: .* · at \d\d:\d\d:\d\d · back after \d+ s", text)
        assert gone.state is SessionState.EXITED, "a shell that had exited was opened again"
        assert await early == b"came while it was gone"
        assert {one.state for one in life.forwards} == {TunnelState.OPEN}
        assert [int(one.listen.rpartition(":")[2]) for one in life.forwards] == life.ports
        assert await exchange(life.ports[2], b"the other way") == b"the other way"
        assert life.forwards[0].clients_total == 2
        await whole(life, sshd.home / "source", small, done)
        assert (watch.restored[0].shells, watch.restored[0].tunnels) == (2, 3)
        assert len(watch.restored) == 1
        assert len(sshd.connections()) == 1


def finished(folder: Path) -> dict[str, int]:
    """Return the finished files of a folder, and what tells whether they were written anew."""
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {path.name: path.stat().st_ino for path in files}


async def whole(life: Life, copy: Path, source: Path, done: dict[str, int]) -> None:
    """Wait for the copy; it is whole, was gone on with, and nothing finished was sent again."""
    end = await life.backend.transfers.wait(life.job)
    assert end.state is TransferState.DONE, end
    assert tree(copy) == tree(source)
    assert not unfinished(copy)
    assert (end.resumed, end.restarted) == (1, ())
    assert finished(copy).items() >= done.items()


def through(sshd: RealSshd, proxy: Proxy, folder: Path) -> Path:
    """Write a client's configuration that reaches the server through the proxy."""
    text = sshd.config_file.read_text().replace(f"Port {sshd.port}", f"Port {proxy.port}")
    text = text.replace("Host sshd inner\n", "Host sshd inner\n    HostKeyAlias the-server\n")
    known = folder / "known_hosts"
    known.write_text(
        "".join(
            f"the-server {line.split(maxsplit=1)[1]}\n"
            for line in sshd.known_hosts.read_text().splitlines()
        )
    )
    text = re.sub(r"UserKnownHostsFile .*", f"UserKnownHostsFile {known}", text)
    file = folder / "config"
    file.write_text(text)
    file.chmod(0o600)
    return file


DROPS = [
    pytest.param(1, 3.0, id="short"),
    pytest.param(
        5,
        60.0,
        id="60 s",
        marks=pytest.mark.skipif(
            not os.environ.get("SSHDASH_SLOW_TESTS"), reason="SSHDASH_SLOW_TESTS is not set"
        ),
    ),
]


@pytest.mark.timeout(200)
@pytest.mark.parametrize(("keepalive", "seconds"), DROPS)
@pytest.mark.parametrize("direction", ["down", "up"])
async def test_everything_outlives_a_network_that_drops_what_it_carries(
    sshd: RealSshd,
    small: Path,
    tmp_path: Path,
    backend_for: BackendFor,
    keepalive: int,
    seconds: float,
    direction: str,
) -> None:
    async with Proxy(sshd.port) as proxy, target(echo) as service:
        config = through(sshd, proxy, tmp_path)
        settings = Settings(keepalive_interval=keepalive, keepalive_count=2)
        backend = await backend_for(config, settings=settings)
        watch = Watch(backend)
        session = await backend.open_shell("sshd", 90, 24)
        await run(watch, session, "echo be''fore", "^before")
        port = await listening(backend, "sshd", f"0:127.0.0.1:{service}")
        into = tmp_path / "into"
        into.mkdir()
        proxy.rate = SIZE // 4
        ends = ("sshd", "", into) if direction == "down" else ("", "sshd", sshd.home)
        job = backend.transfers.submit(
            CopyRequest(ends[0], (bytes(small),), ends[1], bytes(ends[2]))
        )
        await watch.until(lambda: backend.transfers.snapshot(job).bytes_done > SIZE // 4)

        # The cable is pulled: nothing passes, and nobody is told.
        proxy.stall()
        pulled = time.monotonic()
        async with asyncio.timeout(keepalive * 4 + 5):
            await watch.state(ConnectionState.WAITING)
        assert session.state is SessionState.LOST
        await watch.until(lambda: backend.transfers.snapshot(job).state is TransferState.WAITING)
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - pulled)))
        early = asyncio.create_task(exchange(port, b"came while it was gone"))
        proxy.cut()
        proxy.rate = 0
        proxy.flow()

        backend.connections.retry_now("sshd")
        await watch.until(lambda: watch.restored)
        await run(watch, session, "echo af''ter", "^after")
        assert await early == b"came while it was gone"
        end = await backend.transfers.wait(job)
        assert end.state is TransferState.DONE, end
        assert (end.resumed, end.restarted) == (1, ())
        assert tree(Path(os.fsdecode(ends[2])) / "source") == tree(small)
        assert watch.restored[0].shells == watch.restored[0].tunnels == 1


async def listening(backend: Backend, host: str, forward: str) -> int:
    """Open a local forward and return its port."""
    tunnel = backend.tunnels.add(host, parse_forward(Kind.LOCAL, forward))
    snapshot = await backend.tunnels.start(tunnel)
    assert snapshot.state is TunnelState.OPEN, snapshot.error
    return int(snapshot.listen.rpartition(":")[2])


async def test_a_copy_between_two_hosts_waits_for_the_one_that_is_gone(
    sshd: RealSshd, small: Path, backend_for: BackendFor
) -> None:
    async with RealSshd() as other:
        text = sshd.config_file.read_text()
        second = other.config_file.read_text().replace("Host inner\n", "Host unused\n")
        second = second.replace("Host sshd inner\n", "Host other\n")
        sshd.config_file.write_text(second + text)
        backend = await backend_for(sshd.config_file)
        watch = Watch(backend)
        job = backend.transfers.submit(
            CopyRequest("sshd", (bytes(small),), "other", bytes(other.home))
        )
        await watch.until(lambda: backend.transfers.snapshot(job).bytes_done > SIZE // 4)
        await asyncio.to_thread(other.stop)
        await watch.until(lambda: backend.transfers.snapshot(job).state is TransferState.WAITING)
        assert backend.connections.status("sshd").state is ConnectionState.CONNECTED
        await asyncio.to_thread(other.start)
        end = await backend.transfers.wait(job)
        assert end.state is TransferState.DONE, end
        assert tree(other.home / "source") == tree(small)
        assert end.resumed == 1


async def test_behind_a_jump_host_everything_comes_back(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    async with target(echo) as service:
        backend = await backend_for(sshd.config_file)
        watch = Watch(backend)
        session = await backend.open_shell("inner", 90, 24)
        port = await listening(backend, "inner", f"0:127.0.0.1:{service}")
        await asyncio.to_thread(sshd.stop)
        await watch.state(ConnectionState.WAITING, "inner")
        await asyncio.to_thread(sshd.start)
        await watch.until(lambda: watch.restored)
        await run(watch, session, "echo af''ter", "^after")
        assert await exchange(port, b"back") == b"back"
        assert (watch.restored[0].host, watch.restored[0].shells) == ("inner", 1)


async def test_leaving_while_it_waits_leaves_nothing_behind(
    sshd: RealSshd, small: Path, tmp_path: Path, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    watch = Watch(backend)
    await backend.open_shell("sshd", 90, 24)
    port = await listening(backend, "sshd", "0:127.0.0.1:1")
    into = tmp_path / "into"
    into.mkdir()
    job = backend.transfers.submit(CopyRequest("sshd", (bytes(small),), "", bytes(into)))
    await watch.until(lambda: backend.transfers.snapshot(job).bytes_done > SIZE // 4)
    await asyncio.to_thread(sshd.stop)
    await watch.until(lambda: backend.transfers.snapshot(job).state is TransferState.WAITING)
    assert unfinished(into)
    client = await asyncio.open_connection("127.0.0.1", port)
    await backend.close()
    with pytest.raises(ConnectionError):
        await client[0].read()
    client[1].close()
    assert not unfinished(into)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_disconnecting_while_it_waits_stays_disconnected(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    watch = Watch(backend)
    session = await backend.open_shell("sshd", 90, 24)
    await listening(backend, "sshd", "0:127.0.0.1:1")
    await asyncio.to_thread(sshd.stop)
    await watch.state(ConnectionState.WAITING)
    await backend.disconnect("sshd")
    await asyncio.to_thread(sshd.start)
    await asyncio.sleep(1.5)
    assert backend.connections.status("sshd").state is ConnectionState.IDLE
    assert sshd.connections() == []
    assert {one.state for one in backend.tunnels.snapshots()} == {TunnelState.CLOSED}
    assert not backend.live()
    await backend.reopen_shell(session.id)
    await run(watch, session, "echo ag''ain", "^again")


async def test_the_command_of_reattach_runs_in_the_place_of_a_lost_shell(
    sshd: RealSshd, backend_for: BackendFor
) -> None:
    settings = Settings(
        reattach={"db-*": "false", "ss*": "test -t 0 && echo attached; exec bash -i"}
    )
    backend = await backend_for(sshd.config_file, settings=settings)
    watch = Watch(backend)
    session = await backend.open_shell("sshd", 160, 24)
    await prompt(watch, session)
    assert "attached" not in shown(session)
    await asyncio.to_thread(sshd.restart)
    await watch.until(lambda: re.search("^attached", shown(session), re.MULTILINE))
    assert "· test -t 0 && echo attached; exec bash -i ─" in shown(session)


async def test_a_port_that_the_lost_connection_still_holds_is_asked_for_again(
    sshd: RealSshd, tmp_path: Path, backend_for: BackendFor
) -> None:
    async with Proxy(sshd.port) as proxy, target(echo) as service:
        backend = await backend_for(
            through(sshd, proxy, tmp_path),
            settings=Settings(keepalive_interval=1, keepalive_count=1),
        )
        watch = Watch(backend)
        port = free_port()
        spec = parse_forward(Kind.REMOTE, f"{port}:127.0.0.1:{service}")
        tunnel = backend.tunnels.add("sshd", spec)
        await backend.tunnels.start(tunnel)
        # The server does not notice that its client is gone, and goes on to listen for it.
        old = sshd.connections()
        proxy.stall()
        await watch.state(ConnectionState.WAITING)
        async with Proxy(sshd.port) as second:
            text = (tmp_path / "config").read_text()
            (tmp_path / "config").write_text(text.replace(str(proxy.port), str(second.port)))
            await watch.until(lambda: "refused to listen" in backend.tunnels.snapshot(tunnel).error)
            snapshot = backend.tunnels.snapshot(tunnel)
            assert snapshot.state is TunnelState.RECONNECTING
            assert snapshot.retry_in is not None
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            await watch.until(lambda: backend.tunnels.snapshot(tunnel).state is TunnelState.OPEN)
            assert await exchange(port, b"the same port") == b"the same port"
            await backend.close()


async def test_forty_tunnels_come_back_over_one_connection(
    sshd: RealSshd, tmp_path: Path, backend_for: BackendFor
) -> None:
    async with Proxy(sshd.port) as proxy, target(echo) as service:
        backend = await backend_for(through(sshd, proxy, tmp_path))
        watch = Watch(backend)
        ports = [
            await listening(backend, "sshd", f"{free_port()}:127.0.0.1:{service}")
            for _ in range(40)
        ]
        proxy.reset()
        await watch.until(lambda: watch.restored)
        assert watch.restored[0].tunnels == 40
        assert proxy.accepted == 2
        for port in ports:
            assert await exchange(port, b"back") == b"back"


async def test_a_host_that_flaps_loses_nothing(
    sshd: RealSshd, small: Path, tmp_path: Path, backend_for: BackendFor
) -> None:
    async with Proxy(sshd.port, rate=SIZE // 8) as proxy, target(echo) as service:
        backend = await backend_for(through(sshd, proxy, tmp_path))
        watch = Watch(backend)
        session = await backend.open_shell("sshd", 90, 40)
        port = await listening(backend, "sshd", f"0:127.0.0.1:{service}")
        job = backend.transfers.submit(CopyRequest("", (bytes(small),), "sshd", bytes(sshd.home)))

        def told(times: int) -> bool:
            return len(watch.restored) == times

        for count in range(1, 9):
            await watch.until(
                lambda: backend.transfers.snapshot(job).state is TransferState.COPYING
            )
            proxy.reset()
            await watch.state(ConnectionState.WAITING)
            backend.connections.retry_now("sshd")
            await watch.until(partial(told, count))
        proxy.rate = 0
        end = await backend.transfers.wait(job)
        assert (end.state, end.restarted) == (TransferState.DONE, ())
        assert tree(sshd.home / "source") == tree(small)
        assert not unfinished(sshd.home)
        await run(watch, session, "echo still ''here", "^still here")
        assert shown(session).count("── connection lost") == 8
        assert await exchange(port, b"still there") == b"still there"
        leases = dict(backend.connections.status("sshd").leases)
        assert leases == {"shell": 1, "tunnel": 1}


async def test_what_is_started_while_the_host_is_out_begins_when_it_is_back(
    sshd: RealSshd, small: Path, backend_for: BackendFor
) -> None:
    async with target(echo) as service:
        backend = await backend_for(sshd.config_file)
        watch = Watch(backend)
        await backend.open_shell("sshd", 90, 24)
        await asyncio.to_thread(sshd.stop)
        await watch.state(ConnectionState.WAITING)
        forward = parse_forward(Kind.LOCAL, f"0:127.0.0.1:{service}")
        tunnel = backend.tunnels.add("sshd", forward)
        snapshot = await backend.tunnels.start(tunnel)
        assert snapshot.state is TunnelState.RECONNECTING
        assert "refused" in snapshot.error.lower()
        job = backend.transfers.submit(CopyRequest("", (bytes(small),), "sshd", bytes(sshd.home)))
        await watch.until(lambda: backend.transfers.snapshot(job).state is TransferState.WAITING)
        await asyncio.to_thread(sshd.start)
        await watch.until(lambda: backend.tunnels.snapshot(tunnel).state is TunnelState.OPEN)
        port = int(backend.tunnels.snapshot(tunnel).listen.rpartition(":")[2])
        assert await exchange(port, b"begun") == b"begun"
        assert (await backend.transfers.wait(job)).state is TransferState.DONE
        assert tree(sshd.home / "source") == tree(small)
