"""Targets as seen from here: looked up sparingly, and reached in one turn where they are near."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sshdash.tunnels.forwards import reaching
from sshdash.tunnels.forwards.reaching import Lookups, Unreached, begin_host, begin_socket
from sshdash.tunnels.forwards.refusal import Refusal
from tests.live.tunnel_kit import echo, target
from tests.patience import PATIENCE
from tests.servers.ports import free_port


class End(asyncio.Protocol):
    """What is connected; the loop makes its transport known once more."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.heard = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard.set_result(data)

    async def exchange(self) -> bytes:
        assert self.transport
        self.transport.write(b"there?")
        async with asyncio.timeout(PATIENCE):
            heard: bytes = await self.heard
        self.transport.close()
        return heard


@contextlib.contextmanager
def full(server: socket.socket) -> Iterator[socket.socket]:
    """Give a server that takes nobody more before it has accepted those who wait."""
    with server, contextlib.ExitStack() as held:
        address = server.getsockname()
        for _ in range(8):
            waiting = held.enter_context(socket.socket(server.family))
            waiting.setblocking(False)
            if waiting.connect_ex(address) == errno.EAGAIN:
                break
        yield server


async def answer(server: socket.socket) -> None:
    """Accept whoever waits, and echo the first word that is said."""
    loop = asyncio.get_running_loop()
    server.setblocking(False)
    async with asyncio.TaskGroup() as group:
        while True:
            client, _ = await loop.sock_accept(server)
            group.create_task(echo_once(client))


async def echo_once(client: socket.socket) -> None:
    with client:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, await loop.sock_recv(client, 100))


async def arrive(server: socket.socket, rest: Awaitable[None], end: End) -> None:
    """Have a server that was full take clients in, until `end` has talked with it."""
    answering = asyncio.create_task(answer(server))
    try:
        async with asyncio.timeout(PATIENCE):
            await rest
        assert await end.exchange() == b"there?"
    finally:
        answering.cancel()
        await asyncio.wait({answering})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_what_listens_here_is_reached_within_the_turn(host: str) -> None:
    lookups, end = Lookups(), End()
    async with target(echo, "127.0.0.1" if host == "localhost" else host) as port:
        if host == "localhost":
            await lookups.addresses(host, port)
        assert begin_host(end, host, port, lookups) is None
        assert end.transport
        sock = end.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert await end.exchange() == b"there?"


async def test_a_socket_here_is_reached_within_the_turn(tmp_path: Path) -> None:
    path, end = str(tmp_path / "s"), End()
    async with await asyncio.start_unix_server(echo, path):
        assert begin_socket(end, path) is None
        assert await end.exchange() == b"there?"


async def test_what_refuses_here_refuses_within_the_turn(tmp_path: Path) -> None:
    with pytest.raises(Unreached, match="connection refused") as caught:
        begin_host(End(), "127.0.0.1", free_port(), Lookups())
    assert caught.value.refusal is Refusal.REFUSED


async def test_an_address_of_a_kind_that_is_missing_here_leaves_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = reaching._socket

    def without_ipv6(family: socket.AddressFamily) -> socket.socket:
        if family is socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return make(family)

    async def look_up(host: str, port: int, **options: Any) -> list[Any]:
        kind = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, kind, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, kind, 6, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(reaching, "_socket", without_ipv6)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    lookups, end = Lookups(), End()
    async with target(echo, "127.0.0.1") as port:
        await lookups.addresses("localhost", port)
        assert begin_host(end, "localhost", port, lookups) is None
        assert await end.exchange() == b"there?"


async def test_a_path_that_no_socket_can_have_is_refused() -> None:
    rest = begin_socket(End(), f"/{'a' * 200}")
    assert rest is not None
    with pytest.raises(Unreached, match="too long"):
        await rest


async def test_a_system_that_calls_it_an_error_to_be_connected_is_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, end = asyncio.get_running_loop(), End()
    connect = loop.sock_connect

    async def connect_twice(sock: socket.socket, address: Any) -> None:
        await connect(sock, address)
        raise OSError(errno.EISCONN, "Socket is already connected")

    monkeypatch.setattr(loop, "sock_connect", connect_twice)
    with full(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        rest = begin_host(end, "127.0.0.1", server.getsockname()[1], Lookups())
        assert rest is not None
        await arrive(server, rest, end)


async def test_a_port_whose_queue_is_full_is_waited_for() -> None:
    end = End()
    with full(socket.create_server(("127.0.0.1", 0), backlog=0)) as server:
        rest = begin_host(end, "127.0.0.1", server.getsockname()[1], Lookups())
        assert rest is not None
        await arrive(server, rest, end)


async def test_a_socket_whose_queue_is_full_is_waited_for(tmp_path: Path) -> None:
    end, listening = End(), socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "s"))
    listening.listen(0)
    with full(listening) as server:
        rest = begin_socket(end, str(tmp_path / "s"))
        assert rest is not None
        waiting = asyncio.create_task(rest)
        await asyncio.wait({waiting}, timeout=2 * reaching._BUSY)
        assert end.transport is None, "nobody has taken it in"
        await arrive(server, waiting, end)


async def test_only_names_of_this_machine_are_remembered_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if host == "here" else "192.0.2.1"
        return [(socket.AF_INET, 1, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    lookups = Lookups()
    assert lookups.near("here") == []
    for host in ("here", "elsewhere"):
        await lookups.addresses(host, 1)
    assert (lookups.near("here"), lookups.near("elsewhere")) == (
        [(socket.AF_INET, "127.0.0.1")],
        [],
    )
    monkeypatch.setattr(reaching, "_FRESH", 0.0)
    assert lookups.near("here") == []


async def test_names_that_are_old_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(host: str, port: int, **options: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    monkeypatch.setattr(reaching, "_FRESH", 0.0)
    lookups = Lookups()
    for number in range(20):
        await lookups.addresses(f"{number}.localhost", 1)
    assert len(lookups._near) == 1


async def test_few_names_are_looked_up_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    running = most = 0

    async def look_up(host: str, port: int, **options: Any) -> list[Any]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return [(2, 1, 6, "", (host, port)), (10, 1, 6, "", ("fe80::1", port, 0, 3))]

    monkeypatch.setattr(loop, "getaddrinfo", look_up)
    lookups = Lookups()
    found = await asyncio.gather(*(lookups.addresses("a", 1) for _ in range(50)))
    assert most == 8
    assert [address for _, address in found[0]] == ["a", "fe80::1%3"]


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), ("fe80::1%3", socket.AF_INET6)]
)
async def test_an_address_is_not_looked_up(
    monkeypatch: pytest.MonkeyPatch, host: str, family: socket.AddressFamily
) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    assert await Lookups().addresses(host, 1) == [(family, host)]


async def test_an_address_of_the_family_that_is_left_out_is_not_connected_to() -> None:
    lookups = Lookups(socket.AF_INET6)
    assert lookups.near("127.0.0.1") == []
    with pytest.raises(socket.gaierror):
        await lookups.addresses("127.0.0.1", 1)
    assert await lookups.addresses("::1", 1) == [(socket.AF_INET6, "::1")]
    assert lookups.near("::1") == [(socket.AF_INET6, "::1")]
