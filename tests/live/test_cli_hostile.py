"""Commands against hostile servers: nothing reaches the terminal raw, and no secret is kept."""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.patience import PATIENCE
from tests.servers.loopback import Faults, LoopbackServer, Phase
from tests.servers.tty import Tty

SSHDASH = (sys.executable, "-m", "sshdash")
ESCAPE = "\x1b]0;pwned\x07\x1b]52;c;eA==\x1b\\\x1b[2J\u202e\u009b31m"
RAW = ("\x1b", "\x07", "\u202e", "\u009b")
SECRET = "correct-horse-battery"
IN_COMMAND = "-pstaple"


def words(server: LoopbackServer, *rest: str) -> list[str]:
    return [*SSHDASH, "-vv", "-F", str(server.config_file), *rest]


async def run(server: LoopbackServer, *rest: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run,
        words(server, *rest),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def assert_harmless(text: str) -> None:
    assert not [char for char in RAW if char in text]
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "faults",
    [
        Faults(disconnect_at=Phase.AUTHENTICATING, disconnect_reason=ESCAPE),
        Faults(disconnect_at=Phase.SESSION, disconnect_reason=ESCAPE),
        Faults(banner=ESCAPE * 400, public_key=False, no_auth=True),
        Faults(public_key=False, prompts=((ESCAPE, False),), title=ESCAPE, instructions=ESCAPE),
        Faults(refuse_sessions=True),
    ],
    ids=["login", "session", "banner", "prompts", "sessions"],
)
@pytest.mark.parametrize("command", ["exec", "cp", "forward"])
async def test_what_servers_say_is_shown_and_never_acted_on(faults: Faults, command: str) -> None:
    rest = {
        "exec": ("exec", "loopback", "true"),
        "cp": ("cp", "loopback:nothing", "."),
        "forward": ("forward", "loopback", "-L", "0:localhost:99999"),
    }[command]
    async with LoopbackServer(faults) as server:
        done = await run(server, *rest)
        assert_harmless(done.stdout + done.stderr)
        assert done.stderr


async def test_a_version_with_escapes() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"SSH-1.5-{ESCAPE}\r\n".encode())
        await writer.drain()
        writer.close()

    async with LoopbackServer() as server:
        await server.stop()
        listening = await asyncio.start_server(greet, "127.0.0.1", server.port)
        done = await run(server, "exec", "loopback", "true")
        assert done.returncode == 255
        assert_harmless(done.stderr)
        listening.close()
        await listening.wait_closed()


async def test_what_is_typed_is_kept_nowhere(home: Path) -> None:
    faults = Faults(
        public_key=False,
        password=SECRET,
        both=True,
        prompts=((f"Code {ESCAPE}", False), ("Name", True)),
        answers=(f"{SECRET}-2", "me"),
    )
    async with LoopbackServer(faults) as server:
        shown = await asyncio.to_thread(_log_in, server)
    assert SECRET not in shown
    assert "\\x1b]0;pwned" in shown
    assert_kept_nowhere(home)


def assert_kept_nowhere(home: Path) -> None:
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "sshdash.log" and path.stat().st_size for path in kept)
    for path in kept:
        assert SECRET.encode() not in path.read_bytes(), path
        assert IN_COMMAND.encode() not in path.read_bytes(), path
        assert path.stat().st_mode & 0o077 == 0, path


def _log_in(server: LoopbackServer) -> str:
    """Log in wrongly and then rightly; return all that the terminal got."""
    with Tty(words(server, "exec", "loopback", f"echo in; : {IN_COMMAND}; read -r x")) as terminal:
        terminal.until("password:")
        terminal.press(f"{SECRET}-wrong\r")
        terminal.until("denied")
        terminal.press(f"{SECRET}\r")
        terminal.until("Code")
        terminal.press(f"{SECRET}-2\r")
        terminal.until("Name")
        terminal.press("me\r")
        terminal.until("in")
        terminal.settle()
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # others come and go
                assert SECRET not in " ".join([*process.cmdline(), *process.environ().values()])
        assert not any(char in terminal.sent.decode() for char in "\x1b\x07\u202e")
        return terminal.text


async def test_a_passphrase_is_asked_for_by_the_name_of_its_key() -> None:
    async with LoopbackServer() as server:
        key = str(server.identity)
        change = ["ssh-keygen", "-qp", "-N", SECRET, "-P", "", "-f", key]
        await asyncio.to_thread(subprocess.run, change, check=True)
        await asyncio.to_thread(_unlock, server)


def _unlock(server: LoopbackServer) -> None:
    with Tty(words(server, "exec", "loopback", "echo in")) as terminal:
        terminal.until(f"Passphrase for {server.identity}")
        terminal.press("wrong\r")
        terminal.until("Wrong passphrase.")
        terminal.press(f"{SECRET}\r")
        terminal.until("in\n")


async def test_a_banner_is_shown_once_however_much_is_asked() -> None:
    faults = Faults(
        public_key=False,
        banner="authorized users only",
        password=SECRET,
        both=True,
        prompts=(("Code", False),),
        answers=("1",),
    )
    async with LoopbackServer(faults) as server:
        shown = await asyncio.to_thread(_answer, server)
        assert shown.count("authorized users only") == 1


def _answer(server: LoopbackServer) -> str:
    with Tty(words(server, "exec", "loopback", "echo in")) as terminal:
        terminal.until("password:")
        terminal.press(f"{SECRET}\r")
        terminal.until("Code")
        terminal.press("1\r")
        terminal.until("in\n")
        return terminal.text
