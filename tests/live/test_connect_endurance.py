"""Many hosts, many sessions, many cancellations, new keys under load: and nothing is left over."""

import asyncio
import contextlib
import gc
import hashlib
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
import psutil
import pytest

from sshdash.connections.connection import Connection
from sshdash.demo.services import listening
from sshdash.errors import SSHDashError, UnreachableError
from sshdash.events import ConnectionChanged, Event
from sshdash.states import ConnectionState
from sshdash.terminal.session import ShellSession
from tests.live.connecting import PROMPT, Client, connecting, until
from tests.patience import PATIENCE
from tests.servers.hostile import babbles, dribbles, says_http, says_nothing
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


def descriptors() -> int:
    """Return how many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def blocks() -> int:
    """Return how many pieces of memory Python's objects hold: a connection has thousands."""
    gc.collect()
    return sys.getallocatedblocks()


# -- 49: sessions -----------------------------------------------------------------------------


async def test_49_five_hundred_sessions_leave_nothing_behind(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:

        async def sessions(count: int) -> None:
            for _ in range(count // 10):
                leases = [await client.manager.lease("sshd", "shell") for _ in range(10)]
                opened = await asyncio.gather(*(lease.session(_run_true) for lease in leases))
                assert opened == [0] * 10
                for lease in leases:
                    lease.release()

        await sessions(100)
        before = descriptors(), len(asyncio.all_tasks()), blocks()
        await sessions(500)
        await until(lambda: len(asyncio.all_tasks()) <= before[1])
        assert descriptors() == before[0]
        assert blocks() - before[2] < 10 * 500
        assert client.manager.status("sshd").leases == {}
        assert len(client.states("sshd")) == 2


async def _run_true(ssh: asyncssh.SSHClientConnection) -> int | None:
    done = await ssh.run("true")
    return done.exit_status


async def test_49_a_hundred_connections_leave_nothing_behind() -> None:
    async with LoopbackServer() as server, connecting(server.config_file) as client:

        async def connections(count: int) -> None:
            for number in range(count):
                await client.manager.lease("loopback", "shell")
                if number % 2:
                    server.drop_connections()
                    await client.reaches("loopback", ConnectionState.LOST)
                else:
                    await client.manager.disconnect("loopback")

        await connections(30)
        await until(lambda: not server.connections)
        before = descriptors(), len(asyncio.all_tasks()), blocks()
        await connections(100)
        await until(lambda: not server.connections)
        await until(lambda: len(asyncio.all_tasks()) <= before[1])
        await until(lambda: descriptors() <= before[0])
        assert blocks() - before[2] < 50 * 100


# -- cancelling -------------------------------------------------------------------------------


async def cancelled_after(seconds: float, working: Awaitable[object]) -> None:
    """Begin to wait for something and stop at a moment; undo what was done all the same."""
    task = asyncio.ensure_future(working)
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, SSHDashError):
        done = await task
        if isinstance(done, ShellSession):
            await done.close()


async def opens_and_cancels(client: Client, host: str, times: int) -> None:
    """Open a shell `times` times and stop at random moments; each must leave no socket."""
    dice = random.Random(47)

    async def a_shell() -> ShellSession:
        lease = await client.manager.lease(host, "shell")
        try:
            return await ShellSession.open(lease, client.bus, columns=80, rows=24)
        except BaseException:
            lease.release()
            raise

    began = time.monotonic()
    await (await a_shell()).close()
    length = time.monotonic() - began
    await client.manager.disconnect(host)
    await until(lambda: not client_sockets())
    for number in range(times):
        await cancelled_after(dice.uniform(0, length * 1.2), a_shell())
        if number % 2:
            await client.manager.disconnect(host)
    await client.manager.disconnect(host)
    await until(lambda: not client_sockets())
    assert {status.state for status in client.manager.statuses()} == {ConnectionState.IDLE}
    async with asyncio.timeout(PATIENCE):
        await (await a_shell()).close()


def client_sockets() -> int:
    """Return how many connections this process has made that are still open."""
    found = psutil.Process().net_connections(kind="tcp")
    return sum(one.status != psutil.CONN_LISTEN for one in found)


async def test_two_hundred_cancellations_at_random_moments() -> None:
    async with (
        LoopbackServer(Faults(open_delay=0.005)) as server,
        connecting(server.config_file) as client,
    ):
        await opens_and_cancels(client, "loopback", 200)


async def test_cancellations_while_another_connection_is_made() -> None:
    faults = Faults(open_delay=0.005, max_sessions=1)
    async with LoopbackServer(faults) as server, connecting(server.config_file) as client:
        held = await client.manager.lease("loopback", "shell")
        first = await ShellSession.open(held, client.bus, columns=80, rows=24)
        dice = random.Random(43)

        async def another() -> ShellSession:
            lease = await client.manager.lease("loopback", "shell")
            try:
                return await ShellSession.open(lease, client.bus, columns=80, rows=24)
            except BaseException:
                lease.release()
                raise

        for _ in range(60):
            await cancelled_after(dice.uniform(0, 0.12), another())
            for spare in client.manager._registry.get("loopback").spares:  # type: ignore[union-attr]
                assert not spare.leases
                await spare.close()
        await until(lambda: len(server.connections) == 1)
        await until(lambda: client_sockets() == 2)
        assert client.manager.status("loopback").leases == {"shell": 1}
        await first.close()


async def test_cancellations_behind_a_jump_host(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        await opens_and_cancels(client, "inner", 50)


async def test_a_jump_host_that_is_up_as_its_dependant_is_cancelled_ends(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        opening = asyncio.create_task(client.manager.lease("inner", "shell"))

        def cancel(event: Event) -> None:
            if isinstance(event, ConnectionChanged) and event.new is ConnectionState.CONNECTED:
                opening.cancel()

        client.bus.subscribe(cancel)
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert client.states("sshd")[1] is ConnectionState.CONNECTED
        await client.reaches("sshd", ConnectionState.IDLE)
        await until(lambda: not client_sockets())


# -- 41: many hosts ---------------------------------------------------------------------------


async def test_41_fifty_dead_hosts_hold_up_none_of_fifty_that_live(
    tmp_path: Path, sshd: RealSshd
) -> None:
    block = sshd.config_file.read_text().partition("Host sshd inner\n")[2]
    refused = free_port()
    leave = asyncio.Event()

    async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await leave.wait()
        writer.close()

    async with listening(is_silent) as silent:
        text = ""
        for n in range(50):
            text += f"Host live{n}\n    ConnectTimeout {60 + n}\n{block}"
            where = ("127.0.0.1", "127.0.0.1", "no.such.host.invalid")[n % 3]
            port = (refused, silent, 22)[n % 3]
            text += f"Host dead{n}\n    HostName {where}\n    Port {port}\n    ConnectTimeout 90\n"
        config = tmp_path / "config"
        config.write_text(text)
        async with connecting(config) as client:
            lease = client.manager.lease
            dead = [asyncio.create_task(lease(f"dead{n}", "x")) for n in range(50)]
            held = asyncio.create_task(longest_hold())
            first = await lease("live0", "x")
            live = await asyncio.gather(*(lease(f"live{n}", "x") for n in range(50)))
            assert not all(one.done() for one in dead)
            held.cancel()
            assert await held < 0.5, "ten times what a key press may wait"
            leave.set()
            assert first.connection is live[0].connection
            assert len({one.connection for one in live}) == 50
            ended = await asyncio.gather(*dead, return_exceptions=True)
            assert all(isinstance(one, UnreachableError) for one in ended)


async def longest_hold() -> float:
    """Return, when cancelled, the most work that the loop did at one time, in seconds of it."""
    worst = 0.0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.01)
            worst = max(worst, time.thread_time() - began)
    return worst


# -- 40: tarpits ------------------------------------------------------------------------------


@pytest.mark.parametrize("tarpit", [says_nothing, dribbles, babbles, says_http])
async def test_40_a_tarpit_is_left_at_the_limit_or_when_cancelled(
    tmp_path: Path, tarpit: Callable[..., Awaitable[None]]
) -> None:
    async with listening(tarpit) as port:
        config = tmp_path / "config"
        config.write_text(f"Host pit\n    HostName 127.0.0.1\n    Port {port}\n")
        limit = (("ConnectTimeout", "1"),)
        async with connecting(config, overrides=limit) as client:
            async with asyncio.timeout(30):  # as long as it would be without ConnectTimeout
                with pytest.raises(UnreachableError):
                    await client.manager.lease("pit", "x")
        if tarpit in (says_nothing, dribbles):
            async with connecting(config) as client:
                task = asyncio.create_task(client.manager.lease("pit", "x"))
                await asyncio.wait([task], timeout=0.3)
                task.cancel()
                await asyncio.wait([task], timeout=PROMPT)
                assert task.cancelled()
                assert client.manager.status("pit").state is ConnectionState.IDLE


# -- 46: new keys -----------------------------------------------------------------------------


@pytest.mark.alone
async def test_46_new_keys_under_load_stall_nothing_and_change_no_byte(sshd: RealSshd) -> None:
    """Four flows at once, two each way, with new keys for each megabyte."""
    size = 12_000_000
    data = random.Random(46).randbytes(size)
    digest = hashlib.sha256(data).hexdigest()
    source = sshd.home / "data"
    source.write_bytes(data)
    overrides = (("RekeyLimit", "1M"),)
    async with connecting(sshd.config_file, overrides=overrides) as client:
        connection = (await client.manager.lease("sshd", "x")).connection
        exchanges = count_exchanges(connection)

        async def up() -> str:
            process = await connection.ssh.create_process("sha256sum", encoding=None)
            for start in range(0, size, 65536):
                process.stdin.write(data[start : start + 65536])
                await process.stdin.drain()
            process.stdin.write_eof()
            done = await process.wait()
            assert isinstance(done.stdout, bytes)
            return done.stdout.decode().split()[0]

        stalls: list[float] = []

        async def down() -> str:
            process = await connection.ssh.create_process(f"cat {source}", encoding=None)
            taken, heard = hashlib.sha256(), time.monotonic()
            while piece := await process.stdout.read(65536):
                stalls.append(time.monotonic() - heard)
                heard = time.monotonic()
                taken.update(piece)
            return taken.hexdigest()

        async with asyncio.timeout(PATIENCE):
            sums = await asyncio.gather(up(), down(), up(), down())
        assert set(sums) == {digest}
        assert len(exchanges) > 10
        assert max(stalls) < 10, "ten times the promise"
        assert not connection.is_gone


def count_exchanges(connection: Connection) -> list[float]:
    """Return a list that gets an entry for each key exchange from now on."""
    seen: list[float] = []
    ssh = connection.ssh
    real = ssh.send_newkeys

    def counted(k: bytes, h: bytes) -> None:
        seen.append(time.monotonic())
        real(k, h)

    ssh.send_newkeys = counted  # type: ignore[method-assign]
    return seen
