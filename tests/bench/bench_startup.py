"""From the command to a usable host list, beside a bare Textual app."""

import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.table import Row

HOSTS = 1_000
RUNS = 7
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("host-0001")
Bare().run()
"""


async def rows() -> list[Row]:
    """Return the start-up row: medians of alternating runs in a real pseudo-terminal."""
    return await asyncio.to_thread(_rows)


def _rows() -> list[Row]:
    with TemporaryDirectory() as folder:
        config = Path(folder) / "config"
        config.write_text(
            "".join(
                f"Host host-{number:04}\n  HostName 10.0.{number // 250}.{number % 250}\n"
                f"  User admin\n  Port 22\n"
                for number in range(1, HOSTS + 1)
            )
        )
        config.chmod(0o600)
        sshdash = [sys.executable, "-m", "sshdash", "-F", str(config)]
        bare = [sys.executable, "-c", BARE]
        first_frame(sshdash)
        first_frame(bare)
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(first_frame(sshdash))
            theirs.append(first_frame(bare))
    mine, peer = statistics.median(ours), statistics.median(theirs)
    return [
        Row(
            f"start to host list, {HOSTS:,} hosts",
            f"{mine * 1000:.0f} ms",
            f"bare Textual {peer * 1000:.0f} ms",
            mine / peer,
            "≤ 2×",
            f"median of {RUNS}",
        )
    ]


def first_frame(command: list[str], marker: bytes = b"host-0001") -> float:
    """Return the seconds until `marker` reaches the terminal; then end the program."""
    began = time.perf_counter()
    pid, descriptor = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        # Compiled modules are kept, as they are for anybody who starts a program twice.
        dropped = ("PYTHONDONTWRITEBYTECODE", "COLUMNS", "LINES")
        kept = {key: value for key, value in os.environ.items() if key not in dropped}
        os.execvpe(command[0], command, {**kept, "TERM": "xterm-256color"})
    seen = b""
    try:
        while marker not in seen:
            ready, _, _ = select.select([descriptor], [], [], 20)
            if not ready:
                raise TimeoutError(f"no first frame from {command}: {seen[-300:]!r}")
            seen = seen[-200:] + os.read(descriptor, 65536)
        return time.perf_counter() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
