"""The app that `bench_terminal` runs inside a real tmux: one terminal, as large as the screen.

``python -m tests.bench.terminal_app CONFIG COMMAND RESULT`` opens a shell on the host ``sshd``,
types COMMAND, types keys meanwhile, and writes what it measured as JSON when `DONE` is drawn.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from textual.app import App, ComposeResult
from textual.events import Key

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

DONE = "flood is over"
KEY = "Ω"
_KEY_PAUSE = 0.05
_ECHO_PATIENCE = 5.0


class TerminalApp(App[None], inherit_bindings=False):
    """One terminal and nothing else."""

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


class Watch:
    """Measures from outside: what the emulator was fed, and when it was drawn next."""

    def __init__(self, view: TerminalView) -> None:
        self.view = view
        self.fed = 0
        self.finished = asyncio.Event()
        self.echoes: list[float] = []
        self._echoed = asyncio.Event()
        self._needle = b""
        channel = view.session._channel
        assert channel is not None
        self._feed = view.session.emulator.feed
        channel.intake._feed = self._watched

    def _watched(self, data: bytes) -> None:
        self._feed(data)
        self.fed += len(data)
        if self._needle and self._needle in data:
            self._needle = b""
            self._drawn_after(self._echoed)
        if DONE.encode() in data:
            self._drawn_after(self.finished)

    def _drawn_after(self, event: asyncio.Event) -> None:
        """Set `event` when a frame later than this moment was drawn."""
        frames = self.view.frames

        def look() -> None:
            if self.view.frames > frames:
                event.set()
            else:
                asyncio.get_running_loop().call_soon(look)

        look()

    async def echo(self, key: str = KEY) -> float:
        """Press a key as the terminal's input thread would, and return when it was drawn."""
        self._needle = key.encode()
        self._echoed.clear()
        began = time.perf_counter()
        driver = self.view.app._driver
        assert driver is not None
        await asyncio.to_thread(driver.process_message, Key(key, key))
        async with asyncio.timeout(_ECHO_PATIENCE):
            await self._echoed.wait()
        return time.perf_counter() - began


async def measure(app: TerminalApp, command: str, result: Path) -> None:
    """Run the flood, pressing keys meanwhile, and write down what came out."""
    view = app.query_one(TerminalView)
    watch = Watch(view)
    idle = []
    for key in "abcdefghij":
        await asyncio.sleep(0.2)
        idle.append(await watch.echo(key))
    view.session.write(b"\x15")
    await asyncio.sleep(0.5)
    frames, began = view.frames, time.perf_counter()
    view.session.write(command.encode() + b"\r")
    keys = asyncio.create_task(_type(watch))
    await watch.finished.wait()
    took = time.perf_counter() - began
    keys.cancel()
    await asyncio.gather(keys, return_exceptions=True)
    figures = {
        "seconds": took,
        "frames": view.frames - frames,
        "echoes": watch.echoes,
        "idle": idle,
        "size": [view.size.width, view.size.height],
    }
    await asyncio.to_thread(_write, result, json.dumps(figures))
    app.exit()


def _write(result: Path, text: str) -> None:
    """Write a file that appears complete or not at all."""
    part = result.with_suffix(".part")
    part.write_text(text)
    part.rename(result)


async def _type(watch: Watch) -> None:
    while True:
        await asyncio.sleep(_KEY_PAUSE)
        watch.echoes.append(await watch.echo())


async def main(config: str, command: str, result: Path) -> None:
    source = ConfigSource.standard(config)
    events = EventBus()
    manager = ConnectionManager(Resolver(source), RefusingPrompter(), events, Settings())
    lease = await manager.lease("sshd", "shell")
    session = await ShellSession.open(lease, events, columns=80, rows=24)
    app = TerminalApp(session)

    def started() -> None:
        app.run_worker(measure(app, command, result))

    app.call_later(started)
    await app.run_async()
    await session.close()
    await manager.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
