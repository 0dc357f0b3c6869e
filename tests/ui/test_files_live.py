"""Files and tunnels of the whole app against a real OpenSSH server."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widgets import Input

from sshdash.config.source import ConfigSource
from sshdash.settings import Settings
from sshdash.states import TunnelState
from sshdash.ui.app import SSHDashApp
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.conflict import ConflictScreen
from sshdash.ui.screens.forward_form import ForwardForm
from sshdash.ui.screens.secret import SecretDialog
from sshdash.ui.widgets.file_panes import FilePanes
from sshdash.ui.widgets.tunnel_table import TunnelTable
from tests.live.test_sftp_sudo import PASSWORD, stand_in
from tests.servers.sshd import RealSshd
from tests.ui.files_app import names, row_of, until

_HOST = "sshd"


@asynccontextmanager
async def cockpit(
    server: RealSshd, **settings: Any
) -> AsyncIterator[tuple[SSHDashApp, Pilot[Any]]]:
    source = ConfigSource.standard(str(server.config_file))
    app = SSHDashApp(Settings(connect_timeout=10, **settings), source)
    async with app.run_test(size=(140, 40)) as pilot:
        hosts = app.workspace.cockpit.sidebar.hosts
        await until(pilot, lambda: app.backend.loaded and hosts.host is not None)
        while hosts.host != _HOST:
            await pilot.press("down")
        yield app, pilot


async def open_files(app: SSHDashApp, pilot: Pilot[Any]) -> FilePanes:
    await pilot.press("f")
    await until(pilot, lambda: app.workspace.query(FilePanes))
    panes = app.workspace.query_one(FilePanes)
    await until(pilot, lambda: all(pane.listed for pane in panes.panes))
    return panes


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(autouse=True)
def started_at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local pane begins where the program was started."""
    monkeypatch.chdir(home)


async def test_copies_both_ways_and_asks_about_what_exists(home: Path) -> None:
    async with RealSshd() as server, cockpit(server) as (app, pilot):
        write(server.home / "remote.txt", "from there")
        write(home / "folder" / "local.txt", "from here")
        panes = await open_files(app, pilot)
        await pilot.press("tab", "ctrl+r")
        await until(pilot, lambda: "remote.txt" in names(panes.right))
        panes.right.rows.cursor = row_of(panes.right, "remote.txt")
        await pilot.press("c")
        await until(pilot, lambda: "remote.txt" in names(panes.left))
        await pilot.press("tab", "ctrl+r")
        await until(pilot, lambda: "folder" in names(panes.left))
        panes.left.rows.cursor = row_of(panes.left, "folder")
        await pilot.press("c")
        await until(pilot, lambda: "folder" in names(panes.right))
        assert (server.home / "folder" / "local.txt").read_text() == "from here"
        write(home / "remote.txt", "changed here")
        panes.left.rows.cursor = row_of(panes.left, "remote.txt")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConflictScreen))
        await pilot.press("k")
        await until(pilot, lambda: len(list(server.home.glob("remote*"))) == 2)
        assert (server.home / "remote.txt").read_text() == "from there"


async def test_a_killed_connection_is_told_and_enter_connects_again() -> None:
    async with RealSshd() as server, cockpit(server, reconnect=False) as (app, pilot):
        write(server.home / "kept.txt", "x")
        panes = await open_files(app, pilot)
        await pilot.press("tab")
        await until(pilot, lambda: server.kill_connections())
        await until(pilot, lambda: panes.right.problem)
        problem = panes.right.problem
        assert problem is not None
        assert problem.lost
        assert "kept.txt" in names(panes.right)
        assert panes.left.problem is None
        await pilot.press("enter")
        await until(pilot, lambda: panes.right.problem is None)
        assert "kept.txt" in names(panes.right)


async def test_a_pane_shows_the_files_as_root_and_as_oneself_again() -> None:
    server = RealSshd()
    tools = server.folder / "bin"
    write(tools / "sudo", stand_in())
    (tools / "sudo").chmod(0o755)
    (tools / "asks").touch()
    write(server.home / "folder" / "file", "x")
    server.options["setenv"] = f"HOME={server.home} PATH={tools}:{os.environ['PATH']}"
    async with server, cockpit(server) as (app, pilot):
        panes = await open_files(app, pilot)
        pane = panes.right
        panes.focus_pane(panes.left)
        await pilot.pause()
        assert "local files" in panes.why_not("files.become")
        panes.focus_pane(pane)
        await pilot.pause()
        assert panes.why_not("files.become") == ""
        pane.rows.cursor = row_of(pane, "folder")
        await pilot.press("enter")
        await until(pilot, lambda: "file" in names(pane))
        await pilot.press("number_sign")
        await until(pilot, lambda: isinstance(app.screen, SecretDialog))
        app.screen.query_one(Input).value = PASSWORD
        await pilot.press("enter")
        await until(pilot, lambda: pane.label == "sshd (root)" and "file" in names(pane))
        assert (tools / "became").read_text() == "root\n"
        await pilot.press("number_sign")
        await until(pilot, lambda: pane.label == "sshd" and "file" in names(pane))
        # A folder that root cannot list, as of a FUSE mount, leads back to oneself.
        (tools / "asks").unlink()
        (server.home / "folder").rename(server.home / "away")
        await pilot.press("number_sign")
        await until(pilot, lambda: pane.label == "sshd (root)" and pane.problem)
        (server.home / "away").rename(server.home / "folder")
        await pilot.press("number_sign")
        await until(pilot, lambda: pane.label == "sshd" and "file" in names(pane))


async def test_a_server_without_sftp_says_so_in_the_pane() -> None:
    async with RealSshd(subsystem="") as server, cockpit(server) as (app, pilot):
        await pilot.press("f")
        await until(pilot, lambda: app.workspace.query(FilePanes))
        panes = app.workspace.query_one(FilePanes)
        await until(pilot, lambda: panes.right.problem and panes.left.listed)
        assert not panes.right.listed


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def exchange(pilot: Pilot[Any], port: int, seen: Callable[[], Awaitable[None]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x" * 5000)
    assert await reader.readexactly(5000) == b"x" * 5000
    await seen()
    writer.close()
    await writer.wait_closed()


async def test_a_tunnel_is_added_counted_and_closed() -> None:
    async with RealSshd() as server, echo() as target, cockpit(server) as (app, pilot):
        await pilot.press("t")
        await until(pilot, lambda: app.workspace.query(TunnelTable))
        table = app.workspace.query_one(TunnelTable)
        await until(
            pilot, lambda: table.listing.rows.has_focus or table.query_one(".tunnels-empty")
        )
        app.action_command("tunnels.add")
        await until(pilot, lambda: isinstance(app.screen, ForwardForm))
        app.screen.query_one("#host", Input).value = _HOST
        app.screen.query_one("#listen", Input).value = "0"
        app.screen.query_one("#target", Input).value = f"127.0.0.1:{target}"
        await pilot.pause()
        app.screen.query_one("#listen", Input).focus()
        await pilot.press("enter")
        await until(
            pilot,
            lambda: table.listing.tunnels and table.listing.tunnels[0].state is TunnelState.OPEN,
        )
        port = int(table.listing.tunnels[0].listen.rpartition(":")[2])

        async def counted() -> None:
            await until(pilot, lambda: table.listing.tunnels[0].clients == 1)
            await until(pilot, lambda: table.listing.tunnels[0].bytes_down == 5000)

        await exchange(pilot, port, counted)
        await until(pilot, lambda: table.listing.tunnels[0].clients == 0)
        app.action_command("tunnels.toggle")
        await until(pilot, lambda: table.listing.tunnels[0].state is TunnelState.CLOSED)
        app.action_command("tunnels.remove")
        await until(pilot, lambda: not table.listing.tunnels)


async def test_rows_dragged_onto_a_host_of_the_sidebar_are_copied_to_its_home(home: Path) -> None:
    async with RealSshd() as server, cockpit(server) as (app, pilot):
        write(home / "gift.txt", "for you")
        panes = await open_files(app, pilot)
        hosts = app.workspace.cockpit.sidebar.hosts
        spot = (
            6,
            next(y for y in range(30) if (hosts.host_under(Offset(6, y)) or "?")[0] == _HOST),
        )
        await pilot.mouse_down(panes.left.rows, offset=(6, row_of(panes.left, "gift.txt")))
        await pilot.hover(panes.left.rows, offset=(9, 8))
        await pilot.hover(hosts, offset=spot)
        assert f"{_HOST}:~" in str(panes.query_one(".drag-ghost").render())
        assert hosts.drop_item == spot[1] + hosts.scroll_offset.y
        await pilot.mouse_up(hosts, offset=spot)
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: (server.home / "gift.txt").exists())
