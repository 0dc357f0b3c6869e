"""Floods in an open terminal, beside ``ssh`` in a tmux pane of the same size; echoes beside ssh."""

import asyncio
import json
import os
import pty
import shlex
import signal
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.table import Row
from tests.bench.terminal_app import DONE
from tests.servers.sshd import RealSshd

MIB = 1024 * 1024
COLUMNS, ROWS = 120, 40
OTHER_ROWS = 8
"""Rows of the pane that is typed in meanwhile."""
RUNS = 3
CIPHER = "aes128-gcm@openssh.com"
_PATIENCE = 120.0


class Tmux:
    """A tmux server of its own, with one pane of the size measured."""

    def __init__(self) -> None:
        self._name = f"bench-{uuid.uuid4().hex[:8]}"

    async def __call__(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("tmux", "-L", self._name, "-f", "/dev/null", *arguments),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return out.decode("utf-8", "replace")

    async def start(self, command: list[str], rows: int = ROWS) -> None:
        """Run `command` in a new pane, which has no status line below it."""
        await self(
            "start-server",
            ";",
            "set-option",
            "-g",
            "status",
            "off",
            ";",
            "new-session",
            "-d",
            "-x",
            str(COLUMNS),
            "-y",
            str(rows),
            shlex.join(command),
        )

    async def shows(self, text: str) -> None:
        """Wait until `text` is on the pane."""
        end = time.monotonic() + _PATIENCE
        while text not in await self("capture-pane", "-p"):
            if time.monotonic() > end:
                raise TimeoutError(f"the pane never showed {text!r}")

    async def stop(self) -> None:
        await self("kill-server")


def _await_file(path: Path) -> str:
    end = time.monotonic() + _PATIENCE
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{path.name} never came")
        time.sleep(0.02)
    text = path.read_text()
    path.unlink()
    return text


async def appear(path: Path) -> str:
    """Return the content of a file that another process renames into place when complete."""
    return await asyncio.to_thread(_await_file, path)


def flood(text: Path, result: Path) -> str:
    """Return a command line that shows `text` and writes how long that took on the host."""
    quoted = shlex.quote(str(result))
    word, rest = DONE.split(" ", 1)
    return (
        f"S=$(date +%s%N); cat {shlex.quote(str(text))}; E=$(date +%s%N);"
        f" echo $((E-S)) > {quoted}.part; mv {quoted}.part {quoted}; echo {word} ''{rest}"
    )


async def peer(sshd: RealSshd, text: Path, folder: Path) -> float:
    """Return the seconds of ``cat`` on the host, seen with ssh in tmux."""
    result = folder / "peer"
    tmux = Tmux()
    await tmux.start(["ssh", "-F", str(sshd.config_file), "-c", CIPHER, "sshd"])
    try:
        await tmux.shows("sshd$")
        await tmux("send-keys", flood(text, result), "Enter")
        return int(await appear(result)) / 1e9
    finally:
        await tmux.stop()


async def ours(sshd: RealSshd, text: Path, folder: Path) -> dict[str, Any]:
    """Return what the app measured, itself running in tmux."""
    result = folder / "ours"
    tmux = Tmux()
    command = flood(text, folder / "host")
    app = [sys.executable, "-m", "tests.bench.terminal_app"]
    environment = ["env", f"PYTHONPATH={os.getcwd()}", "COLORTERM=truecolor"]
    arguments = [str(sshd.config_file), command, str(result)]
    await tmux.start([*environment, *app, *arguments], ROWS + OTHER_ROWS)
    try:
        figures: dict[str, Any] = json.loads(await appear(result))
        return figures
    finally:
        await tmux.stop()


async def rows() -> list[Row]:
    """Measure both in turn, three times for each flood, and return the table's lines."""
    table: list[Row] = []
    with TemporaryDirectory(prefix="sshdash-bench-") as name:
        folder = Path(name)
        async with RealSshd() as sshd:
            for flood_name, size, line in FLOODS:
                text = folder / "text"
                write_flood(text, size, line)
                theirs: list[float] = []
                mine: list[dict[str, Any]] = []
                for _ in range(RUNS):
                    theirs.append(await peer(sshd, text, folder))
                    mine.append(await ours(sshd, text, folder))
                table += flood_rows(f"cat of {size // MIB} MiB of {flood_name}", theirs, mine)
            plain = await asyncio.to_thread(ssh_echoes, sshd)
        table += keys_rows(mine, plain)
    return table


def _log_line(number: int) -> str:
    return f"{number:06d} the quick brown fox jumps over the lazy dog and {number * 7} times more\n"


def _coloured_line(number: int) -> str:
    words = (
        f"\x1b[{style}m{word}{number % 97}"
        for style, word in (
            ("1;31", "ERROR"),
            ("38;5;214", "request"),
            ("38;2;120;200;80", "served"),
            ("4;36", "/var/log/app"),
            ("0;7", "200"),
            ("0", "in ms"),
        )
    )
    return " ".join(words) + "\n"


def _addressed_line(number: int) -> str:
    """Return a character here and there, as full-screen programs draw them."""
    return "".join(
        f"\x1b[{(number * 7 + at * 3) % ROWS + 1};{(number * 11 + at * 17) % COLUMNS + 1}H{at}"
        for at in range(8)
    )


Line = Callable[[int], str]
FLOODS: tuple[tuple[str, int, Line], ...] = (
    ("text", 96 * MIB, _log_line),
    ("coloured text", 16 * MIB, _coloured_line),
    ("cursor addressing", 16 * MIB, _addressed_line),
)


def write_flood(path: Path, size: int, line: Line) -> None:
    """Write `size` bytes of such lines, ending where the screen is as it was."""
    block = "".join(map(line, range(20_000))).encode()
    end = b"\x1b[0m\x1b[999;1H\n"
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
        file.write(block[: max(0, size % len(block) - len(end))] + end)


def flood_rows(name: str, theirs: list[float], mine: list[dict[str, Any]]) -> list[Row]:
    """Return the lines of one flood: its time, the frames drawn, the echoes in another pane."""
    seconds = statistics.median(run["seconds"] for run in mine)
    peer_seconds = statistics.median(theirs)
    rate = min(run["frames"] / run["seconds"] for run in mine)
    echoes = sorted(echo for run in mine for echo in run["echoes"])
    middle, late = quantile(echoes, 0.5), quantile(echoes, 0.99)
    note = f"{COLUMNS}x{ROWS}, median of {RUNS}, until drawn; peer: until cat ended"
    return [
        Row(
            name,
            f"{seconds:.2f} s",
            f"ssh in tmux {peer_seconds:.2f} s",
            seconds / peer_seconds,
            "<= 0.7",
            note,
        ),
        Row(
            "  frames drawn meanwhile",
            f"{rate:.0f} /s",
            "-",
            rate / 30,
            ">= 1 (30 /s)",
            "worst run",
        ),
        Row(
            "  key to echo in another pane",
            f"p50 {middle * 1000:.1f} ms, p99 {late * 1000:.0f} ms",
            "-",
            max(middle / 0.010, late / 0.040),
            "<= 1 (10, 40 ms)",
            f"{len(echoes)} keys",
        ),
    ]


def keys_rows(mine: list[dict[str, Any]], plain: list[float]) -> list[Row]:
    """Return the lines of echoes at rest and of Ctrl-C in a flood."""
    idle = sorted(echo for run in mine for echo in run["idle"])
    above = [quantile(idle, part) - quantile(plain, part) for part in (0.5, 0.99)]
    stops = sorted(run["interrupt"] for run in mine)
    return [
        Row(
            "key to echo at rest, above ssh",
            f"p50 {above[0] * 1000:.1f} ms, p99 {above[1] * 1000:.1f} ms",
            f"ssh in a pty p50 {quantile(plain, 0.5) * 1000:.1f} ms",
            max(above[0] / 0.002, above[1] / 0.006),
            "<= 1 (2, 6 ms)",
            f"{len(idle)} keys, until drawn",
        ),
        Row(
            "Ctrl-C in an endless yes",
            f"{stops[-1] * 1000:.0f} ms",
            "-",
            stops[-1] / 0.2,
            "<= 1 (200 ms)",
            f"slowest of {len(stops)}, until the prompt is drawn",
        ),
    ]


def quantile(ordered: list[float], part: float) -> float:
    """Return the value below which `part` of the values are."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


def ssh_echoes(sshd: RealSshd) -> list[float]:
    """Return how long ssh in a pseudo-terminal takes to echo a key, in order of length."""
    child, master = pty.fork()
    if child == 0:
        os.execvp("ssh", ["ssh", "-F", str(sshd.config_file), "-c", CIPHER, "sshd"])
    found: list[float] = []
    try:
        _read_until(master, b"$")
        for key in b"abcdefghij" * 5:
            time.sleep(0.05)
            began = time.perf_counter()
            os.write(master, bytes([key]))
            _read_until(master, bytes([key]))
            found.append(time.perf_counter() - began)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(master)
    return sorted(found)


def _read_until(master: int, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        seen += os.read(master, 4096)
