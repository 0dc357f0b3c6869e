"""The loop's selector stays awake for a moment while answers come within one, and only then."""

import asyncio
import contextlib
import itertools
import selectors
import socket
from collections.abc import Iterator

import pytest

from sshdash import loop
from sshdash.loop import Attentive, Loop

TICK = 30e-6
"""Seconds that pass with each look at the clock: five looks are a moment."""


class Asked:
    """Stands for the system: what it is asked, and when it has something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timeouts: list[float | None] = []
        self.ready_at = 1
        monkeypatch.setattr(selectors.DefaultSelector, "select", self.select)

    def select(self, timeout: float | None = None) -> list[str]:
        self.timeouts.append(timeout)
        return ["ready"] if timeout != 0 or len(self.timeouts) >= self.ready_at else []

    def on(self, selector: Attentive, timeout: float | None, ready_at: int = 1) -> list[object]:
        """Return what the system is asked during one wait that has to bring something."""
        self.timeouts, self.ready_at = [], ready_at
        ready: list[object] = [*selector.select(timeout)]
        assert ready == ["ready"]
        return [*self.timeouts]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def ticking(step: float = TICK) -> Iterator[float]:
    return (number * step for number in itertools.count())


def ticking_for(seconds: float) -> Iterator[float]:
    return itertools.takewhile(lambda at: at < seconds, ticking())


@pytest.fixture
def selector() -> Iterator[Attentive]:
    """Return one on two processors whose answers come soon."""
    with Attentive(2, ticking().__next__) as one:
        yield one


def test_the_first_wait_is_asleep(asked: Asked, selector: Attentive) -> None:
    assert asked.on(selector, 5.0) == [5.0]


def test_after_a_short_wait_it_stays_awake(asked: Asked, selector: Attentive) -> None:
    asked.on(selector, 5.0)
    assert asked.on(selector, None) == [0]
    assert asked.on(selector, 5.0, ready_at=2) == [0, 0]
    assert asked.on(selector, 5.0) == [0]


def test_what_does_not_come_in_a_moment_is_waited_for_asleep(
    asked: Asked, selector: Attentive
) -> None:
    asked.on(selector, 5.0)
    assert asked.on(selector, 5.0, ready_at=99) == [0] * 5 + [pytest.approx(5.0 - 5 * TICK)]
    assert asked.on(selector, 5.0) == [5.0], "it was in vain"


def test_it_waits_awake_for_a_time_that_is_near(asked: Asked, selector: Attentive) -> None:
    asked.on(selector, 5.0)
    asked.timeouts, asked.ready_at = [], 99
    assert selector.select(1.5 * TICK) == []
    assert asked.timeouts == [0, 0]
    assert asked.on(selector, 5.0) == [0], "which says nothing of what is waited for"


def test_bulk_is_waited_for_asleep(asked: Asked, selector: Attentive) -> None:
    asked.on(selector, 5.0)
    selector.rest()
    assert asked.on(selector, 5.0) == [5.0]


def test_who_only_looks_does_not_wait(asked: Asked, selector: Attentive) -> None:
    asked.on(selector, 5.0)
    asked.ready_at = 99
    asked.timeouts = []
    assert selector.select(0) == []
    assert asked.timeouts == [0]


def test_while_others_want_the_processors_it_sleeps(asked: Asked) -> None:
    held_up = 600e-6
    times = iter([0.0, TICK, 2 * TICK, 2 * TICK + held_up, *(1e-3 + at for at in ticking_for(0.2))])
    with Attentive(2, times.__next__) as selector:
        asked.on(selector, 5.0)
        assert asked.on(selector, 5.0, ready_at=99) == [0, pytest.approx(5.0 - held_up)]
        for _ in range(20):
            assert asked.on(selector, 5.0) == [5.0], "for a while"
        for _ in range(2000):
            asked.on(selector, 5.0)
        assert asked.on(selector, 5.0) == [0]


def test_who_was_stopped_for_a_while_waits_for_what_is_left(asked: Asked) -> None:
    times = iter([0.0, TICK, 2 * TICK, 2 * TICK + 4.0, 5.0])
    with Attentive(2, times.__next__) as selector:
        asked.on(selector, 5.0)
        assert asked.on(selector, 5.0, ready_at=99) == [0, pytest.approx(1.0)]


def test_a_single_processor_is_left_to_whoever_answers(asked: Asked) -> None:
    with Attentive(1, ticking().__next__) as selector:
        for _ in range(3):
            assert asked.on(selector, 5.0) == [5.0]


def test_slow_answers_are_waited_for_asleep(asked: Asked) -> None:
    with Attentive(2, ticking(1.0).__next__) as selector:
        for _ in range(3):
            assert asked.on(selector, 5.0) == [5.0]


def test_a_program_runs_on_it_and_gets_every_byte() -> None:
    async def exchange() -> bytes:
        assert isinstance(asyncio.get_running_loop(), Loop)
        near, far = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=near)
        other_reader, other_writer = await asyncio.open_connection(sock=far)
        got = b""
        for number in range(200):
            writer.write(bytes((number,)))
            other_writer.write(await other_reader.readexactly(1))
            got += await reader.readexactly(1)
        for one in (writer, other_writer):
            one.close()
            await one.wait_closed()
        return got

    assert loop.run(exchange()) == bytes(range(200))


def test_another_loop_needs_no_rest() -> None:
    async def look() -> None:
        loop.rest_of(asyncio.get_running_loop())()

    asyncio.run(look())
    loop.run(look())


@contextlib.contextmanager
def crowd(count: int, selector: Attentive) -> Iterator[list[int]]:
    """Give the descriptors of so many sockets, each with a byte that nobody reads."""
    with contextlib.ExitStack() as held:
        numbers = []
        for _ in range(count):
            near, far = map(held.enter_context, socket.socketpair())
            far.send(b"x")
            selector.register(near, selectors.EVENT_READ)
            numbers.append(near.fileno())
        yield numbers


def test_of_a_crowd_some_are_served_in_a_turn_and_none_twice_before_all_were(
    selector: Attentive,
) -> None:
    with crowd(300, selector) as numbers:
        for _ in range(3):
            served: list[int] = []
            while len(served) < len(numbers):
                turn = [key.fd for key, _ in selector.select(0)]
                assert 0 < len(turn) <= 64
                served += turn
            assert sorted(served) == sorted(numbers)


def test_who_joins_a_crowd_is_served_as_soon_as_the_others(selector: Attentive) -> None:
    with crowd(200, selector) as numbers:
        selector.select(0)
        near, far = socket.socketpair()
        with near, far:
            far.send(b"x")
            selector.register(near, selectors.EVENT_READ)
            turns = 0
            while near.fileno() not in [key.fd for key, _ in selector.select(0)]:
                turns += 1
            assert turns <= 4
            selector.unregister(near)
        assert numbers
