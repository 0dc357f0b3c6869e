"""``sshdash demo`` as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.patience import PATIENCE
from tests.servers.programs import require

ROOT = Path(__file__).parents[2]


@contextmanager
def demo(*options: str) -> Iterator["subprocess.Popen[str]"]:
    """Run ``sshdash demo --serve`` with `options`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sshdash", "demo", "--serve", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def facts(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_its_shells_and_removes_the_folder(number: signal.Signals) -> None:
    with demo("--json") as process:
        fleet = facts(process)
        command = [require("ssh"), "-F", fleet["config"], "web", "echo up; sleep 98"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as shell:
            assert shell.stdout
            assert shell.stdout.readline() == b"up\n"
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) > 1
            process.send_signal(number)
            assert process.wait(PATIENCE) == 0
            _, alive = psutil.wait_procs(children, PATIENCE)
            assert not alive
            assert shell.wait(PATIENCE) == 255
        assert process.stderr
        assert process.stderr.read() == ""
    assert not Path(fleet["folder"]).exists()


def test_it_ends_with_whoever_started_it() -> None:
    with demo("--json", "--until-eof") as process:
        fleet = facts(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
    assert not Path(fleet["folder"]).exists()


def test_killed_outright_it_still_removes_the_folder() -> None:
    with demo("--json") as process:
        folder = Path(facts(process)["folder"])
        guards = psutil.Process(process.pid).children()
        process.kill()
        process.wait(PATIENCE)
        _, alive = psutil.wait_procs(guards, PATIENCE)
        assert not alive
    assert not folder.exists()


def test_it_tells_scripts_how_to_get_in(home: Path) -> None:
    with demo("--json") as process:
        fleet = facts(process)
        hosts = {host["host"]: host for host in fleet["hosts"]}
        assert set(hosts) == {"bastion", "web", "db", "cache", "stage-web", "vault", "old"}
        assert hosts["web"]["route"] == ["bastion"]
        assert {"password", "code"} <= set(hosts["vault"])
        assert Path(fleet["config"]).is_file()
        with socket.create_connection(("127.0.0.1", hosts["bastion"]["port"])) as probe:
            assert probe.recv(4) == b"SSH-"
        assert Path(fleet["environment"]["HOME"]).parent == Path(fleet["folder"])
    assert [path.name for path in home.iterdir()] == [".ssh"]


def test_it_tells_people_how_to_get_in() -> None:
    with demo() as process:
        assert process.stdout
        first = process.stdout.readline()
        config = Path(first.split()[1])
        assert config.is_file()
        text = ""
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line
            text += line
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
    assert f"ssh -F {config} web" in text
    assert "password" in text
    assert not config.exists()


def test_without_a_terminal_there_is_no_screen_and_nothing_is_left() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sshdash", "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr
