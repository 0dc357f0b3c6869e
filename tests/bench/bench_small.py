"""Very many very small files on loopback, beside scp, rsync and tar through ssh."""

import asyncio
import shlex
import shutil
from pathlib import Path

from tests.bench.copying import Bench, Command, alternate, config_for, fill_folders, same_tree
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

FILES, FOLDERS, SIZE = 10_000, 100, 1024


async def rows() -> list[Row]:
    """Return the rows of the small files."""
    async with RealSshd() as server:
        here = server.folder / "here"
        here.mkdir()
        away, near = server.home / "many", here / "many"
        await asyncio.to_thread(fill_folders, away, FILES, FOLDERS, SIZE)
        await asyncio.to_thread(shutil.copytree, away, near)
        bench = config_for(server, server.port)
        table = []
        for name, source, target, copied in (
            ("down", "bench:many", str(here / "out"), here / "out" / "many"),
            ("up", str(near), "bench:out", server.home / "out" / "many"),
        ):
            copied.parent.mkdir(exist_ok=True)
            commands = {
                "sshdash": bench.ours("-r", "-p", source, target),
                "rsync -a": bench.rsync(source, target),
                "tar | ssh": _tar(bench, name, here),
                "scp -r": bench.scp("-r", "-p", source, target),
            }
            table += await _rows(name, commands, away, copied)
        return table


async def _rows(name: str, commands: dict[str, Command], away: Path, copied: Path) -> list[Row]:
    def check(copy: Path) -> None:
        same_tree(away, copy)

    *quick, slow = commands.values()
    taken = await alternate(quick, copied, check)
    taken += await alternate([slow], copied, check, rounds=1)
    mine, *peers = (one.seconds for one in taken)
    goals = {"rsync -a": "≤ 1.0×", "tar | ssh": "–", "scp -r": "≤ 1.0×"}
    return [
        Row(
            f"cp -r {FILES:,} × 1 KiB {name}, loopback",
            f"{mine:.2f} s",
            f"{peer} {seconds:.2f} s",
            mine / seconds,
            goals[peer],
        )
        for peer, seconds in zip(goals, peers, strict=True)
    ]


def _tar(bench: Bench, way: str, here: Path) -> Command:
    """Return the pipe that people use for many small files."""
    if way == "down":
        pack = shlex.join(bench.ssh("tar -cf - many"))
        line = f"{pack} | tar -xf - -C {shlex.quote(str(here / 'out'))}"
    else:
        unpack = shlex.join(bench.ssh("tar -xf - -C out"))
        line = f"tar -cf - -C {shlex.quote(str(here))} many | {unpack}"
    return ["sh", "-c", line]
