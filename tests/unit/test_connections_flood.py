"""A stream that nobody could follow is read in large pieces, and its end at once."""

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Iterator

import pytest

from sshdash.connections.transport.flood import MARK, Flood
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
def flood(pair: tuple[socket.socket, socket.socket]) -> Flood:
    flood = Flood()
    flood.attach(TransportSocket(pair[0]))
    return flood


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
    pair: tuple[socket.socket, socket.socket], flood: Flood
) -> None:
    await rise(flood)
    pair[0].close()
    await until(lambda: not flood.is_on, "the end of a flood")
    flood.read(PIECE)
    flood.attach(None)
    flood.read(PIECE)
    assert not flood.is_on
