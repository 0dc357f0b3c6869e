"""A cockpit on a backend that opens nothing, for tests of the screen alone."""

import asyncio
import html
import math
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import send2trash.plat_other
import textual.app
import textual.pilot
from textual import events
from textual.content import Content
from textual.pilot import Pilot
from textual.widget import Widget

from sshdash.backend import Backend
from sshdash.config.source import ConfigSource
from sshdash.errors import UnreachableError
from sshdash.events import ConnectionChanged, SessionChanged
from sshdash.prompts import Prompter
from sshdash.settings import Settings
from sshdash.sftp.job import TransferTotals
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.sync_keepers import Keepers
from sshdash.states import ConnectionState, SessionState
from sshdash.terminal.activity import Activity
from sshdash.terminal.effects import Effects
from sshdash.terminal.reports import Reports
from sshdash.terminal.serial import SerialLine
from sshdash.ui import questions, typing_ahead
from sshdash.ui.app import SSHDashApp
from sshdash.ui.controllers import shells
from sshdash.ui.straight_keys import take_straight
from tests.patience import PATIENCE
from tests.ui.files_app import furnish_left, furnish_right
from tests.ui.waiting import wait_for_idle, wait_for_screen

CONFIG = """\
Host bastion
    HostName 192.0.2.1
    User admin
Host web-1
    HostName 10.0.0.11
    User deploy
    ProxyJump bastion
Host db-1
    HostName 10.0.0.50
    User admin
    ProxyJump bastion
    LocalForward 5432 db:5432
    VerifyHostKeyDNS yes
Include {folder}/staging.conf
Host *
    ServerAliveInterval 30
"""
STAGING = """\
Host stage-1 stage-2
    User me
"""


_TURNS = 500
"""Turns of the loop in which a screen gets its focus."""


@dataclass
class FakeSession:
    """What a terminal tab needs of a shell."""

    id: str
    host: str
    title: str
    state: SessionState = SessionState.RUNNING
    written: list[bytes] = field(default_factory=list)
    directory: str = ""
    effects: Effects = field(default_factory=lambda: Effects(None))
    tell: Callable[[], None] = lambda: None
    is_recording: bool = False
    activity: Activity = field(default_factory=Activity)
    bells: int = 0
    bracketed: bool = False
    has_terminal: bool = True
    serial: SerialLine = field(default_factory=SerialLine)
    breaks: int = 0

    def send_break(self) -> None:
        self.breaks += 1

    def paste(self, text: str) -> None:
        self.written.append(text.encode())

    @property
    def emulator(self) -> Any:
        return SimpleNamespace(
            effects=SimpleNamespace(bells=self.bells),
            modes=SimpleNamespace(bracketed_paste=self.bracketed),
        )

    def record(self, wanted: bool) -> None:
        self.is_recording = wanted

    @property
    def reports(self) -> Reports:
        return Reports(self.effects, self.tell)

    @property
    def keyboard(self) -> Any:
        return SimpleNamespace(encode=lambda key, character: f"<{key}>".encode())

    def write(self, data: bytes) -> None:
        self.written.append(data)


class FakeView(Widget, can_focus=True):
    """Takes every key, as a terminal does."""

    takes_every_key = True

    def __init__(self, session: FakeSession, *, prefix: str) -> None:
        super().__init__()
        self.session = session
        self.prefix = prefix
        self.keys: list[str] = []

    def render(self) -> Content:
        return Content(f"terminal of {self.session.host}")

    def type_key(self, key: str, character: str | None) -> None:
        self.session.write(self.session.keyboard.encode(key, character))

    def take_key(self, event: events.Key) -> bool:
        return take_straight(self, self.on_key, event)

    def on_key(self, event: events.Key) -> None:
        if event.key != self.prefix:
            event.stop()
            event.prevent_default()
            self.press(event.key, event.character)

    def press(self, key: str, character: str | None) -> None:
        self.keys.append(key)

    def insert(self, text: str) -> None:
        self.keys.append(text)


@dataclass(frozen=True)
class FakeStatus:
    """What the board reads of a connection."""

    host: str
    state: ConnectionState
    reason: str = ""
    since: float = 0.0
    leases: dict[str, int] = field(default_factory=dict)
    keepalive_rtt: float | None = None
    attempts: int = 0
    retry_at: float | None = None
    gives_up: str = ""
    asking: bool = False
    agent_forwarded: bool = False
    spares: int = 0
    untrusted: str = ""
    timeline: Any = None


class FakeConnections:
    def __init__(self) -> None:
        self.states: dict[str, FakeStatus] = {}
        self.retried: list[str] = []

    def retry_now(self, host: str) -> None:
        self.retried.append(host)

    def status(self, host: str) -> FakeStatus:
        return self.states.get(host, FakeStatus(host, ConnectionState.IDLE))

    async def lease(self, host: str, purpose: str) -> Any:
        return SimpleNamespace(release=lambda: None)

    def all_states(self) -> list[ConnectionState]:
        return [status.state for status in self.statuses()]

    def statuses(self) -> list[FakeStatus]:
        return list(self.states.values())


class FakeTunnels:
    def __init__(self) -> None:
        self.listed: list[Any] = []

    def snapshots(self, host: str | None = None) -> list[Any]:
        return [one for one in self.listed if host is None or one.host == host]

    def states(self) -> list[tuple[str, Any]]:
        return [(one.host, one.state) for one in self.listed]

    def rates(self) -> tuple[float, float]:
        return sum(one.rate_up for one in self.listed), sum(one.rate_down for one in self.listed)

    def add(self, host: str, spec: object, source: str = "", rule: object = None) -> str:
        return f"{host} {spec}"

    def clients(self, identifier: str) -> list[Any]:
        return []

    async def launch(self) -> None:
        """Nothing opens by itself."""

    async def opens(self, identifier: str) -> None:
        """The household alone starts any, in the place of others' groups."""

    def look(self, tunnel: str) -> None:
        """Nothing is measured."""


class FakeHousehold:
    """No other process, and no rules that are kept."""

    def __init__(self, tunnels: FakeTunnels) -> None:
        self.tunnels = tunnels
        self.rules = SimpleNamespace(all=(), was_read=True, follow=self.nothing)

    async def nothing(self, *_: object) -> None:
        """There is nothing to do."""

    open = nothing

    async def start(self, tunnel: str) -> None:
        await self.tunnels.opens(tunnel)

    def snapshots(self, host: str | None = None) -> list[Any]:
        return self.tunnels.snapshots(host)

    def states(self) -> list[Any]:
        return [(one.host, one.state) for one in self.tunnels.snapshots()]


class FakeTransfers:
    def __init__(self) -> None:
        self.sum = TransferTotals()

    def snapshots(self) -> list[Any]:
        return []

    async def restore(self) -> list[str]:
        return []

    def totals(self) -> TransferTotals:
        return self.sum


class FakeBackend(Backend):
    """Reads a real configuration; its shells are answers prepared by the test."""

    fake_connections: FakeConnections
    fake_tunnels: FakeTunnels
    fake_transfers: FakeTransfers

    def __init__(self, settings: Settings, prompter: Prompter, source: ConfigSource) -> None:
        super().__init__(settings, prompter, source)
        self.opened: list[str] = []
        self.directories: list[str] = []
        self.closed: list[str] = []
        self.reopened: list[str] = []
        self.disconnected: list[str] = []
        self.refusal: Exception | None = None
        self.held: asyncio.Event | None = None
        """Where set, shells wait for it before they open."""
        self.fake_connections = FakeConnections()
        self.fake_tunnels = FakeTunnels()
        self.fake_transfers = FakeTransfers()

    async def load(self, terminals: bool = True) -> None:
        self.connections = self.fake_connections  # type: ignore[assignment]
        self.tunnels = self.fake_tunnels  # type: ignore[assignment]
        self.transfers = self.fake_transfers  # type: ignore[assignment]
        self.household = FakeHousehold(self.fake_tunnels)  # type: ignore[assignment]
        self.keepers = Keepers(self.filesystem, self.prompter, self.events)
        self.loaded = True

    async def close(self) -> None:
        self.loaded = False

    async def open_shell(
        self,
        host: str,
        columns: int,
        rows: int,
        command: str | None = None,
        directory: str = "",
    ) -> Any:
        await self.load()
        self.opened.append(host)
        self.directories.append(directory)
        if self.held is not None:
            await self.held.wait()
        if self.refusal is not None:
            reason = getattr(self.refusal, "title", "a defect")
            self.connect(host, ConnectionState.FAILED, reason)
            raise self.refusal
        session = FakeSession(f"{host}#{len(self.opened)}", host, host)
        self.sessions[session.id] = session  # type: ignore[assignment]
        self.connect(host, ConnectionState.CONNECTED)
        return session

    async def reopen_shell(self, session_id: str) -> None:
        self.reopened.append(session_id)
        self.move(session_id, SessionState.RUNNING)

    async def close_shell(self, session_id: str) -> None:
        self.closed.append(session_id)
        self.sessions.pop(session_id, None)

    async def filesystem(self, endpoint: str) -> Any:
        if not endpoint:
            return LocalFilesystem()
        raise UnreachableError("No files in this test", host=endpoint)

    async def disconnect(self, host: str) -> None:
        self.disconnected.append(host)

    def connect(self, host: str, state: ConnectionState, reason: str = "", **values: Any) -> None:
        """Put a host's connection into a state and tell."""
        old = self.fake_connections.status(host).state
        self.fake_connections.states[host] = FakeStatus(host, state, reason, **values)
        self.events.emit(ConnectionChanged(host, old, state, reason))

    def move(self, session_id: str, state: SessionState) -> None:
        """Put a shell into a state and tell."""
        session: Any = self.sessions[session_id]
        old, session.state = session.state, state
        self.events.emit(SessionChanged(session_id, session.host, old, state))


class Cockpit:
    """A running app, its pilot, and what tests ask of it."""

    def __init__(self, app: SSHDashApp, pilot: "Pilot[None]") -> None:
        self.app = app
        self.pilot = pilot

    @property
    def backend(self) -> FakeBackend:
        assert isinstance(self.app.backend, FakeBackend)
        return self.app.backend

    @property
    def hosts(self) -> Any:
        return self.app.workspace.cockpit.sidebar.hosts

    @property
    def tabs(self) -> list[Any]:
        return list(self.app.workspace.cockpit.tabs)

    @property
    def current(self) -> Any:
        return self.app.workspace.cockpit.current

    @property
    def told(self) -> list[str]:
        """Return the headings of all notices so far, the oldest first."""
        unread = self.app.workspace.cockpit.notices.unread
        notices = self.app.workspace.cockpit.notices.read()
        self.app.workspace.cockpit.notices.unread = unread
        return [f"{one.heading}: {one.body}" for one in reversed(notices)]

    @property
    def drawn(self) -> str:
        """Return the screen as text."""
        svg = self.app.export_screenshot().replace("&#160;", " ")
        return html.unescape(re.sub(r"<[^>]*>", "", svg))

    def takes_keys(self) -> bool:
        """Return whether the screen on top has its focus, and was drawn where it is a question."""
        screen = self.app.screen
        is_due = screen.focused is None and screen.AUTO_FOCUS != "" and screen.focus_chain
        is_unseen = self.app._questions._unread_until == math.inf
        return screen.is_mounted and not is_due and not is_unseen

    async def press(self, *keys: str) -> None:
        for _ in range(_TURNS):
            if self.takes_keys():
                break
            await asyncio.sleep(0)
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()
        # Until the last of them has had its effect, which may be the end.
        while self.app._ahead.busy and self.app.is_running:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def type(self, text: str) -> None:
        await self.press(*({" ": "space", "-": "minus", "@": "at"}.get(one, one) for one in text))

    async def until(self, condition: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait until the condition holds."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, "the condition never held"
            await self.pilot.pause(0.01)

    async def shell(self, host: str) -> Any:
        """Open a shell on a host of the list and wait until it has the focus."""
        before = len(self.tabs)
        self.app.workspace.shells.open(host)
        await self.until(lambda: len(self.tabs) > before and self.tabs[-1].view)
        await self.until(lambda: self.app.focused is self.tabs[-1].view)
        return self.tabs[-1]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pilot press the next key at once where a person would have read what was refused."""
    monkeypatch.setattr(typing_ahead, "HASTE", 0.0)
    monkeypatch.setattr(questions, "UNREAD", 0.0)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pilot wait for no widget that is gone, and for all that follows from a key."""
    monkeypatch.setattr(Pilot, "_wait_for_screen", wait_for_screen)
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", wait_for_idle)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a small ssh_config with a group."""
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    (folder / "staging.conf").write_text(STAGING)
    file = folder / "config"
    file.write_text(CONFIG.format(folder=folder))
    for one in folder.iterdir():
        one.chmod(0o600)
    return file


Start = Callable[..., Any]


@pytest.fixture
def cockpit(config: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Return what starts a cockpit: ``async with cockpit(size=(80, 24)) as c``."""
    monkeypatch.setattr(shells, "_terminal_view", lambda: FakeView)

    @asynccontextmanager
    async def start(
        size: tuple[int, int] = (120, 40),
        file: Path | None = None,
        host: str | None = None,
        **settings: Any,
    ) -> AsyncIterator[Cockpit]:
        source = ConfigSource.standard(str(file or config))
        app = SSHDashApp(Settings(**settings), source, host=host, make_backend=FakeBackend)
        async with app.run_test(size=size, notifications=True) as pilot:
            one = Cockpit(app, pilot)
            await one.until(lambda: app.backend.loaded)
            yield one

    return start


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """The folder in the left pane of a `FilesApp`."""
    return furnish_left(tmp_path)


@pytest.fixture
def right(tmp_path: Path) -> Path:
    """The folder in the right pane of a `FilesApp`."""
    return furnish_right(tmp_path)


@pytest.fixture
def bin_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the trash of the test keeps its files."""
    folder = home / "Trash"
    monkeypatch.setattr(send2trash.plat_other, "HOMETRASH_B", bytes(folder))
    monkeypatch.setattr(send2trash.plat_other, "HOMETRASH", str(folder))
    return folder / "files"
