"""Several things at once: nothing is left behind, memory is bounded, rates are believable."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.rate import RateMeter, end_of_all, seconds_left
from sshdash.sftp.room import Room
from sshdash.sftp.tasks import each, finish, together


async def test_the_first_failure_ends_the_others_after_their_clean_up() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        await together(waits(), fails(), waits())
    assert ended == ["cleaned up"] * 2


async def test_a_cancel_waits_for_the_clean_up() -> None:
    ended = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            ended.set()

    task = asyncio.ensure_future(together(stubborn(), stubborn()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_never_more_than_so_many_at_once() -> None:
    running = most = 0

    async def work(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await each(range(50), 7, work)
    assert most == 7
    await each([], 0, work)


async def test_a_clean_up_is_finished_even_if_cancelled_and_given_up_when_too_slow() -> None:
    done = asyncio.Event()

    async def clean() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.set()

    task = asyncio.ensure_future(finish(clean(), 5))
    await asyncio.sleep(0)
    task.cancel()
    assert await task, "it says that it was cancelled"
    assert done.is_set()
    assert not await finish(asyncio.sleep(60), 0.01)


@given(st.lists(st.integers(1, 200), max_size=30), st.integers(1, 100))
def test_room_is_never_overdrawn_and_all_come_in(sizes: list[int], size: int) -> None:
    held = most = 0
    room = Room(size)

    async def take(wanted: int) -> None:
        nonlocal held, most
        async with room.take(wanted):
            held += min(wanted, size)
            most = max(most, held)
            try:
                await asyncio.sleep(0)
            finally:
                held -= min(wanted, size)

    async def all_of_them() -> None:
        tasks = [asyncio.ensure_future(take(wanted)) for wanted in sizes]
        for task in tasks[::3]:
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with room.take(size):
            pass

    asyncio.run(all_of_them())
    assert most <= size
    assert repr(room).startswith(f"<Room {size} of {size} free")


def test_a_rate_follows_and_an_end_is_told_once_it_is_known() -> None:
    meter = RateMeter(0.0)
    assert meter.update(1.0, 100) == pytest.approx(100)
    assert meter.update(1.1, 5000) == pytest.approx(100), "too close to the look before"
    for second in range(2, 30):
        rate = meter.update(float(second), 100 + 1000 * (second - 1))
    assert rate == pytest.approx(1000, rel=0.05)
    assert seconds_left(0.5, rate, 5000, 0, 1) is None
    assert seconds_left(5.0, 0.0, 5000, 0, 1) is None
    assert seconds_left(5.0, 0.4, 5000, 0, 1) is None  # a question waits for an answer
    assert seconds_left(5.0, 1000.0, 5000, 0, 1) == pytest.approx(5)
    assert seconds_left(10.0, 0.0, 0, 50, 50) == pytest.approx(10)
    assert seconds_left(10.0, 0.0, 0, 50, 0) == 0.0


def test_the_end_of_all_counts_what_waits_behind_the_running() -> None:
    assert end_of_all([4.0, 10.0], 100.0, 500) == pytest.approx(10)
    assert end_of_all([4.0, 10.0], 100.0, 6000) == pytest.approx(60)
    assert end_of_all([4.0, None], 100.0, 6000) is None
    assert end_of_all([4.0], 0.0, 6000) is None
    assert end_of_all([], 0.0, 6000) is None
    assert end_of_all([3.0], 0.0, 0) == pytest.approx(3), "empty files take time, too"


async def test_a_clean_up_that_fails_hides_no_cancel() -> None:
    cancelled = asyncio.Event()

    async def fails() -> None:
        await cancelled.wait()
        raise ValueError("no such thing")

    task = asyncio.ensure_future(finish(fails(), 5))
    await asyncio.sleep(0)
    task.cancel()
    cancelled.set()
    with pytest.raises(asyncio.CancelledError):
        await task
