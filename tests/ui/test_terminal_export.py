"""Exporting the scrollback: the command asks for the file, and before it replaces one."""

from pathlib import Path

import pytest
from textual.widgets import Input

from sshdash.terminal.emulator import Emulator
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.text_input import TextInputDialog
from tests.ui.conftest import Cockpit, FakeSession, Start


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """Return the terminal of every shell."""
    one = Emulator(20, 5)
    monkeypatch.setattr(FakeSession, "emulator", one)
    return one


async def export(c: Cockpit, path: Path) -> None:
    c.app.action_command("terminal.export")
    await c.until(lambda: isinstance(c.app.screen, TextInputDialog) and c.app.screen.query(Input))
    c.app.screen.query_one(Input).value = str(path)
    await c.press("enter")


async def test_export_asks_for_a_file_and_before_it_replaces_one(
    cockpit: Start, tmp_path: Path, emulator: Emulator
) -> None:
    async with cockpit() as c:
        await c.shell("web-1")
        emulator.feed(b"".join(b"line %d\r\n" % number for number in range(1000)))
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


@pytest.mark.usefixtures("emulator")
async def test_a_file_that_cannot_be_written_is_told(cockpit: Start, tmp_path: Path) -> None:
    async with cockpit() as c:
        await c.shell("web-1")
        await export(c, tmp_path / "nowhere" / "shown.txt")
        await c.until(lambda: any("Cannot write the scrollback" in told for told in c.told))


async def test_without_a_shell_there_is_nothing_to_export(cockpit: Start) -> None:
    async with cockpit() as c:
        c.app.action_command("terminal.export")
        await c.until(lambda: any("Go to a shell first" in told for told in c.told))
