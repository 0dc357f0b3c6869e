"""A flood of text in an open terminal, beside ``ssh`` in a tmux pane of the same size."""

import asyncio
import json
import os
import shlex
import statistics
import sys
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.table import Row
from tests.bench.terminal_app import DONE
from tests.servers.sshd import RealSshd

SIZE = 96 * 1024 * 1024
COLUMNS, ROWS = 120, 40
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

    async def start(self, command: list[str]) -> None:
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
            str(ROWS),
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
    await tmux.start([*environment, *app, str(sshd.config_file), command, str(result)])
    try:
        figures: dict[str, Any] = json.loads(await appear(result))
        return figures
    finally:
        await tmux.stop()


async def rows() -> list[Row]:
    """Measure both in turn, three times, and return the table's lines."""
    with TemporaryDirectory(prefix="sshdash-bench-") as name:
        folder = Path(name)
        text = folder / "text"
        write_text(text)
        theirs: list[float] = []
        mine: list[dict[str, Any]] = []
        async with RealSshd() as sshd:
            for _ in range(RUNS):
                theirs.append(await peer(sshd, text, folder))
                mine.append(await ours(sshd, text, folder))
    return table(theirs, mine)


def write_text(path: Path) -> None:
    """Write 96 MiB of lines such as a log has."""
    block = b"".join(
        b"%06d the quick brown fox jumps over the lazy dog and then %d times more\n" % (i, i * 7)
        for i in range(20_000)
    )
    with path.open("wb") as file:
        for _ in range(SIZE // len(block)):
            file.write(block)
        file.write(block[: SIZE % len(block) - 1] + b"\n")


def table(theirs: list[float], mine: list[dict[str, Any]]) -> list[Row]:
    """Return the lines: time, frames, echo in the flood, echo at rest."""
    seconds = statistics.median(run["seconds"] for run in mine)
    peer_seconds = statistics.median(theirs)
    rate = min(run["frames"] / run["seconds"] for run in mine)
    echoes = sorted(echo for run in mine for echo in run["echoes"])
    idle = statistics.median(echo for run in mine for echo in run["idle"])
    note = f"{COLUMNS}x{ROWS}, median of {RUNS}, until drawn; peer: until cat ended"
    slowest = echoes[-1] if echoes else float("nan")
    middle = statistics.median(echoes) if echoes else float("nan")
    return [
        Row(
            "cat of 96 MiB in a terminal",
            f"{seconds:.2f} s",
            f"ssh in tmux {peer_seconds:.2f} s",
            seconds / peer_seconds,
            "<= 1.0",
            note,
        ),
        Row(
            "frames drawn meanwhile", f"{rate:.0f} /s", "-", rate / 20, ">= 1 (20 /s)", "worst run"
        ),
        Row(
            "key to echo meanwhile",
            f"{middle * 1000:.0f} ms, slowest {slowest * 1000:.0f} ms",
            "-",
            slowest / 0.1,
            "<= 1 (100 ms)",
            f"{len(echoes)} keys",
        ),
        Row("key to echo at rest", f"{idle * 1000:.1f} ms", "-", idle / 0.005, "<= 1 (5 ms)", ""),
    ]
