"""The cockpit with tunnels, without a terminal, as `bench_rules` runs it.

``python -m tests.bench.tunnels_app CONFIG RESULT idle RULES HOSTS`` opens so many tunnels on the
hosts ``h0``, ``h1``, … and shows them; ``… bulk TARGET MIB`` types in a shell while so much comes
through one. What was measured is written to RESULT as JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from sshdash import loop
from sshdash.cli.context import settle_screen
from sshdash.config.source import ConfigSource
from sshdash.settings import Settings
from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind, parse_forward
from sshdash.ui.app import SSHDashApp
from sshdash.ui.widgets.terminal_view import TerminalView
from sshdash.ui.widgets.tunnel_table import TunnelTable
from tests.bench.forwarding import run_client
from tests.bench.terminal_app import Watch, appeared, type_keys
from tests.servers.ports import free_port

_LOOK = 0.1
_SETTLE = 5.0
_OPENED = 65.0
"""Seconds after which an open tunnel tells its age in minutes."""
_IDLE = 20.0
"""Seconds that idleness is measured for."""
_WARM = 512 << 20
"""Bytes after which memory should not grow."""


async def until(ready: Callable[[], object]) -> None:
    """Wait until `ready` returns something true."""
    for _ in count():
        if ready():
            return
        await asyncio.sleep(_LOOK)


async def idle(app: SSHDashApp, pilot: Any, rules: int, hosts: int) -> dict[str, Any]:
    """Return the share of a core that open tunnels take which nobody uses."""
    tunnels = app.backend.tunnels
    await pilot.press("t")
    await until(lambda: app.workspace.query(TunnelTable))
    empty = await _share(_IDLE / 2)
    for number in range(rules):
        host = f"h{number % hosts}"
        # A port of its own for each: the same forward twice is one tunnel.
        spec = parse_forward(Kind.DYNAMIC, f"127.0.0.1:{free_port()}")
        snapshot = await tunnels.start(tunnels.add(host, spec))
        if snapshot.state is not TunnelState.OPEN:
            raise RuntimeError(f"{host}: {snapshot.error}")
    await asyncio.sleep(_OPENED)
    return {"empty": empty, "share": await _share(_IDLE)}


async def _share(seconds: float) -> float:
    await asyncio.sleep(_SETTLE)
    busy, began = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    return (time.process_time() - busy) / (time.monotonic() - began)


async def bulk(app: SSHDashApp, target: int, size: int) -> dict[str, Any]:
    """Return how memory grows and how late keys are while `size` bytes come through."""
    await until(lambda: app.workspace.query(TerminalView))
    view = app.workspace.query_one(TerminalView)
    await until(lambda: "$" in "\n".join(view.session.emulator.screen_text()))
    watch = Watch(view)
    tunnels = app.backend.tunnels
    spec = parse_forward(Kind.LOCAL, f"127.0.0.1:0:127.0.0.1:{target}")
    snapshot = await tunnels.start(tunnels.add("h0", spec))
    port = int(snapshot.listen.rpartition(":")[2])
    keys = asyncio.create_task(type_keys(watch))
    await run_client(port, "down", _WARM)
    me = psutil.Process()
    before = most = me.memory_info().rss
    watch.echoes.clear()
    flow = asyncio.create_task(run_client(port, "down", size))
    while not flow.done():
        await asyncio.sleep(_LOOK)
        most = max(most, me.memory_info().rss)
    keys.cancel()
    await asyncio.gather(keys, return_exceptions=True)
    return {"grown": most - before, "echoes": watch.echoes, "seconds": (await flow)[0]}


async def main(config: str, result: Path, what: str, first: int, second: int) -> None:
    """Run the cockpit until everything is measured."""
    app = SSHDashApp(
        Settings(audit=False),
        ConfigSource.standard(config),
        host="h0" if what == "bulk" else None,
        once_loaded=settle_screen,
    )
    async with app.run_test(size=(140, 40)) as pilot:
        await until(lambda: app.backend.loaded)
        if what == "idle":
            figures = await idle(app, pilot, first, second)
        else:
            figures = await bulk(app, first, second << 20)
        await asyncio.to_thread(appeared, result, json.dumps(figures))


if __name__ == "__main__":
    loop.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:6])))
