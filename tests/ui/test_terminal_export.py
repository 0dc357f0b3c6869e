"""Exporting the scrollback: the command asks for the file, and before it replaces one."""

from pathlib import Path

from textual.widgets import Input

from sshdash.terminal.emulator import Emulator
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.text_input import TextInputDialog
from tests.ui.conftest import Cockpit, Start


async def export(c: Cockpit, path: Path) -> None:
    await c.press("ctrl+g", "W")
    await c.until(lambda: isinstance(c.app.screen, TextInputDialog) and c.app.screen.query(Input))
    c.app.screen.query_one(Input).value = str(path)
    await c.press("enter")


async def test_export_asks_for_a_file_and_before_it_replaces_one(
    cockpit: Start, tmp_path: Path
) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        tab.session.emulator = Emulator(20, 5)
        tab.session.emulator.feed(b"".join(b"line %d\r\n" % number for number in range(1000)))
        path = tmp_path / "shown.txt"
        await export(c, path)
        await c.until(path.exists)
        await c.until(lambda: any("000 lines" in told for told in c.told))
        assert path.read_text() == "".join(f"line {number}\n" for number in range(1000))
        path.write_text("mine")
        await export(c, path)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("escape")
        assert path.read_text() == "mine"
        await export(c, path)
        await c.until(lambda: isinstance(c.app.screen, ConfirmDialog))
        await c.press("y")
        await c.until(lambda: path.read_text() != "mine")


async def test_a_file_that_cannot_be_written_is_told(cockpit: Start, tmp_path: Path) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        tab.session.emulator = Emulator(20, 5)
        await export(c, tmp_path / "nowhere" / "shown.txt")
        await c.until(lambda: any("Cannot write the scrollback" in told for told in c.told))


async def test_without_a_shell_there_is_nothing_to_export(cockpit: Start) -> None:
    async with cockpit() as c:
        await c.press("ctrl+g", "W")
        await c.until(lambda: any("Go to a shell first" in told for told in c.told))
