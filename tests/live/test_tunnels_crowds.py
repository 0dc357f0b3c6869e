"""Many clients at a time, very many one after the other, and silent ones: all served, none left."""

import asyncio
import contextlib
import gc
import sys

import psutil
import pytest

from tests.live.tunnel_kit import Tunnels, echo, exchange, target, tunnels_on, until
from tests.servers.sshd import RealSshd


def left(kit: Tunnels) -> tuple[int, int, int]:
    """Return how many descriptors, tasks and channels there are."""
    return psutil.Process().num_fds(), len(asyncio.all_tasks()), kit.channels


async def all_gone(kit: Tunnels, before: tuple[int, int, int]) -> None:
    """Wait until there is no more of anything than before."""

    def is_gone() -> bool:
        return all(now <= then for now, then in zip(left(kit), before, strict=True))

    await until(is_gone, f"as before ({before} descriptors, tasks and channels)")


@pytest.mark.alone
async def test_a_thousand_clients_at_a_time_are_all_served(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        assert await exchange(listen, b"first") == b"first"
        await until(lambda: kit.channels == 0, "no channels")
        gc.collect()
        before, memory = left(kit), psutil.Process().memory_info().rss
        clients = []
        for number in range(1000):
            reader, writer = await asyncio.open_connection("127.0.0.1", listen)
            writer.write(b"%06d" % number)
            clients.append((reader, writer))
        for number, (reader, _) in enumerate(clients):
            assert await reader.readexactly(6) == b"%06d" % number
        assert kit.channels == 1000
        assert kit.manager.snapshot(tunnel).clients == 1000
        for number, (_, writer) in reversed(list(enumerate(clients))):
            writer.write(b"%09d" % number)
        for number, (reader, _) in enumerate(clients):
            assert await reader.readexactly(9) == b"%09d" % number
        # The clients and their targets are in this process as well.
        assert psutil.Process().memory_info().rss - memory < 100 << 20
        for _, writer in clients:
            writer.close()
        await all_gone(kit, before)
        assert kit.manager.snapshot(tunnel).clients == 0


@pytest.mark.alone
async def test_ten_thousand_connections_leave_nothing_behind(sshd: RealSshd) -> None:
    """Those that say nothing, those that are answered, and those that do not wait for it."""

    async def come_and_go(port: int, count: int) -> None:
        for number in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if number % 3:
                writer.write(b"x")
            if number % 3 == 1:
                assert await reader.read(1) == b"x"
            writer.close()

    async def everybody(port: int, count: int) -> None:
        await asyncio.gather(*(come_and_go(port, count // 20) for _ in range(20)))

    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        await everybody(listen, 1000)
        await until(lambda: kit.channels == 0, "no channels")
        gc.collect()
        before = left(kit)
        await everybody(listen, 5_000)
        await all_gone(kit, before)
        gc.collect()
        blocks = sys.getallocatedblocks()
        await everybody(listen, 5_000)
        await all_gone(kit, before)
        snapshot = kit.manager.snapshot(tunnel)
        assert (snapshot.clients, snapshot.failures) == (0, 0)
        assert snapshot.clients_total == 11_000
        gc.collect()
        assert sys.getallocatedblocks() - blocks < 2_500, "not one for every second connection"


async def test_a_client_that_never_writes_gets_what_comes_and_holds_up_nobody(
    sshd: RealSshd,
) -> None:
    greeted = b"220 hello\r\n" * 100_000

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeted)
        await writer.drain()
        assert await reader.read(1) == b""

    async with target(greet) as port, target(echo) as other, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        _, beside = await kit.open("L", f"0:127.0.0.1:{other}")
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        assert await reader.readexactly(len(greeted)) == greeted
        assert await exchange(beside, b"not held up") == b"not held up"
        assert kit.manager.snapshot(tunnel).clients == 1
        assert kit.manager.snapshot(tunnel).bytes_up == 0
        await kit.manager.remove(tunnel)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read(1) == b"", "a tunnel that is removed takes its clients along"
        writer.close()
        await until(lambda: kit.channels == 0, "no channels")
