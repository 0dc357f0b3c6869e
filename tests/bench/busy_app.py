"""The app that `bench_busy` runs inside a real tmux: a shell is typed in while files are copied.

``python -m tests.bench.busy_app CONFIG AWAY NEAR FOLDER RESULT`` copies the host's file AWAY and
the local file NEAR, each to the other side, alone and while keys are pressed in a shell on the
same host, and writes what it measured as JSON.
"""

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult

from sshdash import loop
from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.paths import styles_dir
from sshdash.prompts import ConflictChoice, RefusingPrompter
from sshdash.settings import Settings
from sshdash.sftp.entries import join, name_of
from sshdash.sftp.job import CopyRequest
from sshdash.states import TransferState
from sshdash.terminal.session import ShellSession
from sshdash.ui.theme import DARK
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.bench.terminal_app import Watch, appeared, type_keys

HOST = "sshd"


class BusyApp(App[None], inherit_bindings=False):
    """One terminal, and nothing else."""

    CSS_PATH = styles_dir() / "terminal.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: ShellSession) -> None:
        super().__init__()
        self.session = session

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def compose(self) -> ComposeResult:
        yield TerminalView(self.session)

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.query_one(TerminalView).focus()


async def copy(backend: Backend, request: CopyRequest) -> float:
    """Copy onto nothing, and return the seconds that took: a file that is replaced has to go."""
    [path] = request.paths
    copied = Path(os.fsdecode(join(request.target_dir, name_of(path))))
    await asyncio.to_thread(copied.unlink, missing_ok=True)
    began = time.perf_counter()
    snapshot = await backend.transfers.wait(backend.transfers.submit(request))
    if snapshot.state is not TransferState.DONE:
        raise RuntimeError(f"{snapshot.title}: {snapshot.reason} {snapshot.errors}")
    return time.perf_counter() - began


async def measure(app: BusyApp, backend: Backend, ways: dict[str, CopyRequest]) -> object:
    """Return for each way the seconds alone and with keys, and the echoes meanwhile."""
    watch = Watch(app.query_one(TerminalView))
    figures: dict[str, object] = {}
    for way, request in ways.items():
        await copy(backend, request)  # takes its memory from the system, which takes a while
        alone = await copy(backend, request)
        watch.echoes.clear()
        keys = asyncio.create_task(type_keys(watch))
        busy = await copy(backend, request)
        keys.cancel()
        await asyncio.gather(keys, return_exceptions=True)
        figures[way] = {"alone": alone, "busy": busy, "echoes": list(watch.echoes)}
    figures["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return figures


async def main(config: str, away: Path, near: Path, folder: Path, result: Path) -> None:
    """Run the app until everything is measured."""
    overwrite = ConflictChoice.OVERWRITE
    ways = {
        "down": CopyRequest(
            HOST, (os.fsencode(away),), "", os.fsencode(folder), conflict=overwrite
        ),
        "up": CopyRequest(
            "", (os.fsencode(near),), HOST, os.fsencode(away.parent), conflict=overwrite
        ),
    }
    source = ConfigSource.standard(config)
    async with Backend(Settings(audit=False), RefusingPrompter(), source) as backend:
        app = BusyApp(await backend.open_shell(HOST, 80, 24))

        async def run() -> None:
            figures = await measure(app, backend, ways)
            await asyncio.to_thread(appeared, result, json.dumps(figures))
            app.exit()

        app.call_later(lambda: app.run_worker(run()))
        await app.run_async()


if __name__ == "__main__":
    loop.run(main(sys.argv[1], *map(Path, sys.argv[2:6])))
