"""Splits against a real sshd: shells of their own on one connection, and typing in all of them."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from sshdash.config.source import ConfigSource
from sshdash.settings import Settings
from sshdash.states import SessionState
from sshdash.ui.app import SSHDashApp
from sshdash.ui.screens.picker import Picker
from sshdash.ui.theme import Mark
from tests.servers.sshd import RealSshd
from tests.ui.conftest import Cockpit


@pytest.fixture
async def sshd() -> AsyncIterator[RealSshd]:
    """Run a real sshd."""
    async with RealSshd() as server:
        yield server


def screens(c: Cockpit) -> list[str]:
    """Return what each pane of the tab in sight shows."""
    return ["\n".join(pane.session.emulator.screen_text()) for pane in c.current.panes]


async def test_a_split_types_into_a_shell_of_its_own_on_the_same_connection(
    sshd: RealSshd,
) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Cockpit(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view and "sshd$" in c.drawn)
        tab = c.tabs[0]
        before = len(sshd.connections())
        for count, key in ((2, "vertical_line"), (3, "minus")):
            await c.press("ctrl+g", key)
            await c.until(lambda: len(tab.panes) == count and tab.view)  # noqa: B023
            await c.until(lambda: all("sshd$" in one for one in screens(c)))
        assert len(sshd.connections()) == before
        assert app.backend.connections.status("sshd").leases == {"shell": 3}

        await c.until(lambda: app.focused is tab.panes[2].view)
        await c.type("stty size; exit 3")
        await c.press("enter")
        last = tab.panes[2]
        await c.until(lambda: last.session.state is SessionState.EXITED)
        rows, columns = last.view.size.height, last.view.size.width
        await c.until(lambda: f"{rows} {columns}" in screens(c)[2])
        await c.until(lambda: "exit 3 — Enter starts another shell" in c.drawn)
        assert all("stty" not in one for one in screens(c)[:2])
        await c.press("enter")
        await c.until(lambda: last.caption.mark is Mark.UP)

        # The border moves, and the remote is told.
        await c.press("ctrl+g", "ctrl+left")
        await c.until(lambda: app.screen is app.workspace)
        first, width = tab.panes[0], tab.panes[0].view.size.width
        await c.press("ctrl+g", "left")
        await c.until(lambda: app.focused is first.view)
        await c.type("stty size")
        await c.press("enter")
        await c.until(lambda: re.search(rf"\d+ {width}\b", screens(c)[0]))

        await c.press("ctrl+g", "b")
        await c.until(lambda: isinstance(app.screen, Picker))
        await c.press("enter")
        await c.until(lambda: "BROADCAST 3 panes" in c.drawn)
        await c.type("echo $((6*7))-all")
        await c.press("enter")
        await c.until(lambda: all("42-all" in one for one in screens(c)))


async def test_a_shell_goes_on_in_a_tab_of_its_own(sshd: RealSshd) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Cockpit(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view and "sshd$" in c.drawn)
        tab = c.tabs[0]
        await c.press("ctrl+g", "vertical_line")
        await c.until(lambda: len(tab.panes) == 2 and tab.view and "sshd$" in screens(c)[1])
        before = len(sshd.connections())
        await c.type("echo $((6*7))-all")
        await c.press("enter")
        await c.until(lambda: "42-all" in screens(c)[1])
        await c.press("ctrl+g", "exclamation_mark")
        await c.until(lambda: len(c.tabs) == 2 and app.focused is c.current.view)
        assert "42-all" in screens(c)[0]
        await c.until(lambda: "42-all" in c.drawn)
        await c.type("echo out-$((1+1))")
        await c.press("enter")
        await c.until(lambda: "out-2" in c.drawn)
        assert len(sshd.connections()) == before


async def test_a_pane_out_of_sight_draws_nothing_and_is_right_when_it_is_back(
    sshd: RealSshd,
) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Cockpit(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view and "sshd$" in c.drawn)
        tab = c.tabs[0]
        hidden = tab.view
        await c.press("ctrl+g", "vertical_line")
        await c.until(lambda: len(tab.panes) == 2 and tab.view and "sshd$" in screens(c)[1])
        await c.press("ctrl+g", "z")
        await c.until(lambda: not hidden.is_on_screen and tab.view.size.width == 120)
        frames = hidden.frames
        hidden.session.write(b"seq 1000 2000; echo $((1+1))-done\r")
        await c.until(lambda: "2-done" in screens(c)[0])
        await pilot.pause()
        assert hidden.frames == frames
        await c.press("ctrl+g", "z")
        await c.until(lambda: "2-done" in c.drawn and "2000" in c.drawn)


async def test_all_panes_of_a_lost_connection_come_back(sshd: RealSshd) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Cockpit(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view)
        tab = c.tabs[0]
        await c.press("ctrl+g", "vertical_line")
        await c.until(lambda: len(tab.panes) == 2 and tab.view)
        await asyncio.to_thread(sshd.kill_connections)
        await c.until(lambda: any("2 shells restored" in one for one in c.told))
        await c.until(lambda: all(pane.caption.mark is Mark.UP for pane in tab.panes))


@pytest.fixture
def folder(sshd: RealSshd) -> str:
    """Return a folder whose name has to be quoted, on a server whose shells stay in it."""
    (sshd.home / ".bashrc").write_text("PS1='sshd$ '\n")
    folder = sshd.home / "it's a $folder; exit"
    folder.mkdir()
    return str(folder)


async def test_a_split_starts_in_the_folder_the_shell_tells(sshd: RealSshd, folder: str) -> None:
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        c = Cockpit(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view and "sshd$" in c.drawn)
        session = await app.backend.open_shell("sshd", 150, 24, directory=folder)
        session.write(b"pwd; shopt login_shell\r")
        await c.until(lambda: folder in session.emulator.screen_text())
        await c.until(
            lambda: any(
                "login_shell" in one and "on" in one for one in session.emulator.screen_text()
            )
        )
        gone = await app.backend.open_shell("sshd", 150, 24, directory=f"{folder}/gone")
        await c.until(lambda: any("No such file" in one for one in gone.emulator.screen_text()))
        await c.until(lambda: "sshd$" in gone.emulator.screen_text())


async def test_a_split_follows_the_folder_that_bash_tells_at_every_prompt(
    sshd: RealSshd, folder: str
) -> None:
    (sshd.home / ".bashrc").write_text(
        "PS1='sshd$ '\n"
        "tell() { printf '\\e]7;file://%s%s\\a' \"$HOSTNAME\" "
        '"$(printf %s "$PWD" | sed \'s/%/%25/g; s/ /%20/g; s/;/%3B/g\')"; }\n'
        "PROMPT_COMMAND=tell\n"
    )
    app = SSHDashApp(Settings(), ConfigSource.standard(str(sshd.config_file)), host="sshd")
    async with app.run_test(size=(140, 30), notifications=True) as pilot:
        c = Cockpit(app, pilot)
        await c.until(lambda: c.tabs and c.tabs[0].view and "sshd$" in c.drawn)
        tab = c.tabs[0]
        session = tab.session
        session.write(f"cd {sshd.home}/it*\r".encode())
        await c.until(lambda: session.directory == folder)
        await c.press("ctrl+g", "minus")
        await c.until(lambda: len(tab.panes) == 2 and tab.view and "sshd$" in screens(c)[1])
        tab.session.write(b"pwd\r")
        await c.until(lambda: folder in screens(c)[1])
        assert len(sshd.connections()) == 1
