"""Conversations in which both sides know every byte that has to come.

A client greets its target with the number of their conversation and how many blocks each side
sends. A block is a head with its number, and content that follows from both numbers.
"""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.soak.report import Report

_HELLO = struct.Struct(">IIIII")
_HEAD = struct.Struct(">III")
_MAGIC = 0x5EA7B17E
_LARGEST = 48 * 1024
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Cut(Exception):
    """The conversation ended before it was over."""


@dataclass(frozen=True)
class Plan:
    """One conversation: its number, the blocks each way, and the pause between two of them."""

    number: int
    up: int
    down: int
    pause: float

    @classmethod
    def drawn(cls, chance: random.Random, number: int) -> "Plan":
        """Return one of any kind: a word, bulk one way or both, or a trickle."""
        kind = chance.choice(("word", "word", "up", "down", "both", "trickle"))
        some, many = chance.randrange(1, 4), chance.randrange(10, 120)
        if kind == "word":
            return cls(number, some, some, 0.0)
        if kind == "trickle":
            return cls(number, many, many, 0.02)
        return cls(number, some if kind == "down" else many, some if kind == "up" else many, 0.0)


class Blocks:
    """Makes what is sent, and compares what arrives."""

    def __init__(self, seed: int, report: Report) -> None:
        self.report = report
        self._pool = random.Random(seed).randbytes(1 << 20)

    def block(self, number: int, way: int, at: int) -> bytes:
        """Return block `at` of a conversation; `way` is 0 up and 1 down."""
        mixed = (number * 2 + way) * 2654435761 + at * 40503
        size = 1 + mixed % 97 if mixed % 3 else 1 + mixed % _LARGEST
        start = mixed % (len(self._pool) - _LARGEST)
        return _HEAD.pack(number, at, size) + self._pool[start : start + size]

    async def send(self, writer: asyncio.StreamWriter, plan: Plan, way: int) -> None:
        """Send one side's blocks, then the end of file."""
        for at in range((plan.up, plan.down)[way]):
            writer.write(self.block(plan.number, way, at))
            await writer.drain()
            if plan.pause:
                await asyncio.sleep(plan.pause)
        writer.write_eof()

    async def expect(
        self, reader: asyncio.StreamReader, plan: Plan, way: int, *, is_ours: bool
    ) -> None:
        """Compare the other side's blocks, and its end of file.

        `is_ours` says that sshdash is the other end of the socket: then what is cut off has to
        end in a reset. Raises Cut.
        """
        for at in range((plan.up, plan.down)[way]):
            wanted = self.block(plan.number, way, at)
            try:
                found = await reader.readexactly(len(wanted))
            except asyncio.IncompleteReadError as error:
                found = error.partial
            if found != wanted[: len(found)]:
                self._is_wrong(plan, way, f"block {at} differs")
            if way:
                self.report.down += len(found)
            else:
                self.report.up += len(found)
            if len(found) < len(wanted):
                if is_ours:
                    self._is_wrong(plan, way, f"a clean end of file in block {at}")
                raise Cut
        if rest := await reader.read(1):
            self._is_wrong(plan, way, f"{rest!r} behind the end")

    def _is_wrong(self, plan: Plan, way: int, what: str) -> None:
        self.report.wrong.append(f"{plan}, {('up', 'down')[way]}: {what}")
        raise Cut


async def converse(blocks: Blocks, streams: Streams, plan: Plan, *, is_ours: bool) -> None:
    """Be the client of a conversation. Raises Cut and OSError."""
    reader, writer = streams
    pause = round(plan.pause * 1000)
    writer.write(_HELLO.pack(_MAGIC, plan.number, plan.up, plan.down, pause))
    await _both(
        blocks.send(writer, plan, 0),
        blocks.expect(reader, plan, 1, is_ours=is_ours),
    )


def attend(blocks: Blocks, *, is_ours: bool) -> Callable[..., Awaitable[None]]:
    """Return what is the target of conversations."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            magic, number, up, down, pause = _HELLO.unpack(await reader.readexactly(_HELLO.size))
            if magic != _MAGIC:
                blocks.report.wrong.append(f"a greeting of {magic:#x}")
                return
            plan = Plan(number, up, down, pause / 1000)
            await _both(
                blocks.send(writer, plan, 1),
                blocks.expect(reader, plan, 0, is_ours=is_ours),
            )
        except (Cut, OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            writer.close()

    return handle


async def _both(sending: Awaitable[None], receiving: Awaitable[None]) -> None:
    """Do both to their end; the first that fails ends the other."""
    tasks = [asyncio.ensure_future(sending), asyncio.ensure_future(receiving)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
