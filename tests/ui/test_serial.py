"""The commands for serial consoles."""

from sshdash.terminal.serial import LineEnding
from tests.ui.conftest import Start


async def test_echo_endings_and_break(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        c.app.action_command("terminal.local_echo")
        await c.until(lambda: "[echo]" in tab.tab_title)
        c.app.action_command("terminal.line_ending")
        await c.until(lambda: "[echo LF]" in tab.tab_title)
        assert tab.session.serial.ending is LineEnding.LF
        assert any("Enter sends LF" in one for one in c.told)
        c.app.action_command("terminal.break")
        assert tab.session.breaks == 1


async def test_a_session_without_a_terminal_has_no_use_for_them(cockpit: Start) -> None:
    async with cockpit() as c:
        tab = await c.shell("web-1")
        tab.session.has_terminal = False
        c.app.action_command("terminal.local_echo")
        await c.until(lambda: any("no terminal" in one for one in c.told))
        assert not tab.session.serial.local_echo
