"""ProxyCommand and LocalCommand are lines for the user's shell, and leave nothing behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from sshdash.connections.local_command import run_local_command
from sshdash.connections.network.proxy import ProxyCommand
from sshdash.connections.timeline import Phase
from sshdash.errors import ConfigError, ConnectError
from sshdash.events import WarningRaised
from tests.live.connecting import connecting, until
from tests.live.option_kit import using
from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

# -- commands on this machine ----------------------------------------------------------------------


RELAY = """
import os, socket, sys, threading
sys.stderr.write(os.environ.get("SAID", ""))
sys.stderr.flush()
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536):
        far.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := far.recv(65536):
    os.write(1, data)
"""


def relay(server: RealSshd) -> str:
    """Return the command of a program that passes its input on to a host and a port."""
    path = server.folder / "relay.py"
    path.write_text(RELAY)
    return f"{sys.executable} {path}"


async def test_proxycommand_is_a_line_for_the_users_shell(
    sshd: RealSshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = sshd.folder / "seen"
    monkeypatch.setenv("SAID", "one\n\033[31mtwo\n")
    monkeypatch.setenv("WHERE", str(seen))
    command = f'sh -c \'echo "%n %r %% %k" > "$WHERE"; exec {relay(sshd)} %h %p\''
    async with using(sshd, ProxyCommand=command) as (client, connection):
        done = await connection.ssh.run("echo through")
        assert done.stdout == "through\n"
        timeline = client.manager.status("sshd").timeline
        assert timeline
        notes = [entry.text for entry in timeline.entries if entry.phase is Phase.PROXY]
        assert "one" in notes
        assert not any("\x1b" in note for note in notes)
    assert seen.read_text() == f"sshd {sshd.user} % sshd\n"


@pytest.mark.parametrize(("level", "heard"), [("INFO", True), ("ERROR", False)])
async def test_what_a_proxy_command_says_is_told_by_commands_as_it_is_said(
    sshd: RealSshd, level: str, heard: bool
) -> None:
    command = f'sh -c "echo open https://login.example >&2; exec {relay(sshd)} %h %p"'
    options = [f"ProxyCommand={command}", f"LogLevel={level}", "VisualHostKey=yes"]
    words = ["-F", sshd.config_file, "exec", *(f"-o{one}" for one in options), "sshd", "echo", "in"]
    process = await asyncio.create_subprocess_exec(
        *map(str, (sys.executable, "-m", "sshdash", *words)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert (process.returncode, output) == (0, b"in\n")
    assert (b"sshd: open https://login.example\n" in errors) is heard
    assert (b"--[ED25519 256]--" in errors) is heard
    assert (errors == b"") is not heard


async def test_a_proxy_command_that_fails_says_why_and_leaves_nothing(sshd: RealSshd) -> None:
    command = "sh -c 'printf \"no \\033]0;way\\007\\n\" >&2; exit 3'"
    with pytest.raises(ConnectError, match="ProxyCommand failed") as caught:
        async with using(sshd, ProxyCommand=command):
            pass
    assert "exit status 3" in caught.value.detail
    assert "no " in caught.value.detail
    assert "\x1b" not in caught.value.detail
    assert not zombies()


async def test_a_proxy_command_that_leaves_somebody_behind_holds_up_nothing(
    sshd: RealSshd,
) -> None:
    marker = sshd.folder / "left"
    command = f"sh -c 'setsid sleep 300 & echo $! > {marker}; exec {relay(sshd)} %h %p'"
    async with asyncio.timeout(50), using(sshd, ProxyCommand=command):
        pass
    assert not zombies()
    os.kill(int(marker.read_text()), signal.SIGKILL)


async def test_one_that_does_not_end_is_killed_though_nobody_waits_for_that_any_more(
    tmp_path: Path,
) -> None:
    begun = tmp_path / "begun"
    stubborn = f"sh -c 'trap \"\" HUP; echo $$ >{begun}.new; mv {begun}.new {begun}; sleep 300'"
    proxy = await ProxyCommand.start(stubborn, lambda _: None)
    await until(begun.exists)
    process = psutil.Process(int(await asyncio.to_thread(begun.read_text)))
    closing = asyncio.create_task(proxy.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
    await until(lambda: not process.is_running())


def zombies() -> list[int]:
    """Return the dead children that nobody collected; a server collects its own in its time."""
    children = psutil.Process().children()
    return [child.pid for child in children if child.status() == psutil.STATUS_ZOMBIE]


async def test_localcommand_runs_after_the_login_with_its_tokens(sshd: RealSshd) -> None:
    seen = sshd.folder / "seen"
    command = f"echo '%h %n %p %r %L %% %T %C' > {seen}; printf 'done \\033[2J'; cat"
    options = {"LocalCommand": command, "PermitLocalCommand": "yes"}
    async with using(sshd, **options) as (client, _):
        written = seen.read_text().split()
        assert written[:3] == ["127.0.0.1", "sshd", str(sshd.port)]
        assert written[5:7] == ["%", "NONE"]
        assert len(written[7]) == 40
        (told,) = [event for event in client.told(WarningRaised) if "LocalCommand" in event.title]
        assert told.detail.startswith("done ")
        assert "\x1b" not in told.detail


async def test_localcommand_needs_permission(sshd: RealSshd) -> None:
    seen = sshd.folder / "seen"
    async with using(sshd, LocalCommand=f"touch {seen}"):
        pass
    assert not seen.exists()


async def test_a_local_command_that_fails_is_told_and_the_connection_stays(sshd: RealSshd) -> None:
    options = {"LocalCommand": "exit 4", "PermitLocalCommand": "yes"}
    async with using(sshd, **options) as (client, connection):
        titles = [event.title for event in client.told(WarningRaised)]
        assert "The LocalCommand failed: exit status 4" in titles
        assert (await connection.ssh.run("echo up")).stdout == "up\n"


async def test_a_local_command_that_never_ends_ends_with_the_attempt(sshd: RealSshd) -> None:
    marker = sshd.folder / "running"
    command = f"echo $$ > {marker}; sleep 60"
    options = (("LocalCommand", command), ("PermitLocalCommand", "yes"))
    async with connecting(sshd.config_file, overrides=options) as client:
        attempt = asyncio.create_task(client.manager.lease("sshd", "test"))
        await until(lambda: marker.exists() and marker.read_text())
        attempt.cancel()
        await asyncio.wait([attempt])
        pid = int(marker.read_text())
        assert not psutil.pid_exists(pid)
        await until(lambda: not sshd.connections())


async def test_a_local_command_that_ends_as_its_login_is_given_up_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killpg = os.killpg

    def too_late(group: int, number: int) -> None:
        killpg(group, number)
        raise ProcessLookupError

    monkeypatch.setattr(os, "killpg", too_late)
    running = asyncio.create_task(run_local_command(f": >{tmp_path}/runs; exec sleep 60"))
    await until((tmp_path / "runs").exists)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("option", ["LocalCommand", "ProxyCommand"])
async def test_a_token_that_does_not_exist_is_told(sshd: RealSshd, option: str) -> None:
    options = {option: "echo %q", "PermitLocalCommand": "yes"}
    with pytest.raises(ConfigError):
        async with using(sshd, **options):
            pass
