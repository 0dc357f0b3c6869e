"""The command line before any command runs."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sshdash import __version__
from sshdash.cli import context, main
from sshdash.config.equivalent import ssh_command
from sshdash.config.resolver import Resolver
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
    nothing = context.source(argparse.Namespace(config=None, option=["", " # Port=1"]))
    assert nothing.overrides == (), "as an unset variable of a script, and as a comment"
    with pytest.raises(UsageError, match="Bad -o option"):
        context.source(argparse.Namespace(config=None, option=["Port"]))


@pytest.mark.parametrize("words", [("-o", "Nope=1"), ("-o", "Port=x"), ("-F", "/nowhere/config")])
def test_a_configuration_that_ssh_refuses_is_255(words: tuple[str, ...]) -> None:
    for command in (("cp", "nowhere.invalid:file", "."), ("ls", "nowhere.invalid:")):
        told = run(*command, *words)
        assert (told.returncode, told.stdout) == (255, ""), told.stderr
        assert "configuration" in told.stderr


def test_a_home_that_is_no_folder_is_as_good_as_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = subprocess.run(
        [sys.executable, "-m", "sshdash", "cp", "file", "copy"],
        env={**os.environ, "HOME": "/dev/null"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "copy").exists()


def test_no_traceback_when_the_reader_leaves(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("".join(f"Host host-{n}\n" for n in range(20_000)))
    config.chmod(0o600)
    program = f"{sys.executable} -m sshdash -F {config} hosts | head -1"
    told = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert told.stderr == ""


@pytest.mark.parametrize("words", [("--help",), ("cp", "--help"), ("--version",)])
def test_help_that_nobody_reads_ends_as_any_output(words: tuple[str, ...]) -> None:
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as gone, open("/dev/full", "wb") as full:
        for output, status, said in ((gone, 141, ""), (full, 1, "No space left")):
            told = subprocess.run(
                [sys.executable, "-m", "sshdash", *words],
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                env=buffered,
            )
            assert told.returncode == status
            assert said in told.stderr
            assert "Exception" not in told.stderr


def test_a_terminal_without_the_characters_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("Host web\n  LocalForward 80 web:80\n")
    config.chmod(0o600)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    told = run("-F", str(config), "hosts")
    assert told.returncode == 0, told.stderr
    assert "L 80 \\u2192 web:80" in told.stdout


def test_a_defect_is_one_line_and_the_traceback_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise ValueError("odd\x1b[2J")

    monkeypatch.setattr("sshdash.cli.hosts.run", fail)
    monkeypatch.setattr("sshdash.cli.main._start_log", lambda verbosity: None)
    monkeypatch.setattr(main.log, "propagate", False)
    monkeypatch.setattr(main.log, "handlers", [caplog.handler])
    assert main.main(["hosts"]) == 1
    told = capsys.readouterr().err
    assert "unexpected failure: ValueError: odd\\x1b[2J" in told
    assert "\x1b" not in told
    assert "Traceback" in caplog.text


def parsed(*words: str) -> argparse.Namespace:
    arguments = main._parse(list(words))
    arguments.option = arguments.option or []
    return arguments


def test_short_options_are_for_the_host_that_is_named_and_o_for_all(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    words = ("-o", "Compression=yes", "-p", "2201", "-l", "me", "-i", str(key), "-J", "way", "web")
    resolver = Resolver(context.screen_source(parsed("-F", "none", *words)))
    web, other = resolver.resolve("web"), resolver.resolve("other")
    assert (web.port, web.user, web.identity_files[0]) == (2201, "me", key)
    assert [str(jump) for jump in web.proxy_jump] == ["way"]
    assert (other.port, other.proxy_jump) == (22, ())
    assert web.flag("compression")
    assert other.flag("compression")
    assert ssh_command("web", resolver.source) == (
        f"ssh -F none -o Compression=yes -p 2201 -l me -i {key} -J way web"
    )
    assert ssh_command("other", resolver.source) == "ssh -F none -o Compression=yes other"


def test_short_options_without_a_host_say_what_they_need() -> None:
    with pytest.raises(UsageError, match="No host for the options"):
        context.screen_source(parsed("-p", "2201"))


def test_short_options_may_stand_before_the_command() -> None:
    assert parsed("-p", "2201", "resolve", "web").option == [("-p", "2201")]


@pytest.mark.parametrize(
    ("words", "quiet", "operands"),
    [
        ("cp f -q host:", True, ["f", "host:"]),
        ("cp f host: -q", True, ["f", "host:"]),
        ("cp -q -- -f host:", True, ["-f", "host:"]),
        ("cp -- f -q", False, ["f", "-q"]),
    ],
)
def test_options_may_stand_among_the_files(words: str, quiet: bool, operands: list[str]) -> None:
    arguments = parsed(*words.split())
    assert (arguments.quiet, arguments.operands) == (quiet, operands)


def test_a_wrong_option_is_named_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("cp", "f", "--wrong", "host:")
    assert "sshdash cp: error: unrecognized arguments: --wrong" in capsys.readouterr().err


def test_cp_takes_the_options_of_scp() -> None:
    arguments = parsed("cp", "-3", "-4", "-C", "-c", "aes128-ctr", "-P", "2201", "a:x", "b:")
    assert arguments.operands == ["a:x", "b:"]
    web = Resolver(context.source(arguments)).resolve("a")
    assert web.flag("compression")
    assert web.get("addressfamily") == "inet"
    assert web.get("ciphers") == "aes128-ctr"


def test_lists_show_sizes_for_people_with_the_letter_of_ls_and_du() -> None:
    assert parsed("ls", "-lah", "a:").human
    assert (parsed("du", "-sh", "a:").human, parsed("du", "-sh", "a:").depth) == (True, 0)


@pytest.fixture
def buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs write as they do for everybody, in large pieces."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.mark.usefixtures("buffered")
def test_output_that_cannot_be_written_is_told() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sshdash", "ls", "/"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    told = "sshdash: cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, told)


@pytest.mark.usefixtures("buffered")
def test_nothing_is_told_where_the_reader_of_a_short_list_is_gone() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "sshdash", "ls", "/"],
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_an_interrupt_while_it_loads_is_obeyed_quietly() -> None:
    program = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "sshdash.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from sshdash.cli.entry import main
sys.exit(main())
"""
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (130, "")
