"""Who the clients of a tunnel are, what each of them moved, and how one is cut."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from sshdash.states import TunnelState
from sshdash.tunnels.snapshot import ClientSnapshot
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.tunnel_kit import Tunnels, echo, target, tunnels_on, unreachable, until
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

_CLIENT = """
import socket, sys
client = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
client.sendall(b"hello")
print(client.recv(5).decode(), client.getsockname()[1], flush=True)
sys.stdin.read()
"""


class Client:
    """One client that stays, and what it sent and got."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def address(self) -> str:
        host, port = self.writer.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    async def say(self, data: bytes, answer: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            self.writer.write(data)
            return await self.reader.readexactly(answer)

    async def lost(self) -> bool:
        """Return whether it was reset, once it is over."""
        async with asyncio.timeout(PATIENCE):
            try:
                assert await self.reader.read(-1) == b""
            except ConnectionResetError:
                return True
        return False


class Place:
    """A tunnel of some kind to a target that answers each byte with two, and its clients."""

    def __init__(self, kit: Tunnels, option: str, port: int) -> None:
        self.kit = kit
        self.option = option
        self.port = port
        self.id = ""
        self.listen = 0
        self._all: list[Client] = []

    async def open(self) -> None:
        text = "0" if self.option == "D" else f"127.0.0.1:0:127.0.0.1:{self.port}"
        self.id, self.listen = await self.kit.open(self.option, text)

    async def client(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.listen))
        self._all.append(client)
        if self.option == "D":
            assert await client.say(b"\x05\x01\x00", 2) == b"\x05\x00"
            request = b"\x05\x01\x00\x01\x7f\x00\x00\x01" + self.port.to_bytes(2, "big")
            assert (await client.say(request, 10))[:2] == b"\x05\x00"
        return client

    def clients(self) -> list[ClientSnapshot]:
        return self.kit.manager.clients(self.id)

    def close(self) -> None:
        for client in self._all:
            client.writer.close()


async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each byte with two."""
    while data := await reader.read(65536):
        writer.write(data * 2)
        await writer.drain()


@contextlib.asynccontextmanager
async def place(sshd: RealSshd, option: str) -> AsyncIterator[Place]:
    """Give an open tunnel of a kind."""
    async with target(twice) as port, tunnels_on(sshd) as kit:
        it = Place(kit, option, port)
        await it.open()
        try:
            yield it
        finally:
            it.close()


@pytest.mark.parametrize("option", ["L", "R", "D"])
async def test_every_client_is_counted_to_the_byte(sshd: RealSshd, option: str) -> None:
    async with place(sshd, option) as it:
        sizes = [1, 70_000, 1_234_567]
        for size in sizes:
            data = os.urandom(size)
            client = await it.client()
            assert len(await client.say(data, 2 * size)) == 2 * size
        shown = it.clients()
        assert [one.id for one in shown] == [1, 2, 3]
        assert [(one.bytes_up, one.bytes_down) for one in shown] == [
            (size, 2 * size) for size in sizes
        ]
        assert all(one.age >= 0 for one in shown)
        snapshot = it.kit.manager.snapshot(it.id)
        assert (snapshot.bytes_up, snapshot.bytes_down) == (sum(sizes), 2 * sum(sizes))
        assert snapshot.reach is not None
        assert snapshot.usual_reach is not None

        it.close()
        await until(lambda: it.clients() == [], "no clients")
        snapshot = it.kit.manager.snapshot(it.id)
        assert (snapshot.bytes_up, snapshot.bytes_down) == (sum(sizes), 2 * sum(sizes))


@pytest.mark.parametrize("option", ["L", "R", "D"])
async def test_a_client_shows_where_it_comes_from_and_where_it_leads(
    sshd: RealSshd, option: str
) -> None:
    async with place(sshd, option) as it:
        client = await it.client()
        await client.say(b"x", 2)
        (shown,) = it.clients()
        assert shown.address == client.address
        assert shown.target == f"127.0.0.1:{it.port}"


@pytest.mark.parametrize("option", ["L", "R", "D"])
async def test_cutting_a_client_leaves_the_others(sshd: RealSshd, option: str) -> None:
    async with place(sshd, option) as it:
        first, second, third = [await it.client() for _ in range(3)]
        for client in (first, second, third):
            await client.say(b"here", 8)
        assert it.kit.manager.cut(it.id, 2)
        # An SSH server has no message for a reset: its clients see the end.
        assert await second.lost() is (option != "R")
        await until(lambda: len(it.clients()) == 2, "two clients left")
        assert await first.say(b"still", 10) == b"stillstill"
        assert await third.say(b"here", 8) == b"herehere"
        assert [one.id for one in it.clients()] == [1, 3]
        assert not it.kit.manager.cut(it.id, 2), "it is gone"
        snapshot = it.kit.manager.snapshot(it.id)
        assert (snapshot.state, snapshot.failures) == (TunnelState.OPEN, 0)


@pytest.mark.parametrize("option", ["L 0:127.0.0.1:{}", "R 127.0.0.1:0:127.0.0.1:{}"])
async def test_a_client_that_waits_for_a_pause_to_end_can_be_cut(
    sshd: RealSshd, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.tunnels.forwards.remote.PATIENCE", 10 * PATIENCE)
    async with target(echo) as port, tunnels_on(sshd) as kit:
        kind, _, text = option.format(port).partition(" ")
        tunnel, listen = await kit.open(kind, text)
        await kit.manager.pause(tunnel)
        reader, writer = await asyncio.open_connection("127.0.0.1", listen)
        await until(lambda: kit.manager.snapshot(tunnel).clients == 1, "a client that waits")
        [shown] = kit.manager.clients(tunnel)
        assert kit.manager.cut(tunnel, shown.id)
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        await kit.manager.resume(tunnel)


async def test_a_client_that_waits_for_its_target_can_be_cut(sshd: RealSshd) -> None:
    with contextlib.ExitStack() as held:
        port = held.enter_context(unreachable())
        async with tunnels_on(sshd) as kit:
            tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
            client = Client(*await asyncio.open_connection("127.0.0.1", listen))
            await until(lambda: kit.channels == 1, "a channel being opened")
            (shown,) = kit.manager.clients(tunnel)
            assert (shown.address, shown.target) == (client.address, f"127.0.0.1:{port}")
            assert kit.manager.cut(tunnel, shown.id)
            assert await client.lost()
            await until(lambda: kit.manager.clients(tunnel) == [], "no clients")
            client.writer.close()
            held.close()
            await until(lambda: kit.channels == 0, "the server giving up")


async def test_a_client_of_this_machine_is_named(sshd: RealSshd) -> None:
    async with target(echo) as port, tunnels_on(sshd) as kit:
        tunnel, listen = await kit.open("L", f"0:127.0.0.1:{port}")
        client = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _CLIENT,
            str(listen),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert client.stdout
            answer = (await client.stdout.readline()).decode().split()
            assert answer[0] == "hello"
            (shown,) = kit.manager.clients(tunnel)
            assert shown.process == "", "nothing waits for the look at the processes"
            await until(lambda: kit.manager.clients(tunnel)[0].process != "", "a name")
            (shown,) = kit.manager.clients(tunnel)
            assert shown.process == f"{psutil.Process(client.pid).name()} ({client.pid})"
            assert shown.address == f"127.0.0.1:{answer[1]}"
        finally:
            await client.communicate(b"")


async def test_a_client_of_a_socket_is_named_too(sshd: RealSshd, tmp_path: Path) -> None:
    path = tmp_path / "listen"
    async with target(echo) as port, tunnels_on(sshd) as kit:
        for option, text in (("L", f"{path}:127.0.0.1:{port}"), ("R", f"{path}2:127.0.0.1:{port}")):
            tunnel = kit.manager.add("sshd", parse_forward(Kind(option), text))
            snapshot = await kit.manager.start(tunnel)
            client = Client(*await asyncio.open_unix_connection(snapshot.listen))
            assert await client.say(b"hello", 5) == b"hello"
            (shown,) = kit.manager.clients(tunnel)
            assert (shown.address, shown.bytes_up, shown.bytes_down) == ("socket", 5, 5)
            if option == "L":
                name = f"this sshdash ({os.getpid()})"
                await until(
                    lambda: kit.manager.clients(tunnel)[0].process == name,  # noqa: B023
                    "the name",
                )
            client.writer.close()


async def test_a_proxy_on_a_socket_names_its_clients(sshd: RealSshd, tmp_path: Path) -> None:
    async with target(twice) as port, tunnels_on(sshd) as kit:
        tunnel = kit.manager.add("sshd", parse_forward(Kind.DYNAMIC, str(tmp_path / "socks")))
        snapshot = await kit.manager.start(tunnel)
        client = Client(*await asyncio.open_unix_connection(snapshot.listen))
        assert await client.say(b"\x05\x01\x00", 2) == b"\x05\x00"
        request = b"\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big")
        assert (await client.say(request, 10))[:2] == b"\x05\x00"
        name = f"this sshdash ({os.getpid()})"
        await until(lambda: kit.manager.clients(tunnel)[0].process == name, "the name")
        client.writer.close()


async def test_clients_of_a_proxy_on_the_server(sshd: RealSshd) -> None:
    async with target(twice) as port, tunnels_on(sshd) as kit:
        it = Place(kit, "D", port)
        it.id, it.listen = await kit.open("R", "127.0.0.1:0")
        client = await it.client()
        await client.say(b"abc", 6)
        (shown,) = it.clients()
        assert (shown.address, shown.target) == (client.address, f"127.0.0.1:{port}")
        assert (shown.bytes_up, shown.bytes_down) == (3, 6)
        assert kit.manager.snapshot(it.id).reach is not None
        assert kit.manager.cut(it.id, shown.id)
        assert not await client.lost()
        await until(lambda: it.clients() == [], "no clients")
        it.close()


async def test_a_closed_tunnel_has_no_clients(sshd: RealSshd) -> None:
    async with place(sshd, "L") as it:
        client = await it.client()
        await client.say(b"x", 2)
        await it.kit.manager.stop(it.id)
        assert await client.lost()
        assert it.clients() == []
        assert not it.kit.manager.cut(it.id, 1)
        await it.open()
        await (await it.client()).say(b"x", 2)
        assert [one.id for one in it.clients()] == [2], "numbers are not used again"


async def test_history_tells_what_passed(sshd: RealSshd) -> None:
    async with place(sshd, "L") as it:
        await (await it.client()).say(b"x" * 500, 1000)

        def told() -> bool:
            return sum(map(sum, it.kit.manager.history([it.id]).seconds)) == 1500

        await until(told, "the second being over")
        history = it.kit.manager.history([it.id])
        assert len(history.seconds) == 60
        snapshot = it.kit.manager.snapshot(it.id)
        assert snapshot.minute_up > 0
        assert snapshot.minute_down == pytest.approx(2 * snapshot.minute_up)


async def test_what_a_removed_tunnel_carried_stays_in_the_sum(sshd: RealSshd) -> None:
    async with place(sshd, "L") as it:
        manager = it.kit.manager
        await (await it.client()).say(b"x" * 500, 1000)
        await manager.remove(it.id)
        history = manager.history()
        assert (history.bytes_up, history.bytes_down) == (500, 1000)
        assert history.minutes[-1] in ((500, 1000), (0, 0)), "a minute may just have begun"
        assert manager.history([it.id]).bytes_up == 0, "it is on the list no more"


async def test_who_gives_up_waiting_for_a_removal_keeps_nothing(sshd: RealSshd) -> None:
    async with place(sshd, "L") as it:
        manager = it.kit.manager
        client = await it.client()
        await client.say(b"x" * 500, 1000)
        removal = asyncio.create_task(manager.remove(it.id, 60.0))
        await until(lambda: manager.snapshot(it.id).state is TunnelState.CLOSED, "its leaving")
        removal.cancel()
        await asyncio.wait({removal})
        assert manager.snapshots() == []
        await client.say(b"x" * 500, 1000)
        assert manager.history().bytes_up == 1000, "its client may finish, and counts"
        client.writer.close()
        await until(lambda: not manager._departures._stopping, "it has gone")
        assert manager.history().bytes_up == 1000
