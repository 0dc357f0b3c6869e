"""A million random and mutated sequences through the terminal: no exception, no hang, no growth.

The seed is printed and can be given: ``SSHDASH_FUZZ_SEED=7 python -m tests.bench fuzz``;
``SSHDASH_FUZZ_COUNT`` sets how many.
"""

import asyncio
import gc
import json
import os
import random
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from rich.style import Style

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.ghostty import lib
from sshdash.terminal.intake import Intake
from sshdash.ui.widgets.terminal_paint import Painter
from tests.bench.table import Row
from tests.sequences import KEPT, Sequences

COUNT = int(os.environ.get("SSHDASH_FUZZ_COUNT", "1000000"))
SEED = int(os.environ.get("SSHDASH_FUZZ_SEED", "1"))
CHUNK = 200
"""Sequences that arrive at once."""
LIFE = 25_000
"""Sequences that one emulator reads."""
SIZES = ((80, 24), (120, 40), (1, 1), (200, 60), (3, 2), (40, 10), (500, 200))
SLOW = 0.05
ALLOWED_GROWTH = 16 * 1024 * 1024


@dataclass
class Run:
    """What was seen so far."""

    count: int = 0
    read: int = 0
    """Bytes."""
    rows: int = 0
    slowest: float = 0.0
    slowest_input: bytes = b""
    sizes: list[int] = field(default_factory=list)
    """Bytes of memory after each emulator's life."""


class Patient:
    """One emulator that is fed as a session feeds it, and looked at."""

    def __init__(self, run: Run, size: tuple[int, int], seed: int) -> None:
        self._run = run
        self._emulator = Emulator(*size, scrollback=1000)
        self._painter = Painter(self._emulator.colours.palette, Style(), Style(reverse=True))
        self._intake = Intake(self._feed, lambda: None, lambda: None, lambda: None)
        self._random = random.Random(seed)

    async def take(self, data: bytes) -> None:
        """Read `data`, and be resized now and then."""
        self._intake.add(data)
        await self._intake.drained()
        self._look()
        self._run.read += len(data)
        if self._random.random() < 0.02:
            self._emulator.resize(*self._random.choice(SIZES))

    def _feed(self, data: bytes) -> None:
        began = time.thread_time()
        self._emulator.feed(data)
        took = time.thread_time() - began
        if took > self._run.slowest:
            self._run.slowest, self._run.slowest_input = took, data

    def _look(self) -> None:
        """Decode and paint what changed; the screen has as many rows and columns as it should."""
        emulator = self._emulator
        columns, rows = emulator.columns, emulator.rows
        assert emulator._get(lib.GHOSTTY_TERMINAL_DATA_COLS, "uint16_t") == columns
        assert emulator._get(lib.GHOSTTY_TERMINAL_DATA_ROWS, "uint16_t") == rows
        damage = emulator.take_damage()
        assert not damage.full or len(damage.lines) == rows
        for y, line in damage.lines.items():
            assert 0 <= y < rows
            width = sum(part.width for part in line.runs)
            assert width <= columns, (width, columns)
            assert self._painter.line(line, columns).cell_length == columns
        self._run.rows += len(damage.lines)
        cursor = emulator.cursor
        assert 0 <= cursor.x < columns
        assert 0 <= cursor.y < rows
        emulator.take_title()
        assert len(emulator.take_replies()) <= 4096


async def fuzz(count: int, seed: int, journal: Path) -> Run:
    """Read `count` sequences; what the emulator of the moment has read is in `journal`."""
    run = Run()
    sequences = Sequences(seed)
    while run.count < count:
        patient = Patient(run, SIZES[run.count // LIFE % len(SIZES)], seed + run.count)
        with journal.open("wb", buffering=0) as noted:
            for _ in range(LIFE // CHUNK):
                data = sequences.many(CHUNK)
                noted.write(data)
                await patient.take(data)
                run.count += CHUNK
        del patient
        gc.collect()
        run.sizes.append(psutil.Process().memory_info().rss)
    return run


async def fuzz_apart(count: int, seed: int) -> Run:
    """Run `fuzz` in a process of its own, for a library may end the one that it is in.

    Raises RuntimeError where it failed; what was read is kept in ``tests/data/sequences``.
    """
    with TemporaryDirectory(prefix="sshdash-fuzz-") as folder:
        journal = Path(folder) / "journal"
        journal.touch()
        arguments = ("-m", __spec__.name, str(count), str(seed), str(journal))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await process.communicate()
        if process.returncode:
            KEPT.mkdir(parents=True, exist_ok=True)
            kept = KEPT / f"seed{seed}.bin"
            shutil.copy(journal, kept)
            raise RuntimeError(f"failed with {process.returncode}; what it read is in {kept}")
    facts = json.loads(told)
    facts["slowest_input"] = bytes.fromhex(facts["slowest_input"])
    return Run(**facts)


async def rows() -> list[Row]:
    """Return what was read, the slowest feed and the growth of memory."""
    began = time.monotonic()
    run = await fuzz_apart(COUNT, SEED)
    seconds = time.monotonic() - began
    settled = run.sizes[len(run.sizes) // 4]
    growth = max(run.sizes[-3:]) - settled
    print(f"seed {SEED}, slowest feed began {run.slowest_input[:60]!r}", file=sys.stderr)
    return [
        Row(
            "random and mutated sequences read",
            f"{run.count:,} in {seconds:.0f} s",
            "-",
            1_000_000 / run.count,
            "<= 1.0 (10^6)",
            f"no exception; {run.read / 2**20:.0f} MiB, {run.rows:,} rows painted",
        ),
        Row(
            "slowest feed of them",
            f"{run.slowest * 1000:.1f} ms",
            "-",
            run.slowest / SLOW,
            "<= 1.0 (50 ms)",
            f"{len(run.slowest_input)} bytes",
        ),
        Row(
            "growth of memory meanwhile",
            f"{growth / 2**20:.1f} MiB",
            "-",
            max(growth, 0) / ALLOWED_GROWTH,
            "<= 1.0 (16 MiB)",
            f"{settled / 2**20:.0f} MiB after a quarter",
        ),
    ]


def main(count: str, seed: str, journal: str) -> None:
    """Fuzz, and print what was seen."""
    facts = asdict(asyncio.run(fuzz(int(count), int(seed), Path(journal))))
    print(json.dumps(facts | {"slowest_input": facts["slowest_input"].hex()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
