"""Whoever waits for an echo, and what gives way meanwhile."""

import asyncio
from contextvars import copy_context

from sshdash.terminal.echoes import LONGEST, Echoes
from sshdash.terminal.intake import BRIEF_SECONDS, Intake
from sshdash.ui.widgets.terminal_frames import FrameClock
from tests.patience import PATIENCE


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nobody_waits_at_first() -> None:
    assert not Echoes().due_elsewhere(object())


def test_the_others_give_way_until_the_echo_is_drawn() -> None:
    echoes, typed_in, other = Echoes(Clock()), object(), object()
    echoes.expect(typed_in)
    assert echoes.due_elsewhere(other)
    assert not echoes.due_elsewhere(typed_in)
    echoes.drawn(other)
    assert echoes.due_elsewhere(other)
    echoes.drawn(typed_in)
    assert not echoes.due_elsewhere(other)


def test_an_echo_that_never_comes_is_not_waited_for() -> None:
    clock = Clock()
    echoes = Echoes(clock)
    echoes.expect(object())
    clock.now += LONGEST
    assert not echoes.due_elsewhere(object())


async def test_a_flood_that_gives_way_is_fed_one_slice_a_turn() -> None:
    turns: list[int] = []
    fed: list[int] = []

    def feed(data: bytes) -> None:
        end = asyncio.get_running_loop().time() + BRIEF_SECONDS * 1.5
        fed.append(len(data))
        while asyncio.get_running_loop().time() < end:
            pass

    intake = Intake(
        feed, lambda: turns.append(len(fed)), lambda: None, lambda: None, gives_way=lambda: True
    )
    intake.add(b"x" * 200_000)
    await intake.drained()
    assert turns == list(range(1, len(fed) + 1))
    assert sum(fed) == 200_000


async def test_a_frame_waits_for_an_echo_elsewhere() -> None:
    answers = [False, True, True, False]
    drawn: list[int] = []
    done = asyncio.Event()

    def draw() -> bool:
        drawn.append(len(answers))
        if len(drawn) == 2:
            done.set()
        return True

    clock = FrameClock(draw, copy_context(), lambda: answers.pop(0))
    # A terminal that has drawn lately, as one that is flooded.
    clock._next = asyncio.get_running_loop().time() + 60
    clock._run()
    clock._next = asyncio.get_running_loop().time() + 60
    clock._run()
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    clock.stop()
    assert drawn == [3, 0]


async def test_a_frame_that_has_waited_long_enough_is_drawn() -> None:
    done = asyncio.Event()

    def draw() -> bool:
        done.set()
        return True

    clock = FrameClock(draw, copy_context(), lambda: True)
    clock._next = asyncio.get_running_loop().time()
    clock.request()
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    clock.stop()


async def test_what_was_out_of_sight_is_looked_at_once_more() -> None:
    looks: list[float] = []
    seen = asyncio.Event()

    def draw() -> bool:
        looks.append(asyncio.get_running_loop().time())
        if len(looks) == 2:
            seen.set()
        return False

    clock = FrameClock(draw, copy_context())
    clock.request()
    async with asyncio.timeout(PATIENCE):
        await seen.wait()
    assert clock._handle is None, "a third look needs another request"
    clock.stop()
