"""What nobody waits for is read in large pieces, and all else at once."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from sshdash.connections.transport import low_water as low_water_module
from sshdash.connections.transport.low_water import MARK, LowWater
from sshdash.connections.transport.receive_mark import ReceiveMark
from tests.patience import PATIENCE

BULK = 256 * 1024


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """Return a connected socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours


def mark(sock: socket.socket) -> int:
    """Return from how many bytes on the system tells of them."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)


def mark_of(sock: socket.socket | None) -> ReceiveMark:
    """Return what sets the mark of a connection's socket."""
    receive_mark = ReceiveMark()
    receive_mark.attach(sock)
    return receive_mark


def channel() -> Any:
    """Return what stands for a channel: nothing is asked of it."""
    return cast(Any, object())


@pytest.fixture
async def unhurried(sock: socket.socket) -> LowWater:
    """Return that of a connection with one channel, which nobody looks at."""
    low_water = LowWater(mark_of(sock))
    low_water.unhurried.add(channel())
    return low_water


async def test_bulk_that_nobody_looks_at_raises_it(
    unhurried: LowWater, sock: socket.socket
) -> None:
    unhurried.read(100, channels=1)
    assert mark(sock) == 1
    unhurried.read(BULK, channels=1)
    assert mark(sock) == MARK
    unhurried.lower()
    assert mark(sock) == 1


async def test_one_channel_that_is_looked_at_keeps_it_low(
    unhurried: LowWater, sock: socket.socket
) -> None:
    unhurried.read(BULK, channels=2)
    assert mark(sock) == 1


async def test_a_connection_without_channels_keeps_it_low(sock: socket.socket) -> None:
    low_water = LowWater(mark_of(sock))
    low_water.read(BULK, channels=0)
    assert mark(sock) == 1


async def test_to_look_lowers_it(unhurried: LowWater, sock: socket.socket) -> None:
    unhurried.read(BULK, channels=1)
    unhurried.hurry(next(iter(unhurried.unhurried)))
    assert mark(sock) == 1
    unhurried.read(BULK, channels=1)
    assert mark(sock) == 1


async def test_what_is_sent_may_be_answered_with_little(
    unhurried: LowWater, sock: socket.socket
) -> None:
    unhurried.read(20_000, channels=1)
    unhurried.lower()
    unhurried.read(20_000, channels=1)
    assert mark(sock) == 1


async def test_the_end_of_bulk_lowers_it(
    unhurried: LowWater, sock: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_water_module, "_SECONDS", 0.001)
    unhurried.read(BULK, channels=1)
    unhurried.read(BULK, channels=1)
    assert mark(sock) == MARK
    lowered = asyncio.Event()
    lower = unhurried.lower

    def note() -> None:
        lower()
        lowered.set()

    monkeypatch.setattr(unhurried, "lower", note)
    async with asyncio.timeout(PATIENCE):
        await lowered.wait()
    assert mark(sock) == 1


async def test_a_connection_without_a_socket_and_one_that_is_closed(sock: socket.socket) -> None:
    receive_mark = mark_of(None)
    low_water = LowWater(receive_mark)
    low_water.unhurried.add(channel())
    low_water.read(BULK, channels=1)
    receive_mark.attach(sock)
    sock.close()
    low_water.read(BULK, channels=1)
    low_water.lower()
    assert repr(low_water) == "<LowWater [low, 1 unhurried]>"
