"""The installed program in a real terminal, on a real sshd: shell, copy and tunnel."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sshdash.demo.services import echo, listening
from tests.patience import PATIENCE
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd
from tests.servers.tmux import Tmux, installed

PAYLOAD = bytes(range(256)) * 1200


@dataclass
class Stage:
    """What the person at the terminal has."""

    terminal: Tmux
    sshd: RealSshd
    home: Path
    forwarded: int
    """The port of the host's LocalForward, which leads to a service that echoes."""


@pytest.fixture
async def stage(
    sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """Open sshdash on an ssh_config with the host ``sshd``, as a person would: at home."""
    monkeypatch.chdir(home)
    async with listening(echo) as service:
        port = free_port()
        config = home / ".ssh" / "config"
        forward = f"Host sshd\n    LocalForward {port} 127.0.0.1:{service}\n\n"
        config.write_text(forward + sshd.config_file.read_text())
        config.chmod(0o600)
        (home / "letter.txt").write_text("dear server\n")
        async with Tmux(*installed("sshdash", sys.executable)) as terminal:
            await terminal.wait_for("inner")
            yield Stage(terminal, sshd, home, port)


async def test_shell_copy_and_tunnel_over_one_connection(stage: Stage) -> None:
    terminal = stage.terminal

    await terminal.type("Enter")
    await terminal.wait_for(r"sshd\$$")
    await terminal.write("echo $((6*7))")
    await terminal.type("Enter")
    await terminal.wait_for(r"\b42\b")

    await terminal.type("C-g", "f")
    await terminal.wait_for(r"letter\.txt")
    await terminal.wait_for(f"sshd ▾ +{stage.sshd.home}")
    await terminal.type("Down", "c")
    await terminal.wait_for(r"letter\.txt.*letter\.txt")
    assert (stage.sshd.home / "letter.txt").read_text() == "dear server\n"

    await terminal.type("C-g", "t")
    await terminal.wait_for(f":{stage.forwarded}")
    await terminal.type("Enter")
    await terminal.wait_for(r"● L .*up <1 min")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.forwarded)
    writer.write(PAYLOAD)
    assert await asyncio.wait_for(reader.readexactly(len(PAYLOAD)), PATIENCE) == PAYLOAD
    # The row has the rates; the lines below it have the totals.
    await terminal.wait_for(r"↑ +307 kB")
    await terminal.wait_for(r"↓ +307 kB")
    writer.close()

    assert len(stage.sshd.connections()) == 1


async def test_a_killed_server_is_a_lost_connection_and_the_shell_comes_back_by_itself(
    stage: Stage,
) -> None:
    terminal = stage.terminal
    await terminal.type("Enter")
    await terminal.wait_for(r"sshd\$$")
    await terminal.write("echo before")
    await terminal.type("Enter")
    await terminal.wait_for(r"(?<!echo )before")
    await asyncio.to_thread(stage.sshd.stop)
    screen = await terminal.wait_for(r"connection lost.* — trying again in \d+ s")
    assert re.search(r"(?<!echo )before", screen)
    assert re.search(r"◌ sshd +retry \d+ s", screen)
    await asyncio.to_thread(stage.sshd.start)
    await terminal.wait_for(r"connection lost.*back after \d+ s(.*\n)+.*sshd\$$", 60)
    await terminal.write("echo $((6*7))")
    await terminal.type("Enter")
    await terminal.wait_for(r"\b42\b")


async def open_shell(terminal: Tmux) -> None:
    await terminal.type("Enter")
    await terminal.wait_for(r"sshd\$$")


async def test_a_full_screen_program_gets_every_key(stage: Stage) -> None:
    terminal = stage.terminal
    await open_shell(terminal)
    await terminal.write('tmux -S "$HOME/nested" -f /dev/null new-session sh')
    await terminal.type("Enter")
    await terminal.wait_for(r"\[0\] 0:sh")
    await terminal.write("echo $((6*7))")
    await terminal.type("Enter")
    await terminal.wait_for(r"\b42\b")
    await terminal.type("C-b", "x")
    await terminal.wait_for("kill-pane 0")
    await terminal.type("y")
    await terminal.wait_for("exited")


async def test_the_remote_terminal_follows_the_window(stage: Stage) -> None:
    terminal = stage.terminal
    await open_shell(terminal)
    await terminal.write("stty size")
    await terminal.type("Enter")
    screen = await terminal.wait_for(r"▕\d+ \d+$")
    rows, columns = map(int, re.findall(r"▕(\d+) (\d+)$", screen, re.MULTILINE)[-1])
    await terminal.resize(120 + 20, 36 + 8)
    wanted = f"{rows + 8} {columns + 20}"
    await terminal.write(f'until [ "$(stty size)" = "{wanted}" ]; do sleep 0.1; done; echo "is "so')
    await terminal.type("Enter")
    await terminal.wait_for("is so$")


async def test_a_host_on_the_command_line_opens_at_once_and_its_end_is_told(
    sshd: RealSshd,
) -> None:
    command = installed("sshdash", sys.executable)
    async with Tmux(*command, "-F", str(sshd.config_file), "sshd") as terminal:
        await terminal.wait_for(r"sshd\$$")
        await terminal.write("exit 7")
        await terminal.type("Enter")
        await terminal.wait_for("exit(ed)? (status )?7")
        await terminal.type("Enter")
        await terminal.wait_for(r"7.*\n(.*\n)*.*sshd\$$")


async def test_leaving_restores_the_terminal(stage: Stage) -> None:
    await stage.terminal.type("q")
    screen = await stage.terminal.wait_for("^exit status 0")
    assert "Traceback" not in screen
    # The terminal echoes again what is typed, and nothing of the program is in sight.
    assert "inner" not in screen
    await stage.terminal.write("hello")
    await stage.terminal.wait_for("^hello")


async def test_a_terminal_is_searched_and_copied_from(stage: Stage) -> None:
    terminal = stage.terminal
    await open_shell(terminal)
    await terminal.write("seq -f 'row %g' 500")
    await terminal.type("Enter")
    await terminal.wait_for("row 500 *$")
    await terminal.type("C-g", "/")
    await terminal.wait_for("Aa text")
    await terminal.write("row 77")
    await terminal.wait_for(r"/ row 77 +1/1")
    await terminal.wait_for(r"▕row 77$")
    await terminal.type("Enter", "Escape")
    await terminal.wait_for(r"1/1 wrapped +\[\d+/\d+\]")
    await terminal.type("V", "j", "y")
    await terminal.wait_for("Copied 13 characters")
    await terminal.write("cat > copied")
    await terminal.type("Enter", "C-g", "]")
    await terminal.wait_for("Paste 2 lines")
    await terminal.type("Enter", "C-d")
    copied = stage.sshd.home / "copied"
    async with asyncio.timeout(PATIENCE):
        while not copied.exists() or "row 77\nrow 78" not in copied.read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_split_has_a_shell_of_its_own_on_the_same_connection(stage: Stage) -> None:
    terminal = stage.terminal
    await open_shell(terminal)
    await terminal.write("left=1")
    await terminal.type("Enter", "C-g", "|")
    await terminal.wait_for(r"│sshd\$ *$")
    await terminal.write("echo right-${left:-$((6*7))}")
    await terminal.type("Enter")
    await terminal.wait_for(r"│right-42")
    await terminal.type("C-g", "Left")
    await terminal.write("echo left-$left")
    await terminal.type("Enter")
    await terminal.wait_for(r"left-1 +│")
    await terminal.type("C-g", "z")
    await terminal.wait_for(r"pane 1/2")
    assert "right-42" not in await terminal.screen()
    assert len(stage.sshd.connections()) == 1
    await terminal.type("C-g", "z", "C-g", "x")
    await terminal.wait_for("End|Close|will end")


async def test_a_shell_is_recorded_and_played(stage: Stage) -> None:
    terminal = stage.terminal
    await open_shell(terminal)
    await terminal.type("C-g", "R")
    await terminal.wait_for("sshd ● REC")
    await terminal.wait_for("Recording")
    await terminal.write("tput bold; echo $((6*7)) recorded")
    await terminal.type("Enter")
    await terminal.wait_for("42 recorded")
    await terminal.type("C-g", "R")
    await terminal.wait_for("sshdash play")
    (file,) = recordings(stage.home)
    play = (*installed("sshdash", sys.executable), "play", file)
    async with Tmux(*play) as player:
        await player.wait_for("■ .* sshd .*q quit")
        screen = await player.wait_for("42 recorded")
        assert "tput bold" in screen
        await player.type("Space", "Left")
        await player.wait_for("‖ 0:00:00")
        await player.type("q")
        await player.wait_for("exit status 0")


def recordings(home: Path) -> list[str]:
    return [str(file) for file in home.glob(".local/state/sshdash/recordings/sshd/*.cast")]
