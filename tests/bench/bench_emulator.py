"""What one terminal costs: memory of its scrollback, and a frame from the model to strips."""

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
from rich.style import Style

from sshdash.terminal.emulator import Emulator
from sshdash.ui.widgets.terminal_paint import Painter
from tests.bench.table import Row

COLUMNS, ROWS = 200, 60
FRAMES = 15
MIB = 1024 * 1024
SCROLLBACK = 10_000
MANY = 10_000_000
Frame = Callable[[int], bytes]


async def rows() -> list[Row]:
    """Measure in processes of their own, for memory that was used once stays a process's."""
    memory = await asyncio.to_thread(_in_process, "memory")
    return [_memory_row(memory), _growth_row(memory), *await asyncio.to_thread(_frame_rows)]


def _in_process(what: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_emulator", what],
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _memory_row(figures: dict[str, float]) -> Row:
    used = figures["session"]
    return Row(
        f"memory of {SCROLLBACK:,} full lines",
        f"{used / MIB:.1f} MiB",
        "-",
        used / (4 * MIB),
        "<= 1 (4 MiB)",
        "120 columns, one terminal more in a process that has one, at rest",
    )


def _growth_row(figures: dict[str, float]) -> Row:
    grown = max(0.0, figures["grown"])
    return Row(
        "growth over 10^7 further lines",
        f"{grown / MIB:.1f} MiB",
        "-",
        grown / MIB,
        "<= 1 (1 MiB)",
        f"in {figures['seconds']:.1f} s",
    )


def _frame_rows() -> list[Row]:
    found = []
    for name, draw, goal in (
        ("coloured words", words, 0.004),
        ("another colour in each cell", gradient, 0.004),
    ):
        seconds = sorted(frames(draw))[FRAMES // 2]
        found.append(
            Row(
                f"redraw of {COLUMNS}x{ROWS}, {name}",
                f"{seconds * 1000:.1f} ms",
                "-",
                seconds / goal,
                "<= 1 (4 ms)",
                f"from the emulator to strips, median of {FRAMES}, time of this process",
            )
        )
    return found


def frames(draw: Frame) -> list[float]:
    """Return the seconds of the processor that each whole frame took."""
    emulator = Emulator(COLUMNS, ROWS)
    base = Style(color="#d8dbe2", bgcolor="#14161a")
    painter = Painter(emulator.colours.palette, base, Style(reverse=True), direct=True)
    took = []
    for number in range(FRAMES + 2):
        emulator.feed(draw(number))
        began = time.process_time()
        for line in emulator.take_damage().lines.values():
            painter.line(line, COLUMNS)
        took.append(time.process_time() - began)
    return took[2:]


def words(number: int) -> bytes:
    """Return a screen full of words of 256 colours, as an editor or a monitor shows."""
    screen = []
    for y in range(ROWS):
        screen.append(f"\x1b[{y + 1};1H")
        screen += [
            f"\x1b[38;5;{(x * 7 + y + number) % 256}mword{(x + number) % 1000:03d} "
            for x in range(0, COLUMNS - 8, 8)
        ]
    return "".join(screen).encode()


def gradient(number: int) -> bytes:
    """Return a picture of half blocks, two colours in each cell."""
    screen = []
    for y in range(ROWS):
        screen.append(f"\x1b[{y + 1};1H")
        for x in range(COLUMNS):
            red, green, blue = (x + number) % 256, (y * 4 + number) % 256, (x * y) % 256
            screen.append(f"\x1b[38;2;{red};{green};{blue};48;2;{blue};{red};{green}m▀")
    return "".join(screen).encode()


def memory() -> dict[str, float]:
    """Return what a terminal with a full scrollback takes, and how much more after many lines."""
    process = psutil.Process()

    def filled() -> Emulator:
        emulator = Emulator(120, 40, SCROLLBACK)
        emulator.feed(b"".join(_line(number) for number in range(SCROLLBACK + 2_000)))
        while emulator.compress():
            pass
        return emulator

    first = filled()  # what is made once for all terminals is made
    before = process.memory_info().rss
    second = filled()
    full = process.memory_info().rss
    began = time.perf_counter()
    block = b"".join(map(_line, range(1_000)))
    for _ in range(MANY // 1_000):
        second.feed(block)
    while second.compress():
        pass
    seconds = time.perf_counter() - began
    grown = process.memory_info().rss - full
    assert first.scroll.total >= SCROLLBACK
    return {"session": full - before, "grown": grown, "seconds": seconds}


def _line(number: int) -> bytes:
    """Return a full line, like no other."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return (
        f"{number:08d} {digest} GET /index.html 200 in {number % 977} ms".ljust(119)[:119].encode()
        + b"\r\n"
    )


if __name__ == "__main__":
    print(json.dumps(memory()))
