"""A stream that nobody could follow is read in large pieces, and its end at once."""

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from sshdash.connections.transport import low_water as low_water_module
from sshdash.connections.transport.flood import MARK, Flood
from sshdash.connections.transport.low_water import MARK as UNSEEN
from sshdash.connections.transport.low_water import LowWater
from sshdash.connections.transport.receive_mark import ReceiveMark
from tests.live.tunnel_kit import until
from tests.patience import PATIENCE

PIECE = 256 * 1024


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a TCP connection, the first for the loop."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    near.setblocking(False)
    with near, far:
        yield near, far


@pytest.fixture
def receive_mark(pair: tuple[socket.socket, socket.socket]) -> ReceiveMark:
    receive_mark = ReceiveMark()
    receive_mark.attach(TransportSocket(pair[0]))
    return receive_mark


@pytest.fixture
def low_water(receive_mark: ReceiveMark) -> LowWater:
    return LowWater(receive_mark)


@pytest.fixture
def flood(receive_mark: ReceiveMark) -> Flood:
    return Flood(receive_mark)


def mark(sock: socket.socket) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


async def rise(flood: Flood) -> None:
    """Read as fast as a flood comes until it is noticed."""
    async with asyncio.timeout(PATIENCE):
        while not flood.is_on:
            flood.read(PIECE)
            await asyncio.sleep(0)


async def test_a_flood_is_waited_for_in_large_pieces_until_it_ends(
    pair: tuple[socket.socket, socket.socket], flood: Flood
) -> None:
    for _ in range(2):
        await rise(flood)
        assert mark(pair[0]) == MARK
        await until(lambda: not flood.is_on, "the end of a flood")
        assert mark(pair[0]) == 1


async def test_what_ends_below_the_mark_is_told_of(
    pair: tuple[socket.socket, socket.socket], flood: Flood
) -> None:
    near, far = pair
    loop = asyncio.get_running_loop()
    await rise(flood)
    far.sendall(b"the end")
    async with asyncio.timeout(PATIENCE):
        assert await loop.sock_recv(near, 100) == b"the end"


async def test_the_end_of_a_flood_leaves_the_mark_of_what_nobody_looks_at(
    pair: tuple[socket.socket, socket.socket],
    flood: Flood,
    low_water: LowWater,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(low_water_module, "_SECONDS", PATIENCE)
    low_water.unhurried.add(cast(Any, object()))
    low_water.read(PIECE, channels=1)
    await rise(flood)
    assert mark(pair[0]) == MARK
    await until(lambda: not flood.is_on, "the end of a flood")
    assert mark(pair[0]) == UNSEEN
    low_water.lower()
    assert mark(pair[0]) == 1


async def test_a_flood_stands_while_what_nobody_looks_at_is_looked_at(
    pair: tuple[socket.socket, socket.socket], flood: Flood, low_water: LowWater
) -> None:
    low_water.unhurried.add(cast(Any, object()))
    await rise(flood)
    low_water.read(PIECE, channels=1)
    assert mark(pair[0]) == MARK
    low_water.lower()
    assert mark(pair[0]) == MARK
    await until(lambda: not flood.is_on, "the end of a flood")
    assert mark(pair[0]) == 1


async def test_what_a_person_reads_is_no_flood(
    pair: tuple[socket.socket, socket.socket], flood: Flood
) -> None:
    for size in (1, 4096, 16 * 1024):
        flood.read(size)
        assert repr(flood) == "<Flood [off]>"
    for _ in range(3):
        flood.read(64 * 1024)  # as a screen that is drawn anew
        await until(lambda: not flood._looks, "an end of looking")
        assert not flood.is_on
    assert mark(pair[0]) == 1


async def test_a_socket_that_is_closed_meanwhile_is_no_matter(
    pair: tuple[socket.socket, socket.socket], flood: Flood, receive_mark: ReceiveMark
) -> None:
    await rise(flood)
    pair[0].close()
    await until(lambda: not flood.is_on, "the end of a flood")
    flood.read(PIECE)
    receive_mark.attach(None)
    flood.read(PIECE)
    assert not flood.is_on
