"""The audit log: what a backend on a real sshd leaves in it, and how it is read."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sshdash import audit_file
from sshdash.audit_file import AuditFile, audit_files
from sshdash.backend import LOCAL
from sshdash.errors import SSHDashError
from sshdash.events import WarningRaised
from sshdash.paths import audit_log, recordings_dir
from sshdash.prompts import ConflictChoice
from sshdash.settings import Settings
from sshdash.sftp.job import CopyRequest
from sshdash.states import SessionState
from sshdash.tunnels.spec import Kind, parse_forward
from tests.live.conftest import BackendFor
from tests.live.connecting import until
from tests.servers.ports import free_port
from tests.servers.sshd import RealSshd


def entries(event: str = "") -> list[dict[str, Any]]:
    """Return the lines of the log, of one event if asked."""
    lines = [line for file in audit_files(audit_log()) for line in file.read_text().splitlines()]
    found = [json.loads(line) for line in lines]
    return [one for one in found if one["event"] == event or not event]


def recordings() -> list[str]:
    return [str(file) for file in recordings_dir().glob("*/*")]


async def test_connections_sessions_tunnels_and_copies(
    backend_for: BackendFor, sshd: RealSshd, tmp_path: Path
) -> None:
    backend = await backend_for(sshd.config_file, settings=Settings(record=("sshd",)))
    session = await backend.open_shell("sshd", 80, 24)
    # Written by a thread: where that begins after a shell has ended, its own lines alone name it.
    await until(lambda: entries("recording_started"))
    session.write(b"exit 3\r")
    await until(lambda: session.state is SessionState.EXITED)
    tunnel = backend.tunnels.add("sshd", parse_forward(Kind.DYNAMIC, str(free_port())))
    await backend.tunnels.start(tunnel)
    await backend.tunnels.stop(tunnel)
    source = tmp_path / "some\nfile"
    source.write_bytes(b"x" * 1000)
    job = backend.transfers.submit(
        CopyRequest(
            LOCAL,
            (os.fsencode(source),),
            "sshd",
            os.fsencode(sshd.home),
            conflict=ConflictChoice.OVERWRITE,
        )
    )
    await backend.transfers.wait(job)
    await backend.disconnect("sshd")
    await backend.close()

    (connect,) = entries("connect")
    assert connect["host"] == "sshd"
    assert (connect["result"], connect["method"]) == ("connected", "publickey")
    assert connect["target"].endswith(f":{sshd.port}")
    assert "127.0.0.1" in connect["address"]
    assert connect["user"]
    assert 0 < connect["seconds"] < 60
    (opened,), (ended,) = entries("session_opened"), entries("session_ended")
    assert opened["session"] == ended["session"] == session.id
    assert (ended["result"], ended["reason"], ended["status"]) == ("exited", "exit 3", 3)
    (recorded,) = ended["recordings"]
    assert recorded in recordings()
    assert entries("recording_ended")[0]["recordings"] == [recorded]
    assert entries("tunnel_opened")[0]["forward"].startswith("-D ")
    assert entries("tunnel_closed")[0]["result"] == "closed"
    (copy,) = entries("transfer")
    assert (copy["source"], copy["target"], copy["result"]) == ("local", "sshd", "done")
    assert (copy["what"], copy["bytes"]) == ("some\\nfile", 1000)
    (gone,) = entries("disconnect")
    assert gone["result"] == "closed"
    assert stat.S_IMODE(audit_log().stat().st_mode) == 0o600


async def test_what_failed_is_there_too(
    backend_for: BackendFor, sshd: RealSshd, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(f"Host dead\n  HostName 127.0.0.1\n  Port {free_port()}\n  User me\n")
    config.chmod(0o600)
    backend = await backend_for(config)
    with pytest.raises(SSHDashError):
        await backend.open_shell("dead", 80, 24)
    await backend.close()
    (connect,) = entries("connect")
    assert (connect["result"], connect["reason"]) == ("failed", "Connection refused")
    assert (connect["user"], connect["host"]) == ("me", "dead")
    assert "method" not in connect


async def test_a_tunnel_that_is_removed_is_closed_first(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    backend = await backend_for(sshd.config_file)
    spec = parse_forward(Kind.DYNAMIC, str(free_port()))
    tunnel = backend.tunnels.add("sshd", spec)
    await backend.tunnels.start(tunnel)
    await backend.tunnels.remove(tunnel)
    assert backend.tunnels.snapshots() == []
    await backend.close()
    (closed,) = entries("tunnel_closed")
    (removed,) = entries("tunnel_removed")
    assert closed["forward"] == removed["forward"] == f"-D {spec}"
    assert (closed["clients"], closed["bytes_up"]) == (0, 0)
    assert removed["host"] == "sshd"


async def test_a_tunnel_that_is_paused_resumed_and_led_elsewhere(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    backend = await backend_for(sshd.config_file)
    old, new = (parse_forward(Kind.LOCAL, f"{free_port()}:localhost:{port}") for port in (1, 2))
    tunnel = backend.tunnels.add("sshd", old)
    await backend.tunnels.start(tunnel)
    await backend.tunnels.pause(tunnel)
    await backend.tunnels.repoint(tunnel, new)
    await backend.tunnels.resume(tunnel)
    await backend.close()
    assert [one["forward"] for one in entries("tunnel_opened")] == [f"-L {old}", f"-L {new}"]
    assert [one["result"] for one in entries("tunnel_closed")] == ["paused", "closed"]
    (led,) = entries("tunnel_repointed")
    assert (led["before"], led["forward"]) == (f"-L {old}", f"-L {new}")


async def test_further_connections_are_there(backend_for: BackendFor) -> None:
    async with RealSshd(maxsessions="1") as server:
        backend = await backend_for(server.config_file)
        for _ in range(2):
            await backend.open_shell("sshd", 80, 24)
        await backend.disconnect("sshd")
        await backend.close()
    made = entries("connect")
    assert [one.get("further", False) for one in made] == [False, True]
    assert made[0]["address"] == made[1]["address"]
    gone = entries("disconnect")
    assert sorted(one.get("further", False) for one in gone) == [False, True]
    assert {one["result"] for one in gone} == {"closed"}


@pytest.mark.parametrize("status", [0, 7])
def test_a_command_of_exec_is_there(sshd: RealSshd, status: int) -> None:
    words = ["-F", str(sshd.config_file), "exec", "sshd", "--", f"echo secret; exit {status}"]
    done = subprocess.run(
        [sys.executable, "-m", "sshdash", *words], capture_output=True, check=False
    )
    assert done.returncode == status
    (connect,), (opened,), (ended,) = map(entries, ("connect", "session_opened", "session_ended"))
    assert connect["result"] == "connected"
    assert opened["session"] == ended["session"]
    assert (ended["result"], ended["status"]) == ("exited", status)
    assert len(entries("disconnect")) == 1
    assert "secret" not in audit_log().read_text()


async def test_it_can_be_turned_off(backend_for: BackendFor, sshd: RealSshd) -> None:
    backend = await backend_for(sshd.config_file, settings=Settings(audit=False))
    await backend.open_shell("sshd", 80, 24)
    await backend.close()
    assert not audit_files(audit_log())


async def test_a_log_that_cannot_be_written_is_told_once(
    backend_for: BackendFor, sshd: RealSshd
) -> None:
    audit_log().mkdir(parents=True)
    backend = await backend_for(sshd.config_file)
    told: list[WarningRaised] = []
    backend.events.subscribe(
        lambda event: told.append(event) if isinstance(event, WarningRaised) else None
    )
    await backend.open_shell("sshd", 80, 24)
    await backend.disconnect("sshd")
    await until(lambda: told)
    await backend.close()
    assert [one.title for one in told] == ["The audit log cannot be written"]


def test_it_goes_on_in_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_file, "LIMIT", 1000)
    path = tmp_path / "audit.jsonl"
    failures: list[str] = []
    one, other = AuditFile(path, failures.append), AuditFile(path, failures.append)
    for number in range(1001):
        (one if number % 2 else other).add(json.dumps({"number": number}))
    one.close(10)
    other.close(10)
    assert not failures
    files = audit_files(path)
    assert len(files) == audit_file.KEPT + 1
    kept = [json.loads(line)["number"] for file in files for line in file.read_text().splitlines()]
    assert kept, "every line is whole"
    assert all(file.stat().st_size < 1100 for file in files)
    assert {1000, 999} & set(kept)  # the last of whoever was the last to write


def read(*words: str) -> "subprocess.CompletedProcess[str]":
    run = [sys.executable, "-m", "sshdash", "audit", *words]
    return subprocess.run(run, capture_output=True, text=True, check=False, timeout=60)


def test_it_is_read_by_host(home: Path) -> None:
    assert read().returncode == 1
    path = audit_log()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {"time": "2026-11-30T10:00:00.000+00:00", "event": "connect", "host": "web-1"},
        {"time": "2026-11-30T10:00:01.000+00:00", "event": "connect", "host": "db-1", "via": ["b"]},
        {"time": "x", "event": "transfer", "source": "local", "target": "web-1", "what": "a b"},
    ]
    path.with_name("audit.jsonl.1").write_text(json.dumps(lines[0]) + "\n")
    rest = "".join(json.dumps(line) + "\n" for line in lines[1:])
    path.write_text(rest + "spoiled\x1b[31m\n" + '{"event": "\\u001b]0;x"}\n')
    run = read()
    assert run.stdout.startswith("2026-11-30 10:00:00  connect            web-1")
    assert "via=b" in run.stdout
    assert 'local → web-1    what="a b"' in run.stdout
    assert "audit.jsonl:3: " in run.stderr
    assert "\x1b" not in run.stdout + run.stderr
    assert [json.loads(line) for line in read("--json", "web-*").stdout.splitlines()] == [
        lines[0],
        lines[2],
    ]
    assert read("-n", "1", "--json", "db-1").stdout == json.dumps(lines[1]) + "\n"
    assert read("-n", "0").returncode == 2
    assert read("nobody").returncode == 1
