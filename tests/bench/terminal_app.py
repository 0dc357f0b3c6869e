"""The app that `bench_terminal` runs inside a real tmux: a large terminal above a small one.

``python -m tests.bench.terminal_app CONFIG COMMAND RESULT`` opens shells on the host ``sshd``,
types COMMAND into the large one and keys into the other meanwhile, and writes what it measured
as JSON when `DONE` is drawn.
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

from textual.app import ComposeResult
from textual.events import Key
from textual.screen import Screen

from sshdash import loop
from sshdash.config.resolver import Resolver
from sshdash.config.source import ConfigSource
from sshdash.connections.manager import ConnectionManager
from sshdash.events import EventBus
from sshdash.paths import styles_dir
from sshdash.prompts import RefusingPrompter
from sshdash.settings import Settings
from sshdash.terminal.session import ShellSession
from sshdash.ui.compositor import MarkingCompositor
from sshdash.ui.outlet import outlive_terminal
from sshdash.ui.straight_keys import StraightKeysApp
from sshdash.ui.theme import DARK
from sshdash.ui.widgets.terminal_view import TerminalView

DONE = "flood is over"
KEY = "z"
_KEY_PAUSE = 0.05
_ECHO_PATIENCE = 5.0
_SMALL_ROWS = 8


class TerminalApp(StraightKeysApp, inherit_bindings=False):
    """Two terminals, one below the other, and nothing else."""

    CSS_PATH = styles_dir() / "terminal.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: ShellSession, other: ShellSession) -> None:
        super().__init__()
        outlive_terminal(self.driver_class)
        self.session = session
        self.other = other

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def get_default_screen(self) -> Screen[None]:
        """Return a screen that is drawn as the cockpit's workspace is."""
        screen: Screen[None] = Screen(id="_default")
        screen._compositor = MarkingCompositor()
        return screen

    def compose(self) -> ComposeResult:
        yield TerminalView(self.session, id="large")
        yield TerminalView(self.other, id="small")

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.query_one("#small").styles.height = _SMALL_ROWS
        self.query_one("#large").styles.height = "1fr"
        self.query_one("#large").focus()


class Watch:
    """Measures from outside: what the emulator was fed, and when it was drawn next."""

    def __init__(self, view: TerminalView) -> None:
        self.view = view
        self.fed = 0
        self.awaited = b""
        """What sets `finished` when it was drawn."""
        self.finished = asyncio.Event()
        self.echoes: list[float] = []
        self._echoed = asyncio.Event()
        self._needle = b""
        channel = view.session._channel
        assert channel is not None
        self._feed = view.session.emulator.feed
        channel.intake._feed = self._watched
        self._undrawn: list[asyncio.Event] = []
        self._drawn_at = 0.0
        clock = view._clock
        assert clock is not None
        self._draw_view, clock._draw = clock._draw, self._draw

    def _watched(self, data: bytes) -> None:
        self._feed(data)
        self.fed += len(data)
        if self._needle and self._needle in data:
            self._needle = b""
            self._undrawn.append(self._echoed)
        if self.awaited and self.awaited in data:
            self.awaited = b""
            self._undrawn.append(self.finished)

    def _draw(self) -> bool:
        """Draw, and note when what was fed before was drawn."""
        frames = self.view.frames
        seen = self._draw_view()
        if self.view.frames > frames:
            self._drawn_at = time.perf_counter()
            for event in self._undrawn:
                event.set()
            self._undrawn.clear()
        return seen

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
        return self._drawn_at - began


async def measure(app: TerminalApp, command: str, result: Path) -> None:
    """Run the flood, pressing keys meanwhile, and write down what came out."""
    gc.freeze()  # as the program does once everything is loaded
    view = app.query_one("#large", TerminalView)
    small = app.query_one("#small", TerminalView)
    watch, other = Watch(view), Watch(small)
    idle = []
    for key in "abcdefghij" * 3:
        await asyncio.sleep(0.1)
        idle.append(await watch.echo(key))
    view.session.write(b"\x15")
    await asyncio.sleep(0.5)
    small.focus()
    await asyncio.sleep(0.5)
    frames, began = view.frames, time.perf_counter()
    watch.awaited = DONE.encode()
    view.session.write(command.encode() + b"\r")
    keys = asyncio.create_task(type_keys(other))
    await watch.finished.wait()
    took = time.perf_counter() - began
    keys.cancel()
    await asyncio.gather(keys, return_exceptions=True)
    figures = {
        "seconds": took,
        "frames": view.frames - frames,
        "echoes": other.echoes,
        "idle": idle,
        "interrupt": await interrupt(view, watch),
        "size": [view.size.width, view.size.height],
    }
    await asyncio.to_thread(appeared, result, json.dumps(figures))
    app.exit()


async def interrupt(view: TerminalView, watch: Watch) -> float:
    """Return the seconds from Ctrl-C in an endless flood until the prompt is drawn again."""
    view.focus()
    view.session.write(b"PS1='pro''mpt> '; yes\r")
    await asyncio.sleep(1.0)
    watch.finished.clear()
    watch.awaited = b"prompt> "
    began = time.perf_counter()
    driver = view.app._driver
    assert driver is not None
    await asyncio.to_thread(driver.process_message, Key("ctrl+c", "\x03"))
    async with asyncio.timeout(_ECHO_PATIENCE):
        await watch.finished.wait()
    return time.perf_counter() - began


def appeared(result: Path, text: str) -> None:
    """Write a file that appears complete or not at all."""
    part = result.with_suffix(".part")
    part.write_text(text)
    part.rename(result)


async def type_keys(watch: Watch) -> None:
    """Press keys until cancelled, one at a time."""
    while True:
        await asyncio.sleep(_KEY_PAUSE)
        watch.echoes.append(await watch.echo())


async def main(config: str, command: str, result: Path) -> None:
    source = ConfigSource.standard(config)
    events = EventBus()
    manager = ConnectionManager(Resolver(source), RefusingPrompter(), events, Settings())
    shells = [
        await ShellSession.open(await manager.lease("sshd", "shell"), events, columns=80, rows=24)
        for _ in range(2)
    ]
    app = TerminalApp(*shells)

    def started() -> None:
        app.run_worker(measure(app, command, result))

    app.call_later(started)
    await app.run_async()
    for session in shells:
        await session.close()
    await manager.close()


if __name__ == "__main__":
    loop.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
