"""What stands between a flood and the event loop."""

import asyncio
import time

import pytest

from sshdash.terminal import intake as intake_module
from sshdash.terminal.intake import HIGH_WATER, TURN_SECONDS, UNSEEN_BYTES, Intake
from sshdash.terminal.sight import Sight


class Probe:
    """An intake whose feeding costs `cost` seconds a slice, and what it did."""

    def __init__(self, cost: float = 0.0) -> None:
        self.cost = cost
        self.fed = bytearray()
        self.slices: list[int] = []
        """The control sequences in each slice."""
        self.turns = 0
        self.flow: list[str] = []
        self.intake = Intake(
            self._feed,
            self._progressed,
            lambda: self.flow.append("pause"),
            lambda: self.flow.append("resume"),
        )

    def _feed(self, data: bytes) -> None:
        end = time.perf_counter() + self.cost
        self.fed += data
        self.slices.append(data.count(b"\x1b"))
        while time.perf_counter() < end:
            pass

    def _progressed(self) -> None:
        self.turns += 1


async def test_everything_is_fed_in_order() -> None:
    probe = Probe()
    pieces = [bytes([number % 256]) * (number * 37 % 5000) for number in range(300)]
    for piece in pieces:
        probe.intake.add(piece)
    await probe.intake.drained()
    assert bytes(probe.fed) == b"".join(pieces)
    assert probe.turns >= 1


async def test_a_small_piece_is_fed_in_the_next_turn() -> None:
    probe = Probe()
    probe.intake.add(b"x")
    assert not probe.fed
    await asyncio.sleep(0)
    assert probe.fed == b"x"
    assert probe.turns == 1


async def test_the_sender_is_paused_and_resumed() -> None:
    probe = Probe(cost=0.0005)
    probe.intake.add(b"x" * HIGH_WATER)
    assert probe.flow == []
    probe.intake.add(b"x")
    assert probe.flow == ["pause"]
    await probe.intake.drained()
    assert probe.flow == ["pause", "resume"]


@pytest.mark.alone
async def test_the_loop_gets_its_turn_in_a_flood() -> None:
    probe = Probe(cost=0.0005)
    probe.intake.add(b"x" * 1024 * 1024)
    turns = longest = 0.0
    while len(probe.fed) < 1024 * 1024:
        began = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - began)
        turns += 1
    assert turns >= 4
    assert longest < TURN_SECONDS * 4
    await probe.intake.drained()


async def test_slow_slices_are_made_small() -> None:
    probe = Probe(cost=0.004)
    probe.intake.add(b"x" * 64 * 1024)
    before = 0
    sizes = []
    while len(probe.fed) < 64 * 1024:
        await asyncio.sleep(0)
        sizes.append(len(probe.fed) - before)
        before = len(probe.fed)
    assert sizes[0] > sizes[2] > 0
    await probe.intake.drained()


async def test_a_slice_holds_few_sequences() -> None:
    probe = Probe(cost=0.001)
    sent = b"\x1b[65535b" * 8192 + b"text " * 8192
    probe.intake.add(sent)
    await probe.intake.drained()
    assert bytes(probe.fed) == sent
    assert max(probe.slices) <= 512


async def test_stopping_forgets_what_waits() -> None:
    probe = Probe()
    probe.intake.add(b"x")
    probe.intake.stop()
    await probe.intake.drained()
    assert not probe.fed


def unseen(probe: Probe) -> Sight:
    """Have nobody look at what the probe feeds."""
    sight = Sight()
    probe.intake.follow(sight)
    sight.look(False)
    return sight


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_nobody_looks_at_is_fed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "UNSEEN_SECONDS", 3600.0)
    probe = Probe()
    probe.intake.add(b"first ")
    await probe.intake.drained()
    unseen(probe)
    for _ in range(20):
        probe.intake.add(b"more")
        await turns()
    assert probe.fed == b"first "
    await probe.intake.drained()
    assert probe.fed == b"first " + b"more" * 20
    assert probe.turns == 2


async def test_much_of_what_nobody_looks_at_is_fed_in_the_turn_that_brings_it() -> None:
    probe = Probe()
    unseen(probe)
    probe.intake.add(b"x" * intake_module.UNSEEN_BYTES)
    assert len(probe.fed) == intake_module.UNSEEN_BYTES
    await probe.intake.drained()


async def test_what_nobody_looks_at_comes_in_time() -> None:
    probe = Probe()
    probe.intake.add(b"first ")
    await probe.intake.drained()
    unseen(probe)
    probe.intake.add(b"then")
    await probe.intake._idle.wait()
    assert probe.fed == b"first then"


async def test_it_is_fed_as_soon_as_somebody_is_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "UNSEEN_SECONDS", 3600.0)
    probe = Probe()
    sight = unseen(probe)
    probe.intake._fed_at = asyncio.get_running_loop().time()
    probe.intake.add(b"out of sight")
    await turns()
    assert probe.fed == b""
    sight.seen = True
    probe.intake.hurry()
    await turns()
    assert probe.fed == b"out of sight"
    probe.intake.add(b", in sight")
    await turns()
    assert probe.fed == b"out of sight, in sight"


@pytest.mark.parametrize(
    "end",
    [
        *(b"\x1b[c", b"\x1b[>c", b"\x1b[=0c", b"\x1b[6n", b"\x1b[?996n", b"\x1b[?2026$p"),
        *(b"\x1b[?u", b"\x1b[14t", b"\x1b[>q", b"\x1b]11;?\x07", b"\x1b]11;?\x1b\\", b"\x07"),
        b"x" * UNSEEN_BYTES,
    ],
)
async def test_a_question_a_bell_and_much_of_it_do_not_wait(
    end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "UNSEEN_SECONDS", 3600.0)
    probe = Probe()
    unseen(probe)
    probe.intake._fed_at = asyncio.get_running_loop().time()
    probe.intake.add(b"text")
    await turns()
    assert probe.fed == b""
    probe.intake.add(b"more" + end)
    await probe.intake._idle.wait()
    assert probe.fed == b"textmore" + end
