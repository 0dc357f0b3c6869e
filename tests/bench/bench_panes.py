"""Many terminals that all receive something: what they cost in sight and out of it."""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.bench_terminal import ROWS, Tmux, appear
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

PANES, SHOWN = 20, 4


async def rows() -> list[Row]:
    """Measure twenty terminals, then one in sight and one out of it, beside none that receives."""
    with TemporaryDirectory(prefix="sshdash-bench-") as name:
        async with RealSshd(MaxSessions="40") as sshd:
            many = await run(sshd, Path(name), SHOWN, PANES - SHOWN)
            seen = await run(sshd, Path(name), 1, 0)
            hidden = await run(sshd, Path(name), 0, 1)
    return [
        Row(
            f"{PANES} panes, 1 MB/s each",
            f"{many['share']:.0%} of a core",
            "-",
            max(many["share"] / 0.6, 1 + many["late"]),
            "<= 1 (60 %, none late)",
            f"{SHOWN} in sight; the slowest sender was late by {max(0, many['late']):.2f} s",
        ),
        Row(
            "a hidden pane's share",
            f"{hidden['share']:.1%} of a core",
            f"one in sight {seen['share']:.1%}",
            hidden["share"] / seen["share"],
            "<= 0.1",
            "1 MB/s each, with the connection's part",
        ),
    ]


async def run(sshd: RealSshd, folder: Path, shown: int, hidden: int) -> dict[str, Any]:
    """Return what the app measured."""
    result = folder / "panes"
    tmux = Tmux()
    arguments = [str(sshd.config_file), str(shown), str(hidden), str(result)]
    environment = ["env", f"PYTHONPATH={os.getcwd()}", "COLORTERM=truecolor"]
    await tmux.start(
        [*environment, sys.executable, "-m", "tests.bench.panes_app", *arguments], ROWS
    )
    try:
        figures: dict[str, Any] = json.loads(await appear(result))
        return figures
    finally:
        await tmux.stop()
