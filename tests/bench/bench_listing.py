"""A folder of 100,000 entries in a file pane, beside what ``sftp`` takes to list it."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.copying import MIB, Bench, config_for
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

ENTRIES = 100_000
GOAL = 1.5


async def rows() -> list[Row]:
    """Return the rows of the listing."""
    async with RealSshd() as server:
        folder = server.home / "many"
        await asyncio.to_thread(_fill, folder)
        bench = config_for(server, server.port)
        peer = await asyncio.to_thread(_peer, bench, folder)
        result = server.folder / "listed.json"
        mine = await asyncio.to_thread(_mine, bench, folder, result)
    label = f"list {ENTRIES:,} entries"
    note = (
        f"{mine['busy']:.2f} s of a processor, longest hold of the loop"
        f" {mine['hold'] * 1000:.0f} ms, +{mine['grown'] / MIB:.0f} MiB"
    )
    marked = f"mark all of them: {mine['marking'] * 1000:.0f} ms"
    shown = f"sftp ls -1f {peer:.2f} s"
    return [
        Row(
            f"{label}, in order",
            f"{mine['whole']:.2f} s",
            shown,
            mine["whole"] / peer,
            f"≤ {GOAL}×",
            f"{note}; {marked}",
        ),
        Row(f"{label}, first", f"{mine['first']:.2f} s", shown, mine["first"] / peer, "–"),
    ]


def _fill(folder: Path) -> None:
    folder.mkdir()
    for number in range(ENTRIES):
        (folder / f"report-{number * 7919 % ENTRIES}-of-the-year.txt").touch()


def _peer(bench: Bench, folder: Path) -> float:
    """Return the seconds that ``sftp`` takes to list, without those to connect."""
    command = ["sftp", "-q", "-F", str(bench.config), "-b", "-", "bench"]
    taken = []
    for lines in (f"ls -1f {folder}\n", "pwd\n"):
        began = time.perf_counter()
        subprocess.run(command, input=lines.encode(), check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - began)
    return taken[0] - taken[1]


def _mine(bench: Bench, folder: Path, result: Path) -> dict[str, float]:
    words = (str(bench.config), str(folder), str(result))
    subprocess.run([sys.executable, "-m", "tests.bench.listing_app", *words], check=True)
    figures: dict[str, float] = json.loads(result.read_text())
    if figures["rows"] != ENTRIES:
        raise RuntimeError(f"{figures['rows']} rows instead of {ENTRIES}")
    return figures
