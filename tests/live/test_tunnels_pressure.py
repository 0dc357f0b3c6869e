"""Tunnels whose channels open slowly, and flows that nobody takes: nothing leaks or piles up."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import psutil
import pytest

from sshdash.tunnels.forwards import reaching
from tests.live.slow_target import SlowTarget, connected, push
from tests.live.tunnel_kit import (
    echo,
    exchange,
    free_to_use,
    reset,
    target,
    tunnels_on,
    until,
)
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


@pytest.fixture
async def slow() -> AsyncIterator[SlowTarget]:
    """Give a target that does not answer yet."""
    target = SlowTarget()
    yield target
    target.close()


@pytest.mark.parametrize("way", ["fin", "reset"])
async def test_200_clients_leaving_while_their_channels_open_leave_none(
    sshd: RealSshd, slow: SlowTarget, way: str
) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{slow.port}")
        clients = [await asyncio.open_connection("127.0.0.1", listen) for _ in range(200)]
        await until(lambda: kit.channels == 200, "200 channels being opened")
        for _, writer in clients:
            if way == "reset":
                reset(writer)
            else:
                writer.close()
        slow.open_up()
        await until(lambda: kit.channels == 0, "no channels")
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
        assert not kit.ssh.is_closed()


async def test_removing_a_tunnel_with_channels_opening_leaves_none(
    sshd: RealSshd, slow: SlowTarget
) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{slow.port}")
        clients = [await asyncio.open_connection("127.0.0.1", listen) for _ in range(20)]
        await until(lambda: kit.channels == 20, "20 channels being opened")
        await kit.manager.remove(tunnel)
        assert free_to_use(listen)
        slow.open_up()
        await until(lambda: kit.channels == 0, "no channels")
        assert not kit.ssh.is_closed()
        for _, writer in clients:
            writer.close()


async def test_what_was_said_before_the_channel_opened_arrives_first(
    sshd: RealSshd, slow: SlowTarget
) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{slow.port}")
        talking = asyncio.ensure_future(exchange(listen, b"early" * 1000))
        nothing = asyncio.ensure_future(exchange(listen, b""))
        await until(lambda: kit.channels == 2, "2 channels being opened")
        assert kit.manager.snapshot(tunnel).bytes_up == 0, "nothing has reached the target yet"
        server = await asyncio.start_server(echo, sock=slow.sock)
        assert await talking == b"early" * 1000
        assert await nothing == b""
        server.close()
        assert kit.manager.snapshot(tunnel).bytes_up == 5000
        await until(lambda: kit.channels == 0, "no channels")


async def test_a_client_that_pushes_before_its_channel_is_open_is_held(
    sshd: RealSshd, slow: SlowTarget
) -> None:
    async with tunnels_on(sshd) as kit:
        _, listen = await kit.open("L", f"0:127.0.0.1:{slow.port}")
        # What the kernel buffers on a loopback connection comes on top of our 256 KiB.
        with await connected(listen) as client:
            assert await push(client, 200 << 20) <= 8 << 20
        slow.open_up()
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.alone
async def test_uploads_to_a_server_that_stopped_reading_do_not_pile_up(sshd: RealSshd) -> None:
    arrived = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal arrived
        while data := await reader.read(1 << 16):
            arrived += len(data)

    async with target(swallow) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        clients = [await connected(listen) for _ in range(50)]
        for client in clients:
            client.send(b"x")
        await until(lambda: arrived == 50, "50 open channels")
        before = psutil.Process().memory_info().rss
        sshd.suspend()
        try:
            took = sum(await asyncio.gather(*(push(client, 200 << 20) for client in clients)))
            grown = psutil.Process().memory_info().rss - before
        finally:
            sshd.resume()
        # 50 windows of 2 MiB would be 100 MiB.
        assert grown < 40 << 20, f"{grown >> 20} MiB"
        for client in clients:
            client.close()
        await until(lambda: kit.channels == 0, "no channels")
        snapshot = kit.manager.snapshot(tunnel)
        assert arrived == snapshot.bytes_up >= took


@pytest.mark.alone
async def test_a_client_that_never_reads_holds_the_target_back(sshd: RealSshd) -> None:
    sent = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(200):
            writer.write(bytes(1 << 20))
            await writer.drain()
            sent += 1 << 20

    async with target(pour) as port, tunnels_on(sshd) as kit:
        _, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        before = psutil.Process().memory_info().rss
        with socket.create_connection(("127.0.0.1", listen)):
            await asyncio.sleep(1)
            held = sent
            assert held < 60 << 20
            assert psutil.Process().memory_info().rss - before < 20 << 20
        await until(lambda: kit.channels == 0, "no channels")


@pytest.mark.parametrize("end", ["cut", "removed", "closed"])
@pytest.mark.parametrize("proxy", [False, True])
async def test_who_is_cut_off_on_the_server_does_not_wait_for_a_target_that_is_silent(
    sshd: RealSshd, slow: SlowTarget, monkeypatch: pytest.MonkeyPatch, proxy: bool, end: str
) -> None:
    monkeypatch.setattr(reaching, "CONNECT_TIMEOUT", 10 * PATIENCE)
    async with tunnels_on(sshd) as kit:
        text = str(free_port()) if proxy else f"{free_port()}:127.0.0.1:{slow.port}"
        tunnel, listen = await kit.open("R", text)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        if proxy:
            writer.write(b"\x04\x01" + slow.port.to_bytes(2) + b"\x7f\0\0\1\0")
        await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "the client")
        if end == "cut":
            [client] = kit.manager.clients(tunnel)
            assert kit.manager.cut(tunnel, client.id)
        elif end == "removed":
            await kit.manager.remove(tunnel)
        else:
            await kit.manager.stop(tunnel)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                assert await reader.read(-1) == b""
        await until(lambda: not kit.channels, "no channel is left")
        writer.close()
