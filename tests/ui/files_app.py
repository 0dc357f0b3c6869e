"""A small app around the file panes: real file systems and copies, no SSH."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from sshdash.backend import Backend
from sshdash.config.catalog import Catalog, HostEntry
from sshdash.config.source import ConfigSource
from sshdash.errors import ConnectionLost, SSHDashError
from sshdash.events import EventBus
from sshdash.paths import styles_dir
from sshdash.prompts import ScriptedPrompter
from sshdash.settings import Settings
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.sync_keepers import Keepers
from sshdash.states import ConnectionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.commands import COMMANDS
from sshdash.ui.controllers.files import FilesController
from sshdash.ui.theme import DARK, THEMES, own_variables
from sshdash.ui.widgets.file_messages import ChangeTransfer, FilesRequest
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.ui.widgets.file_panes import FilePanes
from tests.patience import PATIENCE

HOST = "web"
"""A host whose files are this machine's."""


class Connections:
    def __init__(self) -> None:
        self.state = ConnectionState.CONNECTED
        self.retried: list[str] = []
        self.interests: list[str] = []

    def statuses(self) -> list[Any]:
        return []

    def status(self, host: str) -> Any:
        return SimpleNamespace(host=host, state=self.state)

    def retry_now(self, host: str) -> None:
        self.retried.append(host)

    async def lease(self, host: str, purpose: str) -> Any:
        raise SSHDashError("there is no connection here")

    def interest(self, host: str, purpose: str) -> Any:
        self.interests.append(host)
        return SimpleNamespace(release=lambda: self.interests.remove(host))


class FakeBackend:
    """What the files controller uses of a backend."""

    def __init__(self, prompter: ScriptedPrompter) -> None:
        self.settings = Settings()
        self.source = ConfigSource(None, None)
        self.events = EventBus()
        self.loaded = True
        self.connections = Connections()
        self.catalog = Catalog((HostEntry(HOST, "config", 1, ""),), ())
        self.transfers = TransferQueue(self.filesystem, prompter, self.events, 2)
        self.keepers = Keepers(self.filesystem, prompter, self.events)
        self.unreachable: SSHDashError | None = None
        self.opened: list[str] = []

    async def load(self) -> None:
        """Everything is there."""

    def resolve(self, destination: str) -> Any:
        return SimpleNamespace(user="me", hostname=destination, port=22, get=dict[str, str]().get)

    async def filesystem(self, endpoint: str) -> Filesystem:
        self.opened.append(endpoint)
        if self.unreachable is not None and endpoint:
            raise self.unreachable
        return LocalFilesystem()


class FilesApp(App[None]):
    """Two panes: this machine on the left, a host on the right."""

    def __init__(self, left: Path, right: Path, *answers: object) -> None:
        super().__init__(css_path=sorted(styles_dir().glob("*.tcss")))
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.folders = left, right
        self.prompter = ScriptedPrompter(list(answers))
        self.fake = FakeBackend(self.prompter)
        self.panes = FilePanes(self.fake.transfers.snapshots)
        self.requests: list[Message] = []
        self.copied: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return own_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.panes

    def on_mount(self) -> None:
        screen = cast("Screen[None]", self.screen)
        self.cockpit = Cockpit(screen, cast(Backend, self.fake), self.prompter)
        self.cockpit.refresh_hosts = lambda: None
        self.controller = FilesController(self.cockpit)
        self.fake.events.subscribe(self.controller.on_event)
        left, right = self.folders
        self.controller.listings.use(self.panes.left, "", bytes(left))
        self.controller.listings.use(self.panes.right, HOST, bytes(right))
        self.panes.focus_pane()

    async def on_unmount(self) -> None:
        await self.fake.keepers.close()
        await self.fake.transfers.close()

    def copy_to_clipboard(self, text: str) -> None:
        self.copied.append(text)

    @on(FilesRequest)
    @on(ChangeTransfer)
    def _requested(self, message: Message) -> None:
        self.requests.append(message)
        self.controller.handle(message)

    def action_command(self, command_id: str) -> None:
        assert self.focused is not None
        command = COMMANDS[command_id]
        for owner in self.focused.ancestors_with_self:
            if hasattr(owner, command.action):
                reason = owner.why_not(command_id) if hasattr(owner, "why_not") else ""
                if reason:
                    self.cockpit.tell(command.title, reason)
                else:
                    getattr(owner, command.action)()
                return

    @property
    def told(self) -> list[str]:
        """What was told, newest first."""
        return [f"{notice.heading} {notice.body}" for notice in self.cockpit.notices.read()]


async def until(pilot: Pilot[Any], ready: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until `ready` returns something true."""
    async with asyncio.timeout(seconds):
        while not ready():
            await pilot.pause(0.01)
    await pilot.pause()


async def listed(pilot: Pilot[Any]) -> FilePanes:
    """Wait until both panes show their folders."""
    panes = pilot.app.query_one(FilePanes)
    await until(pilot, lambda: all(pane.listed or pane.problem for pane in panes.panes))
    return panes


def names(pane: FilePane) -> list[str]:
    """Return the labels of the rows."""
    return [entry.label for entry in pane.browser.rows]


def row_of(pane: FilePane, name: str) -> int:
    """Return the line of a label."""
    return names(pane).index(name)


def shown(pane: FilePane) -> list[str]:
    """Return the rows as they are drawn."""
    rows = pane.rows
    return ["".join(part.text for part in rows.render_line(y)) for y in range(rows.size.height)]


LOST = ConnectionLost("Connection lost", "keepalive timeout", host=HOST)


def furnish_left(tmp_path: Path) -> Path:
    """Make the folder of the left pane."""
    folder = tmp_path / "left"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "docs").mkdir()
    for number in (1, 2, 10):
        (folder / f"file{number}.txt").write_text("x" * number * 100)
    (folder / ".hidden").write_text("h")
    (folder / "src" / "main.py").write_text("print()\n")
    return folder


def furnish_right(tmp_path: Path) -> Path:
    """Make the folder of the right pane."""
    folder = tmp_path / "right"
    (folder / "inbox").mkdir(parents=True)
    (folder / "old.txt").write_text("old")
    return folder
