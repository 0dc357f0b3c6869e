"""What outlives the screen, and what reaches the hosting terminal: in a real one."""

import sys
from pathlib import Path

import pytest

from sshdash.settings import settings_file
from sshdash.ui.layout_file import last_layout_file, read_layout
from tests.servers.sshd import RealSshd
from tests.servers.tmux import Tmux, installed
from tests.servers.tty import Tty


@pytest.fixture
def choose(home: Path) -> None:
    """Choose by settings.yaml, at home."""
    file = settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("restore: true\nnotify: bell\nnotify_after: 1\n")


@pytest.mark.usefixtures("choose")
async def test_the_terminals_of_the_last_time_are_opened_again(sshd: RealSshd) -> None:
    command = (*installed("sshdash", sys.executable), "-F", str(sshd.config_file))
    async with Tmux(*command, columns=140) as terminal:
        await terminal.wait_for("inner")
        await terminal.type("Enter")
        await terminal.wait_for(r"sshd\$")
        await terminal.type("C-g", "|")
        await terminal.wait_for(r"sshd\$ .*sshd\$")
        await terminal.write("echo $$-before")
        await terminal.type("Enter")
        await terminal.wait_for(r"\d+-before")
        await terminal.type("C-g", "q")
        await terminal.wait_for("2 shells will end")
        await terminal.type("y")
        await terminal.wait_for("^exit status 0")
    (tab,) = read_layout(last_layout_file()) or ()
    assert tab.hosts == ("inner", "inner")
    async with Tmux(*command, columns=140) as terminal:
        screen = await terminal.wait_for(r"sshd\$ .*sshd\$")
        assert "-before" not in screen, "they are new shells"
        await terminal.write("echo $((6*7))-again")
        await terminal.type("Enter")
        await terminal.wait_for(r"42-again")


@pytest.mark.usefixtures("choose")
def test_the_bell_tells_of_a_long_command_that_ended_out_of_sight(sshd: RealSshd) -> None:
    command = [sys.executable, "-m", "sshdash", "-F", str(sshd.config_file)]
    with Tty(command, 140, 40) as screen:
        screen.until("inner")
        screen.press("\r")
        screen.until("sshd$")
        screen.press(
            "printf '\\e]133;C\\a'; read -t 1.5; until [ -e seen ]; do sleep 0.1; done;"
            " printf '\\e]133;D;0\\a'; echo $((6*7))-over\r"
        )
        screen.until("-over")
        rung = screen.bells
        screen.press("\x07f")  # the files are in sight now
        screen.until("files local")
        (sshd.home / "seen").touch()
        screen.until("A command has ended")
        assert screen.bells == rung + 1
