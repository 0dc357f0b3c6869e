"""Outages and what a person does meanwhile: leave, disconnect, start more, choose a command."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from sshdash.settings import Settings
from sshdash.sftp.job import CopyRequest
from sshdash.states import ConnectionState, TransferState, TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.file_kit import tree, unfinished
from tests.live.outage_kit import (
    SIZE,
    Watch,
    furnish,
    listening,
    prompt,
    run,
    shown,
    through,
)
from tests.live.tunnel_kit import echo, exchange, target
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a folder with a large file and small ones."""
    return furnish(tmp_path / "source")


async def test_leaving_while_it_waits_keeps_only_the_copy_to_go_on_with(
    sshd: RealSshd, small: Path, tmp_path: Path, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file)
    watch = Watch(backend)
    await backend.open_shell("sshd", 90, 24)
    port = await listening(backend, "sshd", "0:127.0.0.1:1")
    into = tmp_path / "into"
    into.mkdir()
    backend.transfers.limit(SIZE)  # it shall not be over before the server is
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
    assert unfinished(into)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await backend.load()
    (kept,) = await backend.transfers.restore()
    assert backend.transfers.snapshot(kept).state is TransferState.PAUSED
    backend.transfers.cancel(kept)
    backend.transfers.remove_finished()
    await watch.until(lambda: not unfinished(into))


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


async def test_disconnecting_ends_the_copies_that_run_and_those_that_are_queued(
    sshd: RealSshd, small: Path, tmp_path: Path, backend_for: BackendFor
) -> None:
    backend = await backend_for(sshd.config_file, settings=Settings(transfers_at_once=1))
    watch = Watch(backend)
    into = tmp_path / "into"
    into.mkdir()
    request = CopyRequest("sshd", (bytes(small),), "", bytes(into))
    backend.transfers.limit(SIZE)  # none of them shall be over before that
    jobs = [backend.transfers.submit(request) for _ in range(3)]
    await watch.until(lambda: backend.transfers.snapshot(jobs[0]).bytes_done > SIZE // 4)
    await backend.disconnect("sshd")
    states = {backend.transfers.snapshot(job).state for job in jobs}
    assert states == {TransferState.CANCELLED}
    assert unfinished(into), "a retry goes on with it"
    backend.transfers.remove_finished()
    await watch.until(lambda: not unfinished(into))
    await watch.until(lambda: sshd.connections() == [])
    await asyncio.sleep(0.5)
    assert backend.connections.status("sshd").state is ConnectionState.IDLE
    assert sshd.connections() == []


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
