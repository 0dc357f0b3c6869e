"""Forwards carry bytes, and tell the truth about it, against a real sshd."""

import asyncio
import os

import pytest

from sshdash.states import TunnelState
from tests.live.tunnel_kit import OTHER_ADDRESS, echo, exchange, target, tunnels_on, until
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


async def test_local_forward_carries_bytes_both_ways_and_counts_each(sshd: RealSshd) -> None:
    data = os.urandom(3_000_001)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        assert await exchange(listen, data) == data
        assert await exchange(listen, b"once more") == b"once more"
        await until(lambda: kit.channels == 0, "no channels")
        await until(lambda: kit.manager.snapshot(tunnel).clients == 0, "no clients")
        snapshot = kit.manager.snapshot(tunnel)
        total = len(data) + len(b"once more")
        assert (snapshot.bytes_up, snapshot.bytes_down) == (total, total)
        assert (snapshot.clients, snapshot.clients_total) == (0, 2)


async def test_listens_on_loopback_alone_on_both_families(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        assert not kit.manager.snapshot(tunnel).exposed
        assert await exchange(listen, b"four") == b"four"
        assert await exchange(listen, b"six", "::1") == b"six"
        with pytest.raises(ConnectionRefusedError):
            await exchange(listen, b"other", OTHER_ADDRESS)


async def test_a_proxy_listens_on_loopback_alone(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("D", "0")
        assert not kit.manager.snapshot(tunnel).exposed
        with pytest.raises(ConnectionRefusedError):
            await exchange(listen, b"other", OTHER_ADDRESS)


async def test_remote_forward_carries_bytes_both_ways(sshd: RealSshd) -> None:
    data = os.urandom(2_000_003)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("R", f"127.0.0.1:0:127.0.0.1:{port}")
        assert await exchange(listen, data) == data
        await until(lambda: kit.channels == 0, "no channels")
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.bytes_up, snapshot.bytes_down) == (len(data), len(data))
        assert (snapshot.clients, snapshot.clients_total) == (0, 1)


async def test_the_target_may_speak_first(sshd: RealSshd) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await writer.drain()

    async with target(greet) as port, tunnels_on(sshd) as kit:
        for option in "LR":
            _, listen = await kit.open(option, f"127.0.0.1:0:127.0.0.1:{port}")
            assert await exchange(listen, b"") == b"hello"


@pytest.mark.parametrize("option", ["L", "R"])
async def test_an_answer_after_the_clients_end_of_file_arrives(sshd: RealSshd, option: str) -> None:
    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(-1)
        writer.write(b"got " + request)
        await writer.drain()

    async with target(answer_late) as port, tunnels_on(sshd) as kit:
        _, listen = await kit.open(option, f"127.0.0.1:0:127.0.0.1:{port}")
        assert await exchange(listen, b"all of it") == b"got all of it"


@pytest.mark.parametrize("option", ["L", "R"])
async def test_a_client_may_go_on_after_the_targets_end_of_file(
    sshd: RealSshd, option: str
) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def end_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write_eof()
        heard.set_result(await reader.read(-1))

    async with target(end_early) as port, tunnels_on(sshd) as kit:
        _, listen = await kit.open(option, f"127.0.0.1:0:127.0.0.1:{port}")
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        assert await reader.read(-1) == b""
        writer.write(b"x" * 100_000)
        await writer.drain()
        writer.close()
        assert await asyncio.wait_for(heard, PATIENCE) == b"x" * 100_000


async def test_a_target_that_refuses_degrades_the_tunnel_until_it_answers(sshd: RealSshd) -> None:
    async with tunnels_on(sshd) as kit:
        port = free_port()
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        with pytest.raises(ConnectionError):
            await exchange(listen, b"anybody?")
        snapshot = kit.manager.snapshot(tunnel)
        assert snapshot.state is TunnelState.DEGRADED
        assert f"127.0.0.1:{port}: connection refused" in snapshot.error
        assert snapshot.failures == 1
        server = await asyncio.start_server(echo, "127.0.0.1", port)
        assert await exchange(listen, b"now?") == b"now?"
        server.close()
        assert kit.manager.snapshot(tunnel).state is TunnelState.OPEN
        assert [change.new for change in kit.changes] == [
            TunnelState.OPENING,
            TunnelState.OPEN,
            TunnelState.DEGRADED,
            TunnelState.OPEN,
        ]
