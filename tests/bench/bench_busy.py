"""Typing in a shell while a large file is copied over the same host's connection."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.bench.bench_terminal import COLUMNS, ROWS, Tmux, appear, quantile
from tests.bench.copying import MIB, MOST_MEMORY, fill
from tests.bench.table import Row
from tests.servers.sshd import RealSshd

LARGE = 1024 * MIB


async def rows() -> list[Row]:
    """Return the rows of typing while copying."""
    async with RealSshd() as server:
        here = server.folder / "here"
        here.mkdir()
        away, near = server.home / "away", here / "near"
        for path in (away, near):
            await asyncio.to_thread(fill, path, LARGE)
        figures = await _figures(server, away, near, here)
        table = []
        for way in ("down", "up"):
            table += _rows(way, figures[way])
        height = figures["memory"] // MIB
        table.append(
            Row(
                "  memory at its height, the screen included",
                f"{height} MiB",
                "-",
                height / MOST_MEMORY,
                f"<= 1 ({MOST_MEMORY} MiB)",
            )
        )
        return table


async def _figures(server: RealSshd, away: Path, near: Path, here: Path) -> dict[str, Any]:
    result = server.folder / "busy"
    words = [str(word) for word in (server.config_file, away, near, here, result)]
    tmux = Tmux()
    environment = ["env", f"PYTHONPATH={os.getcwd()}", "COLORTERM=truecolor"]
    await tmux.start([*environment, sys.executable, "-m", "tests.bench.busy_app", *words])
    try:
        figures: dict[str, Any] = json.loads(await appear(result))
        return figures
    finally:
        await tmux.stop()


def _rows(way: str, figures: dict[str, Any]) -> list[Row]:
    echoes = sorted(figures["echoes"])
    middle, late = quantile(echoes, 0.5), quantile(echoes, 0.99)
    alone, busy = figures["alone"], figures["busy"]
    return [
        Row(
            f"key to echo while 1 GiB is copied {way}",
            f"p50 {middle * 1000:.1f} ms, p99 {late * 1000:.0f} ms",
            "-",
            max(middle / 0.008, late / 0.033),
            "<= 1 (8, 33 ms)",
            f"{COLUMNS}x{ROWS}, {len(echoes)} keys, until drawn",
        ),
        Row(
            "  the copy meanwhile",
            f"{LARGE / busy / 1e6:.0f} MB/s",
            f"alone {LARGE / alone / 1e6:.0f} MB/s",
            alone / busy,
            ">= 0.9",
        ),
    ]
