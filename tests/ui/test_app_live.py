"""The whole cockpit against a real sshd: a shell, its loss, and a host key never seen before."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshdash.config.source import ConfigSource
from sshdash.settings import Settings
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.app import SSHDashApp
from sshdash.ui.screens.host_key import HostKeyDialog
from sshdash.ui.theme import Mark
from tests.servers.sshd import RealSshd
from tests.ui.conftest import Cockpit


@pytest.fixture
async def sshd() -> AsyncIterator[RealSshd]:
    """Run a real sshd."""
    async with RealSshd() as server:
        yield server


class Live(Cockpit):
    """A cockpit on the real backend."""

    def words(self) -> str:
        """Return what the terminal in sight shows."""
        screen: str = self.drawn
        return screen


async def test_a_shell_runs_and_its_end_is_told(sshd: RealSshd) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        c = Live(app, pilot)
        c.hosts.go_to("inner")
        await c.press("enter")
        await c.until(lambda: c.tabs and c.tabs[0].view and c.app.focused is c.tabs[0].view)
        assert app.backend.connections.status("sshd").state is ConnectionState.CONNECTED
        await c.type("echo $((6*7))-ok")
        await c.press("enter")
        await c.until(lambda: "42-ok" in c.words())
        await c.type("exit 7")
        await c.press("enter")
        await c.until(lambda: c.tabs[0].session.state is SessionState.EXITED)
        await c.until(lambda: "exit 7" in c.words() and c.tabs[0].tab_mark is Mark.IDLE)
        await c.press("enter")
        await c.until(lambda: c.tabs[0].tab_mark is Mark.UP)


async def test_a_lost_connection_is_shown_as_lost(sshd: RealSshd) -> None:
    settings = Settings(reconnect=False)
    app = SSHDashApp(settings, ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        c = Live(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view)
        await asyncio.to_thread(sshd.kill_connections)
        await c.until(lambda: c.tabs[0].tab_mark is Mark.FAILED)
        await c.until(lambda: "lost" in c.words())
        row = next(row for row in app.workspace.board.rows() if row.host == "sshd")
        assert row.mark is Mark.FAILED


async def test_a_lost_shell_counts_down_and_comes_back_by_itself(sshd: RealSshd) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Live(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view)
        await c.until(lambda: "sshd$" in c.words())
        c.hosts.go_to("sshd")
        await asyncio.to_thread(sshd.stop)
        await c.until(lambda: c.tabs[0].session.state is SessionState.LOST)
        await c.until(lambda: re.search(r"trying again in \d+ s · Enter tries now", c.words()))
        await c.until(lambda: re.search(r"retry \d+ s", c.tabs[0].tab_title))
        await c.until(lambda: c.tabs[0].tab_mark is Mark.BUSY)
        row = next(row for row in app.workspace.board.rows() if row.host == "sshd")
        assert row.mark is Mark.BUSY
        await c.until(lambda: re.search(r"◌ retry \d+ s · \d+ failed", c.words()))
        await c.until(lambda: "ctrl+g r try now" in c.words())
        await asyncio.to_thread(sshd.start)
        await c.press("enter")
        await c.until(lambda: c.tabs[0].tab_mark is Mark.UP)
        await c.until(lambda: "back after" in c.words())
        await c.until(lambda: any("sshd is back after" in one for one in c.told))
        assert "1 shell restored" in c.told[-1]
        assert not any("Enter tries now" in line for line in c.words().splitlines())


async def test_disconnecting_stops_the_attempts_and_leaves_nothing_waiting(sshd: RealSshd) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Live(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view)
        await asyncio.to_thread(sshd.stop)
        status = app.backend.connections.status
        await c.until(lambda: status("sshd").state is ConnectionState.WAITING)
        await c.press("ctrl+g", "d")
        await c.until(lambda: status("sshd").state is ConnectionState.IDLE)
        assert not app.backend.live()
        await asyncio.to_thread(sshd.start)
        await c.until(lambda: "Enter reconnects" in c.words())
        assert sshd.connections() == []
        await c.press("enter")
        await c.until(lambda: c.tabs[0].tab_mark is Mark.UP)


async def test_an_unknown_host_key_is_asked_for_before_anything_is_sent(sshd: RealSshd) -> None:
    known = Path(sshd.known_hosts)
    await asyncio.to_thread(known.write_text, "")
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        c = Live(app, pilot)
        await c.until(lambda: isinstance(app.screen, HostKeyDialog))
        await c.until(lambda: "SHA256:" in c.words())
        await c.press("escape")
        await c.until(lambda: c.tabs[0].tab_mark is Mark.FAILED)
        assert await asyncio.to_thread(known.read_text) == ""
        await c.press("enter")
        await c.until(lambda: isinstance(app.screen, HostKeyDialog))
        await c.press("right", "right", "enter")
        await c.until(lambda: c.tabs[0].view)
        assert "ssh-" in await asyncio.to_thread(known.read_text)
