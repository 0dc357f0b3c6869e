"""The scrollback is compressed while nothing comes, and nothing of it is lost."""

import asyncio

import pytest

from sshdash.terminal import resting
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.resting import RestingTerminal
from tests.patience import PATIENCE


class Counted(Emulator):
    """An emulator that counts the steps and remembers whether any was left."""

    def __init__(self) -> None:
        super().__init__(80, 24, 5_000)
        self.steps = 0
        self.done = asyncio.Event()

    def compress(self) -> bool:
        self.steps += 1
        more = super().compress()
        if not more:
            self.done.set()
        return more


def fill(emulator: Emulator, lines: int = 4_000) -> None:
    emulator.feed(b"".join(b"line %d of many\r\n" % number for number in range(lines)))


async def test_a_terminal_at_rest_is_compressed_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "REST", 0.02)
    emulator = Counted()
    rest = RestingTerminal(emulator)
    fill(emulator)
    rest.disturb()
    await asyncio.wait_for(emulator.done.wait(), PATIENCE)
    assert emulator.steps > 1
    assert repr(rest) == "<RestingTerminal [at rest]>"
    emulator.scroll_by(-3_000)
    first = int(emulator.screen_text()[0].split()[1])
    assert emulator.screen_text() == [f"line {first + row} of many" for row in range(24)]


async def test_output_puts_the_rest_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resting, "REST", 3600)
    emulator = Counted()
    rest = RestingTerminal(emulator)
    rest.disturb()
    rest._step()  # as the timer does, while the latest output is not an hour old
    assert emulator.steps == 0
    assert repr(rest) == "<RestingTerminal [waiting]>"
    rest.stop()
    assert repr(rest) == "<RestingTerminal [at rest]>"


def test_what_was_compressed_reflows() -> None:
    emulator = Emulator(80, 24, 5_000)
    fill(emulator)
    while emulator.compress():
        pass
    emulator.resize(20, 10)
    emulator.scroll_by(-2_000)
    assert all(line.startswith("line ") for line in emulator.screen_text())
