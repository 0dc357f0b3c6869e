"""Comparing a tree of 50,000 files with an identical one, beside ``rsync -an``.

Whole commands are timed; the engines are compared without what each takes for an empty folder.
"""

import asyncio
import os
import shutil
from pathlib import Path

from tests.bench.copying import alternate, config_for
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

FILES, FOLDERS = 50_000, 500


async def rows() -> list[Row]:
    """Return the rows of the comparison."""
    async with RealSshd() as server:
        here = server.folder / "here"
        here.mkdir()
        return await _compare(server, here)


async def _compare(server: RealSshd, here: Path) -> list[Row]:
    near, away = here / "many", server.home / "many"
    await asyncio.to_thread(_fill, near)
    await asyncio.to_thread(shutil.copytree, near, away)
    for folder in (here / "none", server.home / "none"):
        folder.mkdir()
    bench = config_for(server, server.port)
    commands = [
        bench.ours("-n", "-q", str(near), "bench:many", command="sync"),
        bench.rsync("-n", f"{near}/", "bench:many/"),
        bench.ours("-n", "-q", str(here / "none"), "bench:none", command="sync"),
        bench.rsync("-n", f"{here / 'none'}/", "bench:none/"),
    ]
    taken = await alternate(commands, here / "nothing", lambda _: None)
    mine, peer, nothing, little = (one.seconds for one in taken)
    inside, outside = mine - nothing, peer - little
    label = f"compare {FILES:,} files with the same"
    return [
        Row(
            label,
            f"{inside:.2f} s",
            f"rsync -an {outside:.2f} s",
            inside / outside,
            "≤ 1.0×",
            f"without what it takes for an empty folder; {taken[0].mebibytes} MiB at its height",
        ),
        Row(f"{label}, whole", f"{mine:.2f} s", f"rsync -an {peer:.2f} s", mine / peer, "–"),
    ]


def _fill(root: Path) -> None:
    for number in range(FILES):
        folder = root / f"part-{number % 20:02}" / f"folder-{number % FOLDERS:03}"
        if number < FOLDERS:
            folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"file-{number:05}"
        path.write_bytes(b"x" * (number % 200))
        os.utime(path, (number, number))
