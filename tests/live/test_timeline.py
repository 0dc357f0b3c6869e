"""The timeline of real attempts: every phase, its outcome, and how commands tell it."""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sshdash.connections.timeline import Entry, Phase, Timeline
from sshdash.connections.timeline_text import text_lines
from sshdash.demo.services import listening
from sshdash.errors import SSHDashError
from sshdash.events import BannerReceived
from sshdash.prompts import HostKeyAnswer
from tests.live.connecting import Client, connecting, until
from tests.servers.hostile import says_nothing
from tests.servers.loopback import Faults, LoopbackServer
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

SSHDASH = (sys.executable, "-m", "sshdash")


def run(server: RealSshd, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run sshdash on the configuration of a server."""
    return subprocess.run(
        [*SSHDASH, "-F", str(server.config_file), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def timeline_of(client: Client, host: str) -> Timeline:
    timeline = client.manager.status(host).timeline
    assert timeline is not None
    return timeline


def steps(timeline: Timeline, hop: str = "") -> list[Entry]:
    """Return what everybody sees of one host's steps."""
    return [entry for entry in timeline.entries if entry.hop == hop and not entry.detail]


async def test_every_phase_in_order_with_its_time(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        assert await client.run("sshd", "echo ok") == "ok\n"
        timeline = timeline_of(client, "sshd")
    done = [entry for entry in steps(timeline) if entry.outcome == "ok"]
    order = [Phase.RESOLVE, Phase.TCP, Phase.GREETING, Phase.KEX, Phase.HOST_KEY, Phase.AUTH]
    assert list(dict.fromkeys(entry.phase for entry in done)) == order
    assert all(entry.took is not None and 0 <= entry.took < 30 for entry in done)
    assert [entry.at for entry in done] == sorted(entry.at for entry in done)
    texts = {entry.phase: entry.text for entry in done}
    assert texts[Phase.TCP] == f"127.0.0.1 port {sshd.port}"
    assert texts[Phase.GREETING].startswith("OpenSSH_")
    assert texts[Phase.KEX].split(", ")[1:3] == ["ssh-ed25519", "aes128-gcm@openssh.com"]
    assert "ssh-ed25519 SHA256:" in texts[Phase.HOST_KEY]
    assert "publickey ssh-ed25519 SHA256:" in texts[Phase.AUTH]
    assert timeline.failure is None
    assert timeline.ended is not None


async def test_the_steps_of_a_jump_host_are_among_those_behind_it(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        await client.run("inner", "true")
        timeline = timeline_of(client, "inner")
    assert {entry.phase for entry in steps(timeline, "sshd")} >= {Phase.RESOLVE, Phase.AUTH}
    own = steps(timeline)
    assert (own[0].phase, own[0].text) == (Phase.JUMP, "sshd")
    assert "from the jump host" in own[1].text
    assert own[-1].phase is Phase.AUTH


async def test_each_try_has_the_answer_of_the_server() -> None:
    faults = Faults(public_key=False, password="right")
    async with LoopbackServer(faults) as server:
        answers = (("wrong",), ("right",))
        async with connecting(server.config_file, *answers) as client:
            (await client.manager.lease("loopback", "x")).release()
            timeline = timeline_of(client, "loopback")
    tries = [entry for entry in steps(timeline) if entry.phase is Phase.AUTH]
    assert [(entry.text, entry.outcome) for entry in tries] == [
        ("the server takes password", "ok"),
        ("password: refused; the server takes password", "failed"),
        ("password", "ok"),
    ]
    assert "right" not in "\n".join(text_lines(timeline, detail=True))


async def test_an_unknown_host_key_is_a_step_of_its_own(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    async with connecting(sshd.config_file, HostKeyAnswer.ACCEPT) as client:
        await client.run("sshd", "true")
        timeline = timeline_of(client, "sshd")
    assert any("SHA256:" in entry.text for entry in steps(timeline))
    assert timeline.failure is None


async def test_a_failure_names_the_last_good_step_and_the_one_that_failed(sshd: RealSshd) -> None:
    async with connecting(sshd.config_file) as client:
        with pytest.raises(SSHDashError):
            await client.manager.lease("nobody@sshd", "x")
        timeline = timeline_of(client, "nobody@sshd")
    assert timeline.last_good is not None
    assert timeline.broken is not None
    assert timeline.last_good.phase is Phase.HOST_KEY
    assert timeline.broken.phase is Phase.AUTH
    text = "\n".join(text_lines(timeline))
    assert "last good step: host key" in text
    assert "failed at: login" in text
    assert "→ " in text


async def test_a_cancelled_attempt_ends_its_timeline(tmp_path: Path) -> None:
    config = tmp_path / "config"
    async with listening(says_nothing) as port:
        config.write_text(f"Host mute\n    HostName 127.0.0.1\n    Port {port}\n")
        async with connecting(config) as client:
            attempt = asyncio.create_task(client.manager.lease("mute", "x"))
            await until(lambda: client.manager.status("mute").timeline)
            found = timeline_of(client, "mute")
            await until(lambda: len(found.entries) == 3)
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
            assert found.ended is not None
            assert found.broken is not None
            assert found.broken.phase is Phase.GREETING


async def test_a_proxy_command_is_named_without_its_arguments(sshd: RealSshd) -> None:
    more = "    ProxyCommand sh -c 'PASSWORD=hunter2 exec nc %h %p'\n"
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(text.replace("Host sshd inner\n", f"Host sshd inner\n{more}"))
    async with connecting(sshd.config_file) as client:
        with contextlib.suppress(SSHDashError):  # a machine without nc: the step is there, too
            (await client.manager.lease("sshd", "x")).release()
        timeline = timeline_of(client, "sshd")
    assert steps(timeline)[0].text == "sh"
    assert "hunter2" not in "\n".join(text_lines(timeline, detail=True))


# -- commands ---------------------------------------------------------------------------------


def test_exec_tells_the_steps_on_request(sshd: RealSshd) -> None:
    done = run(sshd, "-v", "exec", "inner", "--", "echo", "ok")
    assert done.stdout == "ok\n"
    lines = done.stderr.splitlines()
    assert any(line.startswith("sshd: ") and " key exchange " in line for line in lines)
    assert any(line.startswith("inner: ") and " host key " in line for line in lines)
    assert any(line.startswith("inner: connected in ") for line in lines)
    assert any(" channel " in line for line in lines)
    assert not any("we offer" in line for line in lines)
    assert all(" ms" in line or " s" in line for line in lines)


def test_exec_tells_more_with_two(sshd: RealSshd) -> None:
    done = run(sshd, "-vv", "exec", "sshd", "--", "true")
    assert "we offer ciphers: aes128-gcm@openssh.com" in done.stderr
    assert "the server offers host keys: " in done.stderr


@pytest.mark.parametrize(("level", "told"), [("VERBOSE", True), ("DEBUG", True), ("INFO", False)])
def test_log_level_asks_for_it_too(sshd: RealSshd, level: str, told: bool) -> None:
    done = run(sshd, "-o", f"LogLevel={level}", "exec", "sshd", "--", "true")
    assert ("key exchange" in done.stderr) is told


def test_log_level_error_silences_warnings(sshd: RealSshd) -> None:
    words = ("-o", "StrictHostKeyChecking=accept-new", "exec", "sshd", "--", "true")
    sshd.known_hosts.write_text("")
    assert "New host key added" in run(sshd, *words).stderr
    sshd.known_hosts.write_text("")
    assert run(sshd, "-o", "LogLevel=ERROR", *words).stderr == ""


async def test_log_level_error_silences_banners() -> None:
    async with LoopbackServer(Faults(banner="Welcome")) as server:
        for level, banners in (("INFO", 1), ("ERROR", 0)):
            quiet = (("LogLevel", level),)
            async with connecting(server.config_file, overrides=quiet) as client:
                await client.run("loopback", "true")
                assert len(client.told(BannerReceived)) == banners


def test_a_failed_command_says_how_far_it_came(sshd: RealSshd) -> None:
    done = run(sshd, "-v", "exec", "nobody@sshd", "--", "true")
    assert done.returncode == 255
    assert " FAILED  login " in done.stderr
    assert "; the last good step was host key (" in done.stderr
    assert "sshdash: nobody@sshd: Permission denied" in done.stderr


def test_copies_and_forwards_tell_it_too(sshd: RealSshd, tmp_path: Path) -> None:
    (sshd.home / "file").write_text("x")
    done = run(sshd, "-v", "cp", "-q", "sshd:file", str(tmp_path))
    assert done.returncode == 0
    assert "sshd: connected in " in done.stderr
    assert done.stdout == ""
    words = ("-v", "forward", "nobody@sshd", "-L", "0:127.0.0.1:1")
    done = run(sshd, *words)
    assert done.returncode == 255
    assert " FAILED  login " in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("exec", "dead", "--", "true"),
        ("cp", "-q", "dead:x", "."),
        ("forward", "dead", "-L", "0:127.0.0.1:1", "--no-reconnect"),
    ],
)
def test_where_ssh_could_not_connect_the_status_is_the_same(
    sshd: RealSshd, tmp_path: Path, words: tuple[str, ...]
) -> None:
    sshd.config_file.write_text("Host dead\n    HostName 127.0.0.1\n    Port 9\n")
    done = subprocess.run(
        [*SSHDASH, "-F", str(sshd.config_file), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
        env=os.environ,
    )
    assert done.returncode == 255
    assert "dead: Connection refused" in done.stderr
    assert "→ nothing listens there" in done.stderr
    assert "Traceback" not in done.stderr


# -- the screen -------------------------------------------------------------------------------


async def test_the_screen_shows_it_live_and_after_a_failure(tmp_path: Path) -> None:
    config = tmp_path / "config"
    async with listening(says_nothing) as port:
        config.write_text(
            f"Host mute\n    HostName 127.0.0.1\n    Port {port}\n    ConnectTimeout 3\n"
        )
        config.chmod(0o600)
        await asyncio.to_thread(_watch_it_fail, config, port)


async def test_a_file_pane_says_what_it_waits_for(tmp_path: Path) -> None:
    config = tmp_path / "config"
    async with listening(says_nothing) as port:
        config.write_text(f"Host mute\n    HostName 127.0.0.1\n    Port {port}\n")
        config.chmod(0o600)
        await asyncio.to_thread(_watch_a_pane, config)


def _watch_a_pane(config: Path) -> None:
    with Tty([*SSHDASH, "-F", str(config)]) as terminal:
        terminal.until("○ mute")
        terminal.press("f")
        terminal.until("connecting: identification…")


def _watch_it_fail(config: Path, port: int) -> None:
    with Tty([*SSHDASH, "-F", str(config), "mute"]) as terminal:
        terminal.until("◌ identification")
        assert f"● connection      127.0.0.1 port {port}" in terminal.text
        terminal.until("Enter  try again")
        assert "✖ No SSH greeting" in terminal.text
        assert "✖ identification" in terminal.text
        terminal.press("l")
        terminal.until("last good step: connection, failed at: identification, after ")
