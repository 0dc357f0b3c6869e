"""A terminal on the screen without a network, for the tests of what it shows and takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from sshdash.paths import styles_dir
from sshdash.states import SessionState
from sshdash.terminal.activity import Activity
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.keyboard import Keyboard, encode_paste
from sshdash.terminal.pasting import Pasting
from sshdash.terminal.pointer import Pointer
from sshdash.terminal.reports import Reports
from sshdash.terminal.selection import Selection
from sshdash.terminal.serial import SerialLine
from sshdash.terminal.session import ShellSession
from sshdash.ui.straight_keys import StraightKeysApp
from sshdash.ui.theme import DARK, LIGHT
from sshdash.ui.widgets.terminal_view import TerminalView
from tests.patience import PATIENCE

COLUMNS, ROWS = 40, 10


class FakeSession:
    """A session without a network: what is written is kept, what is fed is drawn."""

    def __init__(self) -> None:
        self.id = "host#1"
        self.host = "host"
        self.title = "host"
        self.state = SessionState.RUNNING
        self.exit_text = ""
        self.is_recording = False
        self.serial = SerialLine()
        self.activity = Activity()
        self.emulator = Emulator(80, 24)
        self.reports = Reports(self.emulator.effects, lambda: None)
        self.keyboard = Keyboard(self.emulator)
        self.pointer = Pointer(self.emulator)
        self.selection = Selection(self.emulator)
        self.pasting: Pasting | None = None
        self.ended_at = 0.0
        self.on_output: Callable[[], None] | None = None
        self.on_change: Callable[[], None] | None = None
        self.written = b""
        self.sizes: list[tuple[int, int]] = []

    def write(self, data: bytes) -> None:
        self.written += data

    def paste(self, text: str) -> None:
        self.write(encode_paste(text, bracketed=self.emulator.modes.bracketed_paste))

    def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))
        self.emulator.resize(columns, rows)

    def feed(self, data: bytes) -> None:
        self.emulator.feed(data)
        if self.on_output:
            self.on_output()

    def end(self, state: SessionState, text: str) -> None:
        self.state, self.exit_text = state, text
        if self.on_change:
            self.on_change()

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        written, self.written = self.written, b""
        return written


class TerminalApp(StraightKeysApp, inherit_bindings=False):
    """A terminal above an input, so that something else can have the focus."""

    CSS_PATH = styles_dir() / "terminal.tcss"
    CSS = "Input { height: 3; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, session: FakeSession) -> None:
        super().__init__()
        self.session = session
        self.told: list[Message] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK.variables

    def compose(self) -> ComposeResult:
        yield TerminalView(cast(ShellSession, self.session), prefix="ctrl+g")
        yield Input()

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.query_one(TerminalView).focus()

    def on_terminal_view_title_changed(self, message: TerminalView.TitleChanged) -> None:
        self.told.append(message)

    def on_terminal_view_bell_rang(self, message: TerminalView.BellRang) -> None:
        self.told.append(message)

    def on_terminal_view_session_ended(self, message: TerminalView.SessionEnded) -> None:
        self.told.append(message)

    def on_terminal_view_reopen_requested(self, message: TerminalView.ReopenRequested) -> None:
        self.told.append(message)

    def on_terminal_view_link_wanted(self, message: TerminalView.LinkWanted) -> None:
        self.told.append(message)

    def on_terminal_view_links_wanted(self, message: TerminalView.LinksWanted) -> None:
        self.told.append(message)

    def on_terminal_view_paste_asked(self, message: TerminalView.PasteAsked) -> None:
        self.told.append(message)

    def on_terminal_view_copy_requested(self, message: TerminalView.CopyRequested) -> None:
        self.told.append(message)


@dataclass
class Stage:
    app: TerminalApp
    session: FakeSession
    pilot: Pilot[None]
    view: TerminalView = field(init=False)

    def __post_init__(self) -> None:
        self.view = self.app.query_one(TerminalView)

    async def shows(self, data: bytes) -> list[str]:
        """Feed `data` and return the rows as drawn."""
        self.session.feed(data)
        await self.settle()
        return self.rows()

    async def settle(self) -> None:
        """Return once what was asked for is drawn."""
        await self.pilot.pause()
        clock = self.view._clock
        assert clock is not None
        async with asyncio.timeout(PATIENCE):
            while clock._handle is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await self.pilot.pause()

    def rows(self) -> list[str]:
        return [self.strip(y).text.rstrip() for y in range(self.view.size.height)]

    def strip(self, y: int) -> Strip:
        return self.view.render_line(y)

    def style_at(self, x: int, y: int) -> Style:
        for segment in self.strip(y).crop(x, x + 1):
            assert segment.style is not None
            return segment.style
        raise AssertionError("nothing there")

    def messages(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.app.told if isinstance(message, kind)]


@asynccontextmanager
async def on_stage() -> AsyncIterator[Stage]:
    session = FakeSession()
    app = TerminalApp(session)
    async with app.run_test(size=(COLUMNS, ROWS + 3)) as pilot:
        await pilot.pause()
        yield Stage(app, session, pilot)


def wheel(kind: type[events.MouseEvent]) -> events.MouseEvent:
    return kind(None, 0, 0, 0, 0, 0, shift=False, meta=False, ctrl=False)


async def drag(stage: Stage, start: tuple[int, int], end: tuple[int, int]) -> None:
    await stage.pilot.mouse_down(stage.view, offset=start)
    await stage.pilot.hover(stage.view, offset=end)
    await stage.pilot.mouse_up(stage.view, offset=end)
    await stage.settle()
