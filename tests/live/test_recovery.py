"""A server that is killed and comes back: shells, tunnels and copies come back with it."""

import asyncio
import os
import re
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from sshdash.backend import Backend
from sshdash.settings import Settings
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState
from sshdash.terminal.session import ShellSession
from sshdash.tunnels.snapshot import TunnelSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.file_kit import tree, unfinished
from tests.live.outage_kit import (
    SIZE,
    Watch,
    furnish,
    listening,
    run,
    shown,
    through,
)
from tests.live.tunnel_kit import echo, exchange, target
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with a large file and small ones."""
    return furnish(tmp_path / "source")


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
    backend.transfers.limit(SIZE)  # it shall not be over before the server is
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
        async with asyncio.timeout(keepalive * 4 + PATIENCE):
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
        backend.transfers.limit(SIZE)  # it shall not be over before the other host is
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
