"""Comparing a tree of 50,000 files with an identical one, beside ``rsync -an``.

Whole commands are timed; the engines are compared without what each takes for an empty folder.
"""

import asyncio
import os
import shutil
import statistics
import sys
import time
from pathlib import Path

from tests.bench.bench_copy import Bench, _config
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

FILES, FOLDERS = 50_000, 500
ROUNDS = 3


async def rows() -> list[Row]:
    """Return the rows of the comparison."""
    server = RealSshd()
    await asyncio.to_thread(server.start)
    try:
        here = server.folder / "here"
        here.mkdir()
        return await _compare(server, here)
    finally:
        await asyncio.to_thread(server.close)


async def _compare(server: RealSshd, here: Path) -> list[Row]:
    near, away = here / "many", server.home / "many"
    await asyncio.to_thread(_fill, near)
    await asyncio.to_thread(shutil.copytree, near, away)
    for folder in (here / "none", server.home / "none"):
        folder.mkdir()
    bench = Bench(server, _config(server, server.port), here)
    start = [sys.executable, "-m", "sshdash", "-F", str(bench.config), "sync", "-n", "-q"]
    commands = [
        [*start, str(near), "bench:many"],
        bench.rsync("-n", f"{near}/", "bench:many/"),
        [*start, str(here / "none"), "bench:none"],
        bench.rsync("-n", f"{here / 'none'}/", "bench:none/"),
    ]
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(ROUNDS):
        for command, times in zip(commands, taken, strict=True):
            times.append(await _time(command))
    mine, peer, nothing, little = map(statistics.median, taken)
    inside, outside = mine - nothing, peer - little
    label = f"compare {FILES:,} files with the same"
    return [
        Row(
            label,
            f"{inside:.2f} s",
            f"rsync -an {outside:.2f} s",
            inside / outside,
            "≤ 1.0×",
            "without what the same command takes for an empty folder",
        ),
        Row(f"{label}, whole", f"{mine:.2f} s", f"rsync -an {peer:.2f} s", mine / peer, "–"),
    ]


async def _time(command: list[str]) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise RuntimeError(f"{command} failed with {process.returncode}")
    return time.perf_counter() - began


def _fill(root: Path) -> None:
    for number in range(FILES):
        folder = root / f"part-{number % 20:02}" / f"folder-{number % FOLDERS:03}"
        if number < FOLDERS:
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"file-{number:05}"
        path.write_bytes(b"x" * (number % 200))
        os.utime(path, (number, number))
