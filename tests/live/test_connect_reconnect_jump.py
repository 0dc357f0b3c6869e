"""What goes through a jump host comes back with it, and is never in its way."""

import asyncio
from functools import partial
from pathlib import Path

from sshdash.events import ConnectionChanged
from sshdash.states import ConnectionState
from tests.live.connecting import Client, connecting, until
from tests.live.reconnect_kit import star

IDLE = ConnectionState.IDLE
CONNECTING = ConnectionState.CONNECTING
CONNECTED = ConnectionState.CONNECTED
FAILED = ConnectionState.FAILED
LOST = ConnectionState.LOST
WAITING = ConnectionState.WAITING


async def connect_all(client: Client) -> None:
    for name in "bcd":
        client.manager.interest(name, "shell")
    await asyncio.gather(*(client.manager.lease(name, "shell") for name in "bcd"))


def is_coming_back(client: Client, name: str) -> bool:
    return client.manager.status(name).state in (WAITING, CONNECTING)


async def test_47_a_dead_jump_host_is_dialled_once_and_all_follow(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        manager = client.manager
        await connect_all(client)
        assert hosts.hop.accepted == 1
        await hosts.hop.stop()
        for name in "bcd":
            await client.reaches(name, WAITING)
            status = manager.status(name)
            assert status.reason.startswith("via a: ")
            assert status.retry_at == manager.status("a").retry_at
            told = [event.reason for event in client.told(ConnectionChanged) if event.host == name]
            assert "via a: the connection broke off" in told
        before = len(client.states("a"))
        await until(lambda: manager.status("a").attempts == 3)
        await client.reaches("a", WAITING)
        assert manager.status("b").reason == "via a: Connection refused"
        assert manager.status("b").attempts == 3
        assert client.states("a")[before:].count(CONNECTING) <= 3
        assert CONNECTING not in client.states("b")[client.states("b").index(LOST) :]
        await hosts.hop.start()
        for name in "bcd":
            await client.reaches(name, CONNECTED)
        assert hosts.hop.accepted == 2
        assert [server.accepted for server in hosts.far] == [2, 2, 2]


async def test_trying_one_of_them_now_brings_all_back(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        await connect_all(client)
        await hosts.hop.stop()
        await until(lambda: client.manager.status("a").attempts >= 2)
        await hosts.hop.start()
        client.manager.retry_now("c")
        for name in "bcd":
            await client.reaches(name, CONNECTED)
        assert hosts.hop.accepted == 2


async def test_a_jump_host_that_a_person_disconnected_stays_so(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        manager = client.manager
        await connect_all(client)
        await manager.disconnect("a")
        for name in "bcd":
            await client.reaches(name, LOST)
            assert manager.status(name).reason == "via a: disconnected"
            assert manager.status(name).gives_up == "its jump host was disconnected"
        manager.retry_now("b")
        for name in "bcd":
            await client.reaches(name, CONNECTED)


async def test_a_jump_host_that_refuses_the_login_is_to_blame_for_all(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        await connect_all(client)
        hosts.hop.faults.public_key = False
        hosts.hop.drop_connections()
        for name in "bcd":
            await client.reaches(name, FAILED)
            status = client.manager.status(name)
            assert status.reason == "via a: Permission denied"
            assert status.gives_up == "the login was refused"
        assert hosts.hop.accepted == 2


async def test_nobody_waits_behind_a_jump_host_any_more(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        wants = [client.manager.interest(name, "shell") for name in "bc"]
        await asyncio.gather(*(client.manager.lease(name, "shell") for name in "bc"))
        await hosts.hop.stop()
        for name in "abc":
            await until(partial(is_coming_back, client, name))
        wants[0].release()
        assert client.manager.status("b").state is IDLE
        assert client.manager.status("a").state is not IDLE
        wants[1].release()
        await client.reaches("a", IDLE)


async def test_a_loss_behind_a_living_jump_host_leaves_it_alone(tmp_path: Path) -> None:
    async with star(tmp_path) as hosts, connecting(hosts.config) as client:
        await connect_all(client)
        hosts.far[0].drop_connections()
        await client.reaches("b", WAITING)
        assert client.manager.status("b").reason == "the connection broke off"
        await client.reaches("b", CONNECTED)
        assert hosts.hop.accepted == 1
        assert LOST not in client.states("c")
