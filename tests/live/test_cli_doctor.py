"""``sshdash doctor`` finds what is wrong, and says what to do."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.servers.programs import require
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty


def doctor(*words: str, **environment: str) -> tuple[int, str]:
    """Run it; return the exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "sshdash", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def checks(*words: str, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run it for a program; return the exit status and the worst finding of each name."""
    status, out = doctor(*words, "--json", **environment)
    report = json.loads(out)
    assert report["ok"] is (status == 0)
    found: dict[str, dict[str, Any]] = {}
    order = ("ok", "warn", "fail")
    for check in report["checks"]:
        known = found.get(check["name"])
        if known is None or order.index(check["mark"]) > order.index(known["mark"]):
            found[check["name"]] = check
    return status, found


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """Run an agent of the test's own; give its socket."""
    path = str(tmp_path / "agent")
    process = subprocess.Popen([require("ssh-agent"), "-D", "-a", path], stdout=subprocess.PIPE)
    with process:
        assert process.stdout
        process.stdout.readline()
        yield path
        process.kill()


def test_a_sound_machine_passes(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host web db\n    User me\n")
    status, found = checks("doctor")
    assert status == 0
    assert found["config"]["text"].startswith("2 hosts in ")
    for name in ("sshdash", "python", "textual", "asyncssh", "openssl", "libghostty", "loop"):
        assert found[name]["text"], name
    assert found["libghostty"]["mark"] == "ok"
    assert found["agent"]["mark"] == "warn"
    status, out = doctor("doctor")
    assert status == 0
    assert "\nwarn  agent" in out
    assert "-> run: eval" in out


def test_a_wrong_configuration_is_a_failure_with_its_place(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host web\n    Prot 22\n")
    status, found = checks("doctor")
    assert status == 1
    assert "config:2" in found["config"]["text"]
    status, found = checks("-F", str(home / "missing"), "doctor")
    assert status == 1
    assert "missing: cannot open" in found["config"]["text"]


def test_settings_with_a_secret(home: Path) -> None:
    folder = home / ".config" / "sshdash"
    folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text("password: hunter2\n")
    status, found = checks("doctor")
    assert status == 1
    assert "hold a secret" in found["settings"]["text"]


def test_open_permissions_and_bad_lines(home: Path) -> None:
    ssh = home / ".ssh"
    key = ssh / "id_ed25519"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(key))
    key.chmod(0o644)
    (ssh / "known_hosts").write_text("host nonsense \x1b]0;x\x07\n")
    (ssh / "known_hosts").chmod(0o666)
    status, found = checks("doctor")
    assert status == 1
    assert "0644" in found["keys"]["text"]
    assert "chmod 600" in found["keys"]["hint"]
    assert "others can write" in found["known_hosts"]["text"]
    _, out = doctor("doctor")
    assert "known_hosts:1" in out
    assert "\x1b" not in out


def test_the_keys_of_the_agent_are_counted(home: Path, agent: str) -> None:
    _, found = checks("doctor", SSH_AUTH_SOCK=agent)
    assert "no keys" in found["agent"]["text"]

    async def fill() -> None:
        async with asyncssh.SSHAgentClient(agent) as client:
            for name in ("work", "home\x1b[2J"):
                key = asyncssh.generate_private_key("ssh-ed25519", comment=name)
                await client.add_keys([key])

    asyncio.run(fill())
    _, found = checks("doctor", SSH_AUTH_SOCK=agent)
    assert found["agent"]["mark"] == "ok"
    assert found["agent"]["text"] == r"2 keys: ED25519 work, ED25519 home\x1b[2J"


def test_a_dead_or_silent_agent_is_a_warning(home: Path) -> None:
    status, found = checks("doctor", SSH_AUTH_SOCK=str(home / "gone"))
    assert (status, found["agent"]["mark"]) == (0, "warn")
    assert "no agent answers" in found["agent"]["text"]
    path = str(home / "silent")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        status, found = checks("doctor", SSH_AUTH_SOCK=path)
    assert (status, found["agent"]["mark"]) == (0, "warn")
    assert "does not answer" in found["agent"]["text"]


@pytest.mark.parametrize(
    ("environment", "name", "mark"),
    [
        ({"TERM": "dumb"}, "TERM", "warn"),
        ({"TERM": "xterm", "COLORTERM": ""}, "colours", "warn"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "colours", "ok"),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "encoding", "fail"),
    ],
)
def test_what_the_terminal_can_do(environment: dict[str, str], name: str, mark: str) -> None:
    _, found = checks("doctor", **environment)
    assert found[name]["mark"] == mark


# -- a destination ----------------------------------------------------------------------------


def test_a_destination_is_tried_step_by_step(sshd: RealSshd) -> None:
    status, out = doctor("-F", str(sshd.config_file), "doctor", "inner", "--batch")
    assert status == 0
    _, trial = out.split("\ninner\n")
    assert f"port {sshd.port}, you → sshd → inner" in trial
    rows = [line.split() for line in trial.splitlines()]
    order = ("name", "identification", "key", "host", "login", "connection", "channel")
    places = [next(at for at, row in enumerate(rows) if word in row) for word in order]
    assert places[0] < places[1] < places[2] < places[4]
    assert places[4] < places[6]
    assert "ms  ok      key exchange    [sshd] " in trial
    assert "ok    login         by publickey, after " in trial
    assert "ok    files         SFTP answers" in trial


def test_a_destination_for_a_program(sshd: RealSshd) -> None:
    words = ("-F", str(sshd.config_file), "doctor", "nobody@sshd", "--batch", "--json")
    status, out = doctor(*words)
    assert status == 1
    report = json.loads(out)
    assert report["ok"] is False
    trial = report["destination"]
    assert trial["checks"][-1]["name"] == "failure"
    assert trial["checks"][-1]["text"].startswith("Permission denied")
    assert trial["timeline"]["outcome"] == "failed"
    assert trial["timeline"]["last_good"] == "host key"
    assert trial["timeline"]["failed_at"] == "login"
    assert {step["phase"] for step in trial["timeline"]["steps"]} >= {"name", "connection"}


def test_in_batch_nobody_is_asked(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    words = [sys.executable, "-m", "sshdash", "-F", str(sshd.config_file), "doctor", "sshd"]
    with Tty([*words, "--batch"]) as terminal:
        terminal.until("nobody can be asked")
    assert sshd.known_hosts.read_text() == ""


def test_what_is_odd_in_the_configuration_of_a_destination(sshd: RealSshd) -> None:
    text = sshd.config_file.read_text()
    sshd.config_file.write_text(f"Host *\n    User {sshd.user}\n    Tunnel yes\n{text}")
    status, out = doctor("-F", str(sshd.config_file), "doctor", "sshd", "--batch")
    assert status == 0
    assert "warn  config" in out.split("\nsshd\n")[1]
    status, out = doctor("doctor", "a b", "--batch")
    assert status == 1
    assert "fail  failure" in out
