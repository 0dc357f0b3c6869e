"""``sshdash exec`` asks for the session that ssh would ask for."""

import subprocess
import sys

import pytest

from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

SSHDASH = (sys.executable, "-m", "sshdash")


def run(
    server: RealSshd, *words: str, options: tuple[str, ...] = (), flags: tuple[str, ...] = ()
) -> "subprocess.CompletedProcess[str]":
    given = [part for option in options for part in ("-o", option)]
    command = [*SSHDASH, "-F", str(server.config_file), *given, "exec", *flags, "sshd", *words]
    return subprocess.run(
        command, input="typed\n", capture_output=True, text=True, timeout=60, check=False
    )


def test_the_remote_command_runs_where_none_is_given(sshd: RealSshd) -> None:
    done = run(sshd, options=("RemoteCommand=echo theirs for %n",))
    assert (done.stdout, done.returncode) == ("theirs for sshd\n", 0)


def test_two_commands_are_one_too_many(sshd: RealSshd) -> None:
    done = run(sshd, "echo", "ours", options=("RemoteCommand=echo theirs",))
    assert (done.stdout, done.returncode) == ("", 255)
    assert "RemoteCommand" in done.stderr
    assert run(sshd, "echo", "ours", options=("RemoteCommand=none",)).stdout == "ours\n"


@pytest.mark.parametrize(
    ("options", "flags", "terminal"),
    [
        ((), ("-tt",), True),
        (("RequestTTY=force",), (), True),
        (("RequestTTY=force",), ("-T",), False),
        (("RequestTTY=yes",), (), False),  # stdin is none
        (("RequestTTY=no",), ("-tt",), True),
    ],
)
def test_a_terminal_where_ssh_gives_one(
    sshd: RealSshd, options: tuple[str, ...], flags: tuple[str, ...], terminal: bool
) -> None:
    done = run(sshd, "test -t 1 && echo terminal || echo none", options=options, flags=flags)
    assert ("terminal" in done.stdout) is terminal


@pytest.mark.parametrize(("options", "flags"), [((), ("-n",)), (("StdinNull=yes",), ())])
def test_nothing_is_read_where_that_is_asked_for(
    sshd: RealSshd, options: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    assert run(sshd, "cat; echo end", options=options, flags=flags).stdout == "end\n"
    assert run(sshd, "cat; echo end").stdout == "typed\nend\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", "cat", "-"), ""),
        (("-ntt", "test -t 0 && echo terminal"), "terminal"),
        (("-o", "RemoteCommand=none", "-C", "-4", "-q", "echo", "-n", "x"), "x"),
        (("-e", "none", "-c", "aes128-ctr", "-m", "hmac-sha2-256", "--", "echo y"), "y"),
        (("-xa", "echo", "${SSH_AUTH_SOCK:-no} -l", "-T"), "no -l -T"),
        (("-n", "--", "echo", "--", "-n"), "-- -n"),
        (("--", "true; echo", "-T"), "-T"),
        (("-q", "echo", "--", "-f"), "-- -f"),
        (("-q", "--", "echo", "--", "-f"), "-- -f"),
    ],
)
def test_options_may_stand_behind_the_host_as_with_ssh(
    sshd: RealSshd, words: tuple[str, ...], said: str
) -> None:
    done = run(sshd, *words)
    assert (done.stdout.strip(), done.returncode) == (said, 0), done.stderr


def test_only_options_behind_the_host_are_no_command(sshd: RealSshd) -> None:
    done = run(sshd, "-o", "RemoteCommand=echo theirs")
    assert (done.stdout, done.returncode) == ("theirs\n", 0)


def test_no_session_where_sessiontype_says_none(sshd: RealSshd) -> None:
    done = run(sshd, "echo", "x", options=("SessionType=none",))
    assert (done.stdout, done.returncode) == ("", 255)
    assert "SessionType none" in done.stderr


def test_the_escape_character_ends_it_though_the_server_hangs(sshd: RealSshd) -> None:
    words = [*SSHDASH, "-F", str(sshd.config_file), "exec", "-t", "sshd", "echo up; sleep 60"]
    with Tty(words) as terminal:
        terminal.until("up")
        sshd.suspend()
        terminal.press("\r~.")
        terminal.end()
    sshd.resume()
