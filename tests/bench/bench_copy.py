"""One large file beside scp on loopback: with one cipher for both, and as each tool likes best.

Whole commands are timed. The engines are also compared without what each command takes for a
file of one byte, because the start of an interpreter is not a property of a copy.
"""

import asyncio
import shutil
from pathlib import Path

from tests.bench.copying import MIB, MOST_MEMORY, Bench, alternate, config_for, fill, same
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

LARGE = 1024 * MIB


async def rows() -> list[Row]:
    """Return the rows of the large file."""
    async with RealSshd() as server:
        here = server.folder / "here"
        here.mkdir()
        away, near = server.home / "away", here / "near"
        await asyncio.to_thread(fill, away, LARGE)
        await asyncio.to_thread(shutil.copyfile, away, near)
        (server.home / "byte").write_bytes(b"x")
        alike = config_for(server, server.port)
        table = await _compare(alike, here, "same cipher", "≥ 1.0×", "≥ 1.0×")
        freely = config_for(server, server.port, cipher="")
        return table + await _compare(freely, here, "defaults", "≥ 1.7×", "≥ 1.6×")


async def _compare(bench: Bench, here: Path, kind: str, down: str, up: str) -> list[Row]:
    home = bench.server.home
    away, near = home / "away", here / "near"
    start, peer_start = await alternate(
        [tool("bench:byte", str(here / "byte")) for tool in (bench.ours, bench.scp)],
        here / "byte",
        lambda _: None,
    )
    table = []
    for name, source, target, copied, goal in (
        ("down", "bench:away", str(here / "down"), here / "down", down),
        ("up", str(near), "bench:up", home / "up", up),
    ):
        commands = [bench.ours(source, target), bench.scp(source, target)]
        mine, peer = await alternate(commands, copied, lambda copy: same(away, copy))
        inside, outside = mine.seconds - start.seconds, peer.seconds - peer_start.seconds
        table += [
            Row(
                f"cp 1 GiB {name}, {kind}",
                f"{LARGE / inside / 1e6:.0f} MB/s",
                f"scp {LARGE / outside / 1e6:.0f} MB/s",
                outside / inside,
                goal,
                "without what the same command takes for one byte",
            ),
            Row(
                "  the whole command",
                f"{mine.seconds:.2f} s",
                f"scp {peer.seconds:.2f} s",
                peer.seconds / mine.seconds,
                "–",
            ),
            Row(
                "  memory at its height",
                f"{mine.mebibytes} MiB",
                f"scp {peer.mebibytes} MiB",
                mine.mebibytes / MOST_MEMORY,
                f"≤ 1 ({MOST_MEMORY} MiB)",
            ),
        ]
    return table
