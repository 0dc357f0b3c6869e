"""A machine that sleeps, a program that is stopped, and a network that changes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest

from sshdash.connections.recovery import backoff, roaming, vigil, wakefulness
from sshdash.settings import Settings
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting, until
from tests.live.reconnect_kit import Suspension, through_line
from tests.patience import PATIENCE
from tests.servers.loopback import LoopbackServer
from tests.servers.programs import require
from tests.servers.proxy import Proxy

NO_KEEPALIVE = Settings(keepalive_interval=0)


@pytest.fixture
def suspension(monkeypatch: pytest.MonkeyPatch) -> Suspension:
    return Suspension(monkeypatch)


@asynccontextmanager
async def on_a_line(settings: Settings = NO_KEEPALIVE) -> AsyncIterator[tuple[Client, Proxy]]:
    async with LoopbackServer() as server, Proxy(server.port) as line:
        config = through_line(server, line)
        async with connecting(config, settings=settings) as client:
            yield client, line


async def test_45_what_died_in_the_sleep_is_noticed_at_once(suspension: Suspension) -> None:
    async with on_a_line() as (client, line):
        lease = await client.manager.lease("loopback", "shell")
        line.stall()
        suspension.slept = 600
        async with asyncio.timeout(PATIENCE):
            assert await lease.connection.wait_lost() == "no answer after 10 min asleep"
        assert client.manager.status("loopback").state is ConnectionState.LOST
        line.flow()


async def test_45_what_survived_the_sleep_stays(
    suspension: Suspension, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "PROBE_SECONDS", PATIENCE)
    async with on_a_line() as (client, line):
        lease = await client.manager.lease("loopback", "shell")
        before = line.bytes_up
        suspension.slept = 600
        await until(lambda: lease.connection.keepalive_rtt is not None)
        assert client.manager.status("loopback").state is ConnectionState.CONNECTED
        assert 0 < line.bytes_up - before < 200, "one question is enough"
        assert await client.run("loopback", "echo awake") == "awake\n"


async def test_45_after_the_sleep_what_waits_is_dialled_soon(
    suspension: Suspension, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = chain([0.01] * 7, repeat(1.0))  # so many short waits, until the longest one
    monkeypatch.setattr(backoff.Backoff.__init__, "__defaults__", (0.5, 64.0, lambda: next(shares)))
    async with LoopbackServer() as server, connecting(server.config_file) as client:
        client.manager.interest("loopback", "shell")
        await client.manager.lease("loopback", "shell")
        await server.stop()
        await until(lambda: client.manager.status("loopback").attempts == 7)
        await client.reaches("loopback", ConnectionState.WAITING)
        await server.start()
        suspension.slept = 3600
        await client.reaches("loopback", ConnectionState.CONNECTED)


async def test_what_hangs_behind_a_dead_jump_host_blames_it(
    suspension: Suspension, tmp_path: Path
) -> None:
    async with LoopbackServer() as hop, LoopbackServer() as far, Proxy(hop.port) as line:
        text = through_line(hop, line).read_text().replace("loopback\n", "hop\n")
        text += far.config_file.read_text().replace("loopback\n", "far\n    ProxyJump hop\n")
        (tmp_path / "config").write_text(text)
        async with connecting(tmp_path / "config", settings=NO_KEEPALIVE) as client:
            lease = await client.manager.lease("far", "shell")
            line.stall()
            suspension.slept = 60
            async with asyncio.timeout(PATIENCE):
                assert await lease.connection.wait_lost() == "via hop: no answer after 60 s asleep"
            line.flow()


async def test_a_change_of_the_wall_clock_is_no_sleep(
    suspension: Suspension, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_a_line() as (client, line):
        lease = await client.manager.lease("loopback", "shell")
        monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
        before = line.bytes_up
        lost = asyncio.create_task(lease.connection.wait_lost())
        done, _ = await asyncio.wait([lost], timeout=0.5)
        lost.cancel()
        assert not done
        assert line.bytes_up == before


async def test_37_a_silent_line_is_lost_within_the_keepalive_window() -> None:
    settings = Settings(keepalive_interval=1, keepalive_count=2)
    async with on_a_line(settings) as (client, line):
        lease = await client.manager.lease("loopback", "shell")
        await until(lambda: lease.connection.keepalive_rtt is not None)
        line.stall()
        async with asyncio.timeout(1 * (2 + 1) + PATIENCE):
            assert "keepalive" in await lease.connection.wait_lost()
        line.flow()


async def test_a_line_that_died_unnoticed_is_found_out_when_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vigil, "PROBE_SECONDS", 0.5)
    async with on_a_line() as (client, line):
        await client.manager.lease("loopback", "shell")
        line.stall()
        monkeypatch.setattr(vigil, "_SILENCE", 0.0)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(Exception, match=r"(?i)connection"):
                await client.run("loopback", "true")
        await client.reaches("loopback", ConnectionState.LOST)
        assert client.manager.status("loopback").reason == "no answer"
        line.cut()
        line.flow()
        assert await client.run("loopback", "echo back") == "back\n"


# -- stopped programs -------------------------------------------------------------------------

_PROGRAM = """
import asyncio, sys
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.recovery import vigil
from sshdash.connections.manager import ConnectionManager
from sshdash.events import ConnectionChanged, EventBus
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings

async def main():
    bus = EventBus()
    bus.subscribe(lambda event: print(event.new.value, event.reason, flush=True))
    resolver = Resolver(ConfigSource.standard(sys.argv[1]))
    settings = Settings(keepalive_interval=3600)
    vigil.PROBE_SECONDS = 1.0
    manager = ConnectionManager(resolver, RefusingPrompter(), bus, settings)
    manager.interest("loopback", "shell")
    await manager.lease("loopback", "shell")
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_45_a_program_that_was_stopped_finds_its_connection_dead_and_makes_another() -> None:
    async with LoopbackServer() as server, Proxy(server.port) as line:
        config = through_line(server, line)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROGRAM, str(config), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout

        async def says() -> str:
            assert process.stdout
            async with asyncio.timeout(PATIENCE):
                return (await process.stdout.readline()).decode().strip()

        try:
            assert [await says(), await says()] == ["connecting", "connected"]
            process.send_signal(signal.SIGSTOP)
            line.stall()  # the address of before means nothing to the network any more
            await asyncio.sleep(wakefulness.LATE + 2.5)  # long enough to count as sleep
            process.send_signal(signal.SIGCONT)
            said = await says()
            assert said.startswith("lost no answer after"), said
            line.cut()
            line.flow()
            while (said := await says()) != "connected":
                assert said
        finally:
            process.kill()
            await process.wait()


# -- networks ---------------------------------------------------------------------------------


def address(action: str, where: str) -> bool:
    """Add an address to the loopback interface or take it away; return whether that went well."""
    done = subprocess.run(
        [require("ip"), "address", action, f"{where}/32", "dev", "lo"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.fixture
def second_address() -> Iterator[str]:
    where = f"198.51.100.{os.getpid() % 250 + 1}"
    if not address("add", where):
        pytest.skip("only root can change addresses")
    yield where
    address("del", where)


async def test_an_address_that_vanishes_takes_its_connections_with_it(
    second_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(roaming, "_SETTLE", 0.1)
    async with LoopbackServer() as server, Proxy(server.port) as line:
        config = through_line(server, line)
        roamer = config.read_text().replace("loopback\n", "roamer\n", 1)
        roamer += f"    BindAddress {second_address}\n"
        config.write_text(f"{roamer}\n{config.read_text()}")
        async with connecting(config, settings=NO_KEEPALIVE) as client:
            stays = await client.manager.lease("loopback", "shell")
            leaves = await client.manager.lease("roamer", "shell")
            assert address("del", second_address)
            async with asyncio.timeout(PATIENCE):
                reason = await leaves.connection.wait_lost()
            assert reason == "no answer since the network changed"
            assert not stays.connection.is_gone
            assert await client.run("loopback", "echo here") == "here\n"


async def test_a_change_elsewhere_asks_nobody(second_address: str) -> None:
    async with on_a_line() as (client, line):
        await client.manager.lease("loopback", "shell")
        changed = asyncio.Event()
        watch = roaming.NetworkWatch(changed.set)
        watch.start()
        before = line.bytes_up
        assert address("del", second_address)
        async with asyncio.timeout(PATIENCE):
            await changed.wait()
        watch.stop()
        await until(lambda: True)
        assert line.bytes_up == before
