"""A file pane that goes to its host's shell, and a shell that is sent to the pane's folder."""

import sys
from pathlib import Path
from typing import cast

import pytest

from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.widgets.file_panes import FilePanes
from sshdash.ui.widgets.tabs import TabBar
from sshdash.ui.widgets.terminal_tab import TerminalTab
from tests.servers.sshd import RealSshd
from tests.ui.files_app import row_of, until
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


async def test_rows_dropped_on_another_tab_of_files_are_copied_to_its_folder(home: Path) -> None:
    async with RealSshd() as server, cockpit(server) as (app, pilot):
        (home / "gift.txt").write_text("for you")
        (server.home / "into").mkdir()
        first = await open_files(app, pilot)
        await pilot.press("tab")
        first.right.rows.cursor = row_of(first.right, "into")
        await pilot.press("enter")
        await until(pilot, lambda: first.right.browser.path == bytes(server.home / "into"))
        await app.workspace.panels._open_files("127.0.0.1")
        second = app.workspace.query(FilePanes).last()
        await until(pilot, lambda: second.left.listed)
        bar = app.workspace.query_one(TabBar)
        await pilot.mouse_down(second.left.rows, offset=(6, row_of(second.left, "gift.txt")))
        await pilot.hover(second.left.rows, offset=(9, 8))
        await pilot.hover(bar, offset=(5, 0))
        assert bar.drop_item == 0
        assert "into" in str(second.query_one(".drag-ghost").render())
        await pilot.mouse_up(bar, offset=(5, 0))
        await until(pilot, lambda: (server.home / "into" / "gift.txt").exists())
        assert bar.drop_item == -1
