"""The app that `bench_listing` runs: a file pane lists one large folder of a host.

``python -m tests.bench.listing_app CONFIG FOLDER RESULT`` writes as JSON how many seconds passed
until there were rows, until all of them were there in order, the longest time that one turn of
the loop took of a processor, and by how much the process grew.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from asyncio.events import Handle
from collections.abc import Callable
from itertools import count
from pathlib import Path

from textual.pilot import Pilot

from sshdash import loop
from sshdash.cli.context import settle_screen
from sshdash.cli.entry import GARBAGE
from sshdash.config.source import ConfigSource
from sshdash.settings import Settings
from sshdash.ui.app import SSHDashApp
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.ui.widgets.file_panes import FilePanes

HOST = "bench"
_LOOK = 0.02
"""Seconds between two looks at the pane."""
_SETTLE = 0.5
"""Seconds after which everything is drawn."""


class Holds:
    """The longest that a callback held the loop, in processor time: others may run beside it."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._run = Handle._run

    def watch(self) -> None:
        """Look at every callback from now on."""
        run, holds = self._run, self

        def timed(handle: Handle) -> None:
            began = time.thread_time()
            run(handle)
            holds.longest = max(holds.longest, time.thread_time() - began)

        setattr(Handle, "_run", timed)  # noqa: B010


def is_there(pane: FilePane) -> bool:
    """Return whether everything of a pane is there."""
    if pane.problem is not None:
        raise RuntimeError(pane.problem.title)
    return pane.listed and not pane.browser.loading and not pane.is_waiting


async def until(ready: Callable[[], object]) -> None:
    """Wait until `ready` returns something true."""
    for _ in count():
        if ready():
            return
        await asyncio.sleep(_LOOK)


async def open_files(app: SSHDashApp, pilot: Pilot[None]) -> FilePane:
    """Open the files of the host, and return the pane that shows them."""
    hosts = app.workspace.cockpit.sidebar.hosts
    await until(lambda: app.backend.loaded and hosts.host == HOST)
    await pilot.press("f")
    await until(lambda: app.workspace.query(FilePanes))
    panes = app.workspace.query_one(FilePanes).panes
    await until(lambda: any(pane.endpoint == HOST for pane in panes))
    return next(pane for pane in panes if pane.endpoint == HOST)


async def measure(app: SSHDashApp, pane: FilePane, folder: bytes) -> dict[str, float]:
    """List the home folder, then the large one, and return what that took."""
    await until(lambda: is_there(pane))
    await asyncio.sleep(_SETTLE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    holds = Holds()
    holds.watch()
    began, busy = time.perf_counter(), time.process_time()
    app.workspace.panels.files.listings.open(pane, folder)
    await until(lambda: pane.browser.path == folder)
    first = time.perf_counter() - began
    await until(lambda: is_there(pane))
    whole = time.perf_counter() - began
    busy = time.process_time() - busy
    await asyncio.sleep(_SETTLE)
    listing, holds.longest = holds.longest, 0.0
    pane.browser.mark_all()
    pane.rows.marks_changed()
    await asyncio.sleep(_SETTLE)
    return {
        "first": first,
        "whole": whole,
        "busy": busy,
        "hold": listing,
        "marking": holds.longest,
        "rows": len(pane.browser.rows) - 1,
        "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
    }


async def main(config: str, folder: str, result: Path) -> None:
    """Run the app without a terminal, set up as the program, until everything is measured."""
    gc.set_threshold(*GARBAGE)
    app = SSHDashApp(
        Settings(audit=False), ConfigSource.standard(config), once_loaded=settle_screen
    )
    async with app.run_test(size=(140, 40)) as pilot:
        figures = await measure(app, await open_files(app, pilot), os.fsencode(folder))
        await asyncio.to_thread(result.write_text, json.dumps(figures))


if __name__ == "__main__":
    loop.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
