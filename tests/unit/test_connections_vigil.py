"""Sleep and networks that change, noticed without any sleeping."""

import asyncio
import socket
import time

import pytest

from sshdash.connections.recovery import roaming, wakefulness
from sshdash.connections.recovery.roaming import NetworkWatch
from sshdash.connections.recovery.wakefulness import SleepWatch
from tests.patience import PATIENCE


class Clock:
    """Goes on with the loop, and jumps."""

    def __init__(self) -> None:
        self.jumped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.jumped


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakefulness, "TICK", 0.01)
    monkeypatch.setattr(roaming, "_SETTLE", 0.02)
    monkeypatch.setattr(roaming, "_PAUSE", 0.2)


@pytest.mark.usefixtures("fast")
async def test_a_machine_that_slept_is_noticed_once() -> None:
    clock, slept, woke = Clock(), list[float](), asyncio.Event()

    def note(seconds: float) -> None:
        slept.append(seconds)
        woke.set()

    watch = SleepWatch(note, clock)
    watch.start()
    try:
        clock.jumped = 600
        async with asyncio.timeout(PATIENCE):
            await woke.wait()
        await asyncio.sleep(0.05)
        assert len(slept) == 1
        assert slept[0] == pytest.approx(600, abs=3)
    finally:
        watch.stop()


@pytest.mark.usefixtures("fast")
async def test_a_busy_moment_is_not_sleep() -> None:
    slept: list[float] = []
    watch = SleepWatch(slept.append, Clock())
    watch.start()
    time.sleep(0.1)  # noqa: ASYNC251 - the loop is busy
    await asyncio.sleep(0.05)
    watch.stop()
    assert not slept


def test_the_wall_clock_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    before = wakefulness.awake_or_not()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert wakefulness.awake_or_not() - before < 5


@pytest.mark.usefixtures("fast")
async def test_many_messages_are_one_change() -> None:
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    kernel.setblocking(False)
    changes, changed = [0.0][:0], asyncio.Event()

    def note() -> None:
        changes.append(time.monotonic())
        changed.set()

    watch = NetworkWatch(note)
    watch.start(ours)
    try:
        for _ in range(2):
            changed.clear()
            for _ in range(9):
                kernel.send(b"x" * 64)
            async with asyncio.timeout(PATIENCE):
                await changed.wait()
        assert len(changes) == 2
        assert changes[1] - changes[0] > 0.15
    finally:
        watch.stop()
        kernel.close()


async def test_the_kernel_is_listened_to_where_it_speaks() -> None:
    watch = NetworkWatch(lambda: None)
    watch.start()
    listening = watch._socket
    watch.stop()
    assert (listening is not None) is hasattr(socket, "AF_NETLINK")
    assert listening is None or listening.fileno() == -1


async def test_a_socket_whose_way_is_the_same_has_not_moved() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    where = server.sockets[0].getsockname()
    _, writer = await asyncio.open_connection(*where)
    _, elsewhere = await asyncio.open_connection(*where, local_addr=("127.0.0.9", 0))
    try:
        assert not roaming.has_moved(writer.get_extra_info("socket"))
        assert roaming.has_moved(elsewhere.get_extra_info("socket"))
    finally:
        for one in (writer, elsewhere):
            one.close()
        server.close()
        await server.wait_closed()
