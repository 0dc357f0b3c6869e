"""The app that `bench_panes` runs inside a real tmux: many terminals, some of them in sight.

``python -m tests.bench.panes_app CONFIG SHOWN HIDDEN RESULT`` opens a shell for each on the host
``sshd``, has every one receive a megabyte a second for a while, and writes as JSON what share of
a processor this process took and how late the slowest sender was.
"""

import asyncio
import json
import re
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Container

from sshdash import loop
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.manager import ConnectionManager
from sshdash.events import EventBus
from sshdash.paths import styles_dir
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.terminal.session import ShellSession
from sshdash.ui.theme import DARK
from sshdash.ui.widgets.terminal_view import TerminalView

SECONDS = 6
_SENDER = f"""
import sys, time
line = b"0123456789 the quick brown fox jumps over the lazy dog and more\\n"
piece = line * (1_000_000 // 20 // len(line))
began = time.monotonic()
for number in range({SECONDS} * 20):
    time.sleep(max(0, began + number / 20 - time.monotonic()))
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
print("late by", time.monotonic() - began - {SECONDS}, "s")
"""
_LATE = re.compile(r"late by (-?[0-9.e-]+) s")
_PATIENCE = 60.0


class PanesApp(App[None], inherit_bindings=False):
    """Terminals in a grid, and others that are not displayed."""

    CSS_PATH = styles_dir() / "terminal.tcss"
    CSS = "#shown { layout: grid; grid-size: 2; } #hidden { display: none; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, shown: list[ShellSession], hidden: list[ShellSession]) -> None:
        super().__init__()
        self.shown = shown
        self.hidden = hidden

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def compose(self) -> ComposeResult:
        with Container(id="shown"):
            yield from map(TerminalView, self.shown)
        with Container(id="hidden"):
            yield from map(TerminalView, self.hidden)

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name


async def measure(app: PanesApp, sender: Path, result: Path) -> None:
    """Send into all of them at once and write down what it took."""
    sessions = [*app.shown, *app.hidden]
    await asyncio.sleep(2)
    busy, began = time.process_time(), time.monotonic()
    for session in sessions:
        session.write(f"{sys.executable} {sender}\r".encode())
    await asyncio.sleep(SECONDS)  # to look at the screens meanwhile would cost something too
    lates: list[float] = []
    for session in sessions:
        while not (found := _LATE.search("\n".join(session.emulator.screen_text()))):
            if time.monotonic() > began + _PATIENCE:
                raise TimeoutError("a sender never ended")
            await asyncio.sleep(0.5)
        lates.append(float(found[1]))
    figures = {
        "share": (time.process_time() - busy) / SECONDS,
        "late": max(lates, default=0.0),
        "frames": sum(view.frames for view in app.query(TerminalView)),
    }
    part = result.with_suffix(".part")
    await asyncio.to_thread(part.write_text, json.dumps(figures))
    await asyncio.to_thread(part.rename, result)
    app.exit()


async def main(config: str, shown: int, hidden: int, result: Path) -> None:
    sender = result.parent / "sender.py"
    await asyncio.to_thread(sender.write_text, _SENDER)
    events = EventBus()
    resolver = Resolver(ConfigSource.standard(config))
    manager = ConnectionManager(resolver, RefusingPrompter(), events, Settings())
    sessions = [
        await ShellSession.open(await manager.lease("sshd", "shell"), events, columns=80, rows=24)
        for _ in range(shown + hidden)
    ]
    app = PanesApp(sessions[:shown], sessions[shown:])

    def started() -> None:
        app.run_worker(measure(app, sender, result))

    app.call_later(started)
    await app.run_async()
    for session in sessions:
        await session.close()
    await manager.close()


if __name__ == "__main__":
    loop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])))
