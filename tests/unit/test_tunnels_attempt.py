"""What is tried for one client, whoever gives it up and whenever."""

import asyncio
import gc
from typing import Any

import pytest

from sshdash.tunnels.forwards.attempt import Attempt
from tests.patience import PATIENCE


async def test_what_fails_as_whoever_waits_goes_is_no_defect() -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: complaints.append(said))
    begun = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await begun

    waiting = asyncio.ensure_future(Attempt().make(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    begun.set_exception(OSError("refused"))
    await asyncio.sleep(0)  # it has failed, and who waits is about to hear of it
    waiting.cancel()
    await asyncio.wait((waiting,))
    assert waiting.cancelled()
    del waiting
    gc.collect()
    assert complaints == []


async def test_what_is_given_up_is_ended_before_or_meanwhile_and_else_fails_as_it_does() -> None:
    async def fail() -> None:
        raise OSError("refused")

    async def last() -> None:
        await asyncio.Event().wait()

    before, meanwhile = Attempt(), Attempt()
    before.give_up()
    assert not await before.make(last())
    waiting = asyncio.ensure_future(meanwhile.make(last()))
    await asyncio.sleep(0)
    meanwhile.give_up()
    assert not await waiting
    with pytest.raises(OSError, match="refused"):
        await Attempt().make(fail())


@pytest.mark.parametrize("when", ["before", "at once", "from outside"])
async def test_what_is_given_up_before_it_begins_lets_go_of_what_it_holds(when: str) -> None:
    attempt, begun = Attempt(), asyncio.Event()
    held = ["a socket"]

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            held.clear()

    if when == "before":
        attempt.give_up()
    making = asyncio.ensure_future(attempt.make(work()))
    await asyncio.sleep(0)  # it has made a task, which has not begun
    if when != "before":
        assert not begun.is_set()
    if when == "at once":
        attempt.give_up()
    elif when == "from outside":
        making.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait({making})
    assert making.cancelled() if when == "from outside" else not making.result()
    assert held == []
