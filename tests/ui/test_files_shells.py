"""A file pane that goes to its host's shell, and a shell that is sent to the pane's folder."""

import sys
from pathlib import Path
from typing import cast

import pytest

from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.widgets.terminal_tab import TerminalTab
from tests.servers.sshd import RealSshd
from tests.ui.files_app import until
from tests.ui.test_files_live import cockpit, open_files


@pytest.fixture(autouse=True)
def started_at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local pane begins where the program was started."""
    monkeypatch.chdir(home)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
async def test_the_pane_goes_to_the_shell_and_the_shell_to_the_pane() -> None:
    async with RealSshd() as server, cockpit(server) as (app, pilot):
        place = server.home / "deep er" / "er"
        place.mkdir(parents=True)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.workspace.cockpit.current, TerminalTab))
        tab = cast(TerminalTab, app.workspace.cockpit.current)
        await until(pilot, lambda: tab.pane.is_running)
        session = tab.pane.session
        assert session is not None

        def screen() -> str:
            return "\n".join(session.emulator.screen_text())

        await until(pilot, lambda: "sshd$" in screen())
        session.write(f"cd '{place}'; echo is $((40+2))\r".encode())
        await until(pilot, lambda: "\nis 42" in screen())
        await pilot.press("ctrl+g", "h")
        panes = await open_files(app, pilot)
        await pilot.press("w")
        assert any("no shell" in notice.body for notice in app.workspace.cockpit.notices.read())
        await pilot.press("tab", "w")
        await until(pilot, lambda: panes.right.browser.path == bytes(place))
        await pilot.press("backspace")
        await until(pilot, lambda: panes.right.browser.path == bytes(place.parent))
        session.write(b"half typed")
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: "deep er'" in screen())
        session.write(b"pwd; echo is $((60+3))\r")
        await until(pilot, lambda: "\nis 63" in screen())
        assert f"\n{place.parent}\n" in "\n".join(line.rstrip() for line in screen().split("\n"))


async def test_without_a_shell_it_is_said() -> None:
    async with RealSshd() as server, cockpit(server) as (app, pilot):
        await open_files(app, pilot)
        await pilot.press("tab", "w")
        notices = app.workspace.cockpit.notices
        await until(pilot, lambda: any("No shell runs" in one.heading for one in notices.read()))
