"""Work of many tasks on the loop, in turns with everybody else."""

import asyncio
from collections import Counter

import pytest

from sshdash.sftp.turns import Turns


async def test_tasks_share_the_time_of_one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    clock = 1.0
    monkeypatch.setattr("sshdash.sftp.turns.monotonic", lambda: clock)
    shared = Turns()
    turn = 0
    worked: Counter[int] = Counter()
    done: list[int] = []

    async def work(number: int) -> None:
        nonlocal clock
        for _ in range(10):
            await shared.take()
            worked[turn] += 1
            clock += 0.001
        done.append(number)

    def count() -> None:
        nonlocal turn
        turn += 1
        if len(done) < 4:
            loop.call_soon(count)

    count()
    await asyncio.gather(*map(work, range(4)))
    assert worked.total() == 40
    assert max(worked.values()) <= 4
    assert len(worked) >= 10
