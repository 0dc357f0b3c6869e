"""The command line before any command runs."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from sshdash import __version__
from sshdash.cli import context, main
from sshdash.errors import UsageError


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sshdash", *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_version_and_help_name_every_command() -> None:
    assert run("--version").stdout == f"sshdash {__version__}\n"
    told = run("--help").stdout
    assert all(command in told for command in main.COMMANDS)


@pytest.mark.parametrize("command", main.COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    told = run(command, "--help")
    assert told.returncode == 0, told.stderr
    assert f"sshdash {command}" in told.stdout


def test_without_a_terminal_the_screen_says_what_to_do() -> None:
    told = run()
    assert told.returncode == 2
    assert "needs a terminal" in told.stderr
    assert "→ run it in a terminal, or use a command: sshdash --help" in told.stderr


def test_a_word_that_is_no_command_names_those_there_are() -> None:
    told = run("frobnicate", "web")
    assert told.returncode == 2
    assert "Unknown command: frobnicate" in told.stderr
    assert "hosts, resolve, exec" in told.stderr


def test_options_stand_before_or_after_the_command(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host web\n  HostName web.example\n")
    config.chmod(0o600)
    before = run("-F", str(config), "-o", "Port=2201", "resolve", "web")
    after = run("resolve", "-F", str(config), "-o", "Port=2201", "web")
    assert before.returncode == 0, before.stderr
    assert before.stdout == after.stdout
    assert "hostname web.example\nport 2201\n" in before.stdout


def test_overrides_take_the_two_forms_ssh_takes() -> None:
    files = context.source(argparse.Namespace(config=None, option=["Port=22", "User admin"]))
    assert files.overrides == (("Port", "22"), ("User", "admin"))
    with pytest.raises(UsageError, match="Bad -o option"):
        context.source(argparse.Namespace(config=None, option=["Port"]))


def test_no_traceback_when_the_reader_leaves(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("".join(f"Host host-{n}\n" for n in range(20_000)))
    config.chmod(0o600)
    program = f"{sys.executable} -m sshdash -F {config} hosts | head -1"
    told = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert told.stderr == ""
