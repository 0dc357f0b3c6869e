"""What is told beside the loop: to readers that stop and that go, and into a bounded log."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sshdash.cli.telling import Telling
from tests.patience import PATIENCE


class Pipes:
    """Where stdout and stderr lead."""

    def __init__(self) -> None:
        self.out, self._out = os.pipe()
        self.err, self._err = os.pipe()
        self.open = {self.out, self.err, self._out, self._err}

    def telling(self, gone: Callable[[BrokenPipeError], None]) -> Telling:
        return Telling(self._out, self._err, gone)

    def close(self, fd: int) -> None:
        self.open.discard(fd)
        os.close(fd)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    for fd in tuple(made.open):
        made.close(fd)


def nobody(error: BrokenPipeError) -> None:
    raise AssertionError(error)


def numbered(fd: int, last: int) -> list[int]:
    """Read lines of stdout until the one numbered `last`."""
    data = b""
    while f"{last} ".encode() not in data:
        data += os.read(fd, 65536)
    return [int(line.split()[0]) for line in data.splitlines()]


async def test_a_reader_that_stops_holds_nothing_up_and_misses_what_is_told(pipes: Pipes) -> None:
    telling = pipes.telling(nobody)
    for number in range(3000):  # 600 kB: more than a pipe takes
        telling.out(f"{number} {'x' * 200}")
    reading = asyncio.create_task(asyncio.to_thread(numbered, pipes.out, 5000))
    async with asyncio.timeout(PATIENCE):
        while telling._out._pieces.qsize():  # noqa: ASYNC110 - a thread tells nobody
            await asyncio.sleep(0)
    telling.out("5000 again")
    *kept, last = await reading
    assert last == 5000
    assert len(kept) >= 1000
    assert kept == list(range(len(kept))), "in order, and none of those that are kept is lost"
    said = (await asyncio.to_thread(os.read, pipes.err, 65536)).decode()
    assert said.startswith("sshdash: ")
    assert "lines are left out: nobody read them" in said
    await telling.close()


async def test_what_a_reader_missed_is_told_at_the_end_too(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.cli.telling._LAST_WORDS", PATIENCE)
    telling = pipes.telling(nobody)
    for number in range(3000):
        telling.out(f"{number} {'x' * 200}")
    left_out = telling._out._left_out
    reading = asyncio.create_task(asyncio.to_thread(numbered, pipes.out, 2999 - left_out))
    await telling.close()
    await reading
    os.set_blocking(pipes.err, False)
    said = os.read(pipes.err, 65536).decode()
    assert said == f"sshdash: {left_out} lines are left out: nobody read them\n"


async def test_a_reader_that_has_gone_is_told_of(pipes: Pipes) -> None:
    gone: asyncio.Queue[BrokenPipeError] = asyncio.Queue()
    telling = pipes.telling(gone.put_nowait)
    pipes.close(pipes.out)
    telling.out("anybody?")
    async with asyncio.timeout(PATIENCE):
        assert isinstance(await gone.get(), BrokenPipeError)
    telling.out("still?")
    telling.err("narration")
    assert (await asyncio.to_thread(os.read, pipes.err, 100)) == b"narration\n"
    await telling.close()


async def test_one_place_for_both_keeps_their_order_and_a_log_stays_small(
    tmp_path: Path,
) -> None:
    log = tmp_path / "forward.log"
    fd = os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    other = os.dup(fd)
    try:
        telling = Telling(fd, other, nobody, bound=4_000)
        for number in range(400):
            (telling.out, telling.err)[number % 2](f"{number} happened")
        await telling.close()
        first, *lines = log.read_text().splitlines()
        assert first == "sshdash: the log was shortened: what is older is left out"
        numbers = [int(line.split()[0]) for line in lines]
        assert numbers == list(range(numbers[0], 400))
        assert log.stat().st_size <= 4_100
    finally:
        os.close(fd)
        os.close(other)
