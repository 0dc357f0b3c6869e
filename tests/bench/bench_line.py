"""Copies over a long line (a round trip of 40 ms) beside scp, rclone and rsync.

The line is a proxy in a process of its own.
"""

import asyncio
import shutil
from pathlib import Path

from tests.bench.copying import (
    MIB,
    MOST_MEMORY,
    Bench,
    alternate,
    config_for,
    fill,
    fill_folders,
    same,
    same_tree,
)
from tests.bench.long_line import LongLine
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

LARGE = 1024 * MIB
FILES, FOLDERS, SIZE = 1000, 20, 4096
DELAY = 0.020
"""Seconds one way."""
GIGABIT = 125_000_000
_PART = "folder-00"
"""What scp copies of the small files: all of them take it minutes, in proportion."""


async def rows() -> list[Row]:
    """Return the rows of the long line."""
    async with RealSshd() as server:
        here = server.folder / "here"
        here.mkdir()
        return [*await _large(server, here), *await _small(server, here)]


async def _large(server: RealSshd, here: Path) -> list[Row]:
    away, near = server.home / "away", here / "near"
    await asyncio.to_thread(fill, away, LARGE)
    await asyncio.to_thread(shutil.copyfile, away, near)
    table = []
    async with LongLine(server.port, DELAY, GIGABIT) as port:
        bench = config_for(server, port)
        for name, words, far_words, copied in (
            ("down", ("bench:away", str(here / "down")), ("far:away", str(here / "down")), "down"),
            ("up", (str(near), "bench:up"), (str(near), "far:up"), "up"),
        ):
            commands = [
                bench.ours(*words),
                bench.scp(*words),
                bench.rclone("copyto", *far_words),
            ]
            target = (here if name == "down" else server.home) / copied
            taken = await alternate(commands, target, lambda copy: same(away, copy), rounds=1)
            mine, best = taken[0], min(taken[1:], key=lambda one: one.seconds)
            table.append(
                Row(
                    f"cp 1 GiB {name}, 40 ms round trip, 1 Gbit/s",
                    f"{mine.seconds:.1f} s",
                    f"scp {taken[1].seconds:.1f} s, rclone {taken[2].seconds:.1f} s",
                    best.seconds / mine.seconds,
                    "≥ 1.0× of the best",
                    f"{mine.mebibytes} MiB at its height (≤ {MOST_MEMORY})",
                )
            )
    away.unlink()
    near.unlink()
    return table


async def _small(server: RealSshd, here: Path) -> list[Row]:
    away, near = server.home / "many", here / "many"
    await asyncio.to_thread(fill_folders, away, FILES, FOLDERS, SIZE)
    await asyncio.to_thread(shutil.copytree, away, near)
    table = []
    async with LongLine(server.port, DELAY) as port:
        bench = config_for(server, port)
        for name, source, target, copied in (
            ("down", "bench:many", str(here / "out"), here / "out" / "many"),
            ("up", str(near), "bench:out", server.home / "out" / "many"),
        ):
            copied.parent.mkdir(exist_ok=True)
            table += await _small_rows(bench, name, source, target, copied)
    return table


async def _small_rows(bench: Bench, name: str, source: str, target: str, copied: Path) -> list[Row]:
    away = bench.server.home / "many"
    commands = [bench.ours("-r", "-p", source, target), bench.rsync(source, target)]
    mine, peer = await alternate(commands, copied, lambda copy: same_tree(away, copy))
    part = copied.parent / _PART
    (slow,) = await alternate(
        [bench.scp("-r", "-p", f"{source}/{_PART}", target)],
        part,
        lambda copy: same_tree(away / _PART, copy),
        rounds=1,
    )
    label = f"cp -r {FILES:,} × 4 KiB {name}, 40 ms round trip"
    text, whole = f"{mine.seconds:.2f} s", slow.seconds * FOLDERS
    scp = f"scp -r {whole:.0f} s (1 folder of {FOLDERS}, times {FOLDERS})"
    return [
        Row(label, text, scp, whole / mine.seconds, "≥ 100×"),
        Row(label, text, f"rsync -a {peer.seconds:.2f} s", mine.seconds / peer.seconds, "≤ 1.0×"),
    ]
