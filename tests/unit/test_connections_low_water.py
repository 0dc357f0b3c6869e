"""What nobody waits for is read in large pieces, and all else at once."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest

from sshdash.connections.transport import low_water as low_water_module
from sshdash.connections.transport.low_water import MARK, STREAM, STREAM_MARK, LowWater

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


def channel() -> Any:
    """Return what stands for a channel: nothing is asked of it."""
    return cast(Any, object())


@pytest.fixture
async def unhurried(sock: socket.socket) -> LowWater:
    """Return that of a connection with one channel, which nobody looks at."""
    low_water = LowWater()
    low_water.attach(sock)
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
    low_water = LowWater()
    low_water.attach(sock)
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
    async with asyncio.timeout(30):
        await lowered.wait()
    assert mark(sock) == 1


async def test_a_connection_without_a_socket_and_one_that_is_closed(sock: socket.socket) -> None:
    low_water = LowWater()
    low_water.unhurried.add(channel())
    low_water.attach(None)
    low_water.read(BULK, channels=1)
    low_water.attach(sock)
    sock.close()
    low_water.read(BULK, channels=1)
    low_water.lower()
    assert repr(low_water) == "<LowWater [low, 1 unhurried]>"


# -- streams ----------------------------------------------------------------------------------


class Clock:
    """A clock that only goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that streams are measured by."""
    clock = Clock()
    monkeypatch.setattr(low_water_module, "time", clock)
    return clock


@pytest.fixture
async def hurried(sock: socket.socket, clock: Clock) -> LowWater:
    """Return that of a connection whose channels are all waited for."""
    low_water = LowWater()
    low_water.attach(sock)
    return low_water


def stream(low_water: LowWater, clock: Clock, size: int, speed: float) -> None:
    """Read `size` bytes that come with so many bytes a second."""
    for _ in range(size // BULK):
        low_water.read(BULK, channels=2)
        clock.now += BULK / speed


@pytest.mark.parametrize(("speed", "raised"), [(500e6, True), (60e6, True), (20e6, False)])
async def test_what_comes_fast_for_long_raises_it(
    hurried: LowWater, clock: Clock, sock: socket.socket, speed: float, raised: bool
) -> None:
    stream(hurried, clock, STREAM - BULK, speed)
    assert mark(sock) == 1
    stream(hurried, clock, STREAM, speed)
    assert mark(sock) == (STREAM_MARK if raised else 1)
    hurried.lower()
    assert mark(sock) == 1


async def test_what_is_sent_ends_a_stream(
    hurried: LowWater, clock: Clock, sock: socket.socket
) -> None:
    for _ in range(20):
        stream(hurried, clock, STREAM - BULK, 500e6)
        hurried.lower()
    assert mark(sock) == 1


async def ended(low_water: LowWater, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until the mark was lowered because nothing came."""
    lowered = asyncio.Event()
    with monkeypatch.context() as patched:
        lower = low_water.lower
        patched.setattr(low_water, "lower", lambda: (lower(), lowered.set()))
        async with asyncio.timeout(30):
            await lowered.wait()


async def test_what_was_no_stream_has_to_bring_more_the_next_time(
    hurried: LowWater, clock: Clock, sock: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream(hurried, clock, STREAM, 500e6)
    assert mark(sock) == STREAM_MARK
    await ended(hurried, monkeypatch)
    assert mark(sock) == 1
    stream(hurried, clock, STREAM, 500e6)
    assert mark(sock) == 1
    stream(hurried, clock, STREAM, 500e6)
    assert mark(sock) == STREAM_MARK
    hurried.lower()
