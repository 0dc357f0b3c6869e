"""How fast copies may go: the rate is kept, evenly, and shared fairly. Time is the test's own."""

import asyncio
import heapq
from collections.abc import Coroutine
from typing import Any

import pytest

from sshdash.errors import UsageError
from sshdash.sftp.throttle import Pace, Throttle, parse_limit, parse_scp_limit


class Clock(asyncio.SelectorEventLoop):
    """A loop on which waiting takes no time: when nothing is to be done, the clock moves on."""

    now = 1000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, heapq.nsmallest(1, self._scheduled)[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def timed(work: Coroutine[Any, Any, None]) -> float:
    """Run to the end and return how many seconds of the clock that took."""
    loop = Clock()
    try:
        begin = loop.now
        loop.run_until_complete(work)
        return loop.now - begin
    finally:
        loop.close()


@pytest.mark.parametrize("rate", [10_000, 1_000_000, 50_000_000])
def test_a_rate_is_kept_in_the_long_run_and_in_every_part_of_a_second(rate: int) -> None:
    pace = Pace(Throttle(rate))
    taken: list[tuple[float, int]] = []

    async def copy() -> None:
        left = rate * 5

        async def worker() -> None:
            nonlocal left
            while left > 0:
                size = pace.most(min(left, 262_144))
                left -= size
                await pace.take(size)
                taken.append((asyncio.get_running_loop().time(), size))

        await asyncio.gather(*(worker() for _ in range(16)))

    took = timed(copy())
    assert took == pytest.approx(5, rel=0.06)
    first = taken[0][0]
    for tenth in range(45):
        begin = first + tenth / 10
        within = sum(size for when, size in taken if begin <= when < begin + 0.5)
        assert within <= rate * 0.5 * 1.35, "a burst"
        assert tenth > 40 or within >= rate * 0.5 * 0.65, "a gap"


def test_who_comes_late_has_no_more_than_those_who_were_there() -> None:
    shared = Throttle(1_000_000)
    order: list[str] = []

    async def job(name: str) -> None:
        pace = Pace(shared=shared)

        async def request() -> None:
            await pace.take(50_000)
            order.append(name)

        await asyncio.gather(*(request() for _ in range(20)))

    async def both() -> None:
        first = asyncio.create_task(job("first"))
        await asyncio.sleep(0.5)
        await asyncio.gather(first, job("late"))

    timed(both())
    came = order.index("late")
    assert order[came : came + 8].count("first") >= 3, "those who were there stood still"


def test_a_rate_that_is_lowered_lets_nobody_wait_for_what_was_taken_at_the_old_one() -> None:
    throttle = Throttle(100_000_000)

    async def copy() -> None:
        await throttle.take(10_000_000, "copy")
        throttle.rate = 10_000
        await throttle.take(100, "copy")

    assert timed(copy()) < 1


def test_a_job_with_many_requests_has_no_more_than_one_with_few() -> None:
    shared = Throttle(1_000_000)
    had = {"many": 0, "few": 0}

    async def copy() -> None:
        async def worker(name: str, pace: Pace) -> None:
            while sum(had.values()) < 2_000_000:
                size = pace.most(32_768)
                await pace.take(size)
                if sum(had.values()) < 2_000_000:
                    had[name] += size

        many, few = Pace(None, shared), Pace(None, shared)
        workers = [worker("many", many) for _ in range(60)] + [worker("few", few) for _ in range(2)]
        await asyncio.gather(*workers)

    timed(copy())
    assert had["few"] == pytest.approx(had["many"], rel=0.1)


def test_a_limit_that_is_changed_or_taken_away_counts_at_once_for_those_that_wait() -> None:
    throttle = Throttle(1000)

    async def copy() -> None:
        waiting = [asyncio.ensure_future(throttle.take(1000, "job")) for _ in range(100)]
        await asyncio.sleep(1)
        throttle.rate = 1_000_000
        await asyncio.sleep(0.01)
        throttle.rate = 10
        await asyncio.sleep(0)
        throttle.rate = 0
        await asyncio.gather(*waiting)

    assert timed(copy()) < 1.5


def test_who_is_cancelled_takes_nothing_from_the_others() -> None:
    throttle = Throttle(1000)

    async def copy() -> None:
        await throttle.take(100, "a")
        gone = [asyncio.ensure_future(throttle.take(5000, "b")) for _ in range(5)]
        stays = asyncio.ensure_future(throttle.take(100, "a"))
        await asyncio.sleep(0)
        for one in gone:
            one.cancel()
        await stays

    assert timed(copy()) < 0.5


@pytest.mark.parametrize(
    ("text", "rate"),
    [("500 kB/s", 500_000), ("2.5MB/s", 2_500_000), ("20 Mbit/s", 2_500_000), ("800 b/s", 800)],
)
def test_a_rate_is_read(text: str, rate: int) -> None:
    assert parse_limit(text) == rate
    assert parse_scp_limit(text) == rate


@pytest.mark.parametrize("text", ["", "5", "5M", "-5 MB/s", "5 MB", "0 MB/s", "٣ MB/s", "x" * 999])
def test_what_could_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_limit(text)


def test_a_plain_number_is_what_scp_takes_it_for() -> None:
    assert parse_scp_limit("8000") == 8000 * 1024 // 8
    with pytest.raises(UsageError, match="Kbit"):
        parse_scp_limit("8M")
