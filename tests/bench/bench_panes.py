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
    """Measure twenty terminals, then one in sight and one out of it, and none that receives."""
    with TemporaryDirectory(prefix="sshdash-bench-") as name:
        async with RealSshd(MaxSessions="40") as sshd:
            many = await run(sshd, Path(name), SHOWN, PANES - SHOWN)
            seen = await run(sshd, Path(name), 1, 0)
            hidden = await run(sshd, Path(name), 0, 1)
            none = await run(sshd, Path(name), 0, 0)
    rest = none["share"]
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
            f"{hidden['share'] - rest:.2%} of a core",
            f"one in sight {seen['share'] - rest:.2%}",
            (hidden["share"] - rest) / (seen["share"] - rest),
            "<= 0.1",
            f"1 MB/s each, with the connection's part; without the {rest:.2%} of an app at rest",
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
