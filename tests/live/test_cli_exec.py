"""``sshdash exec`` as a program: streams, statuses, failures."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

SSHDASH = (sys.executable, "-m", "sshdash")


def command(server: RealSshd, *words: str) -> list[str]:
    return [*SSHDASH, "-F", str(server.config_file), "exec", "sshd", *words]


def run(
    server: RealSshd, *words: str, stdin: bytes | IO[bytes] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    given: dict[str, Any] = {"stdin": stdin or subprocess.DEVNULL}
    if isinstance(stdin, bytes):
        given = {"input": stdin}
    return subprocess.run(
        command(server, *words), capture_output=True, timeout=60, check=False, **given
    )


@contextlib.contextmanager
def started(server: RealSshd, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        command(server, *words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_output_errors_and_status_pass_through(sshd: RealSshd) -> None:
    done = run(sshd, "--", "echo $((6*7)); echo oops >&2; exit 7")
    assert done.stdout == b"42\n"
    assert done.stderr == b"oops\n"
    assert done.returncode == 7


def test_words_are_joined_as_ssh_joins_them(sshd: RealSshd) -> None:
    assert run(sshd, "echo", "-n", "a  b", "-F").stdout == b"a b -F"


def test_signal_is_255_as_with_ssh(sshd: RealSshd) -> None:
    done = run(sshd, "kill -9 $$")
    assert done.returncode == 255
    assert b"signal KILL" in done.stderr


def test_binary_input_comes_back_whole(sshd: RealSshd) -> None:
    data = os.urandom(3_000_000) + bytes(range(256))
    done = run(sshd, "cat", stdin=data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()
    assert done.returncode == 0


def test_a_regular_file_as_input(sshd: RealSshd, tmp_path: Path) -> None:
    data = os.urandom(5_000_001)
    file = tmp_path / "file"
    file.write_bytes(data)
    with file.open("rb") as stdin:
        done = run(sshd, "sha256sum", stdin=stdin)
    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()


def test_end_of_input_is_passed_on_and_output_still_comes(sshd: RealSshd) -> None:
    assert run(sshd, "wc -c; echo done", stdin=b"four").stdout == b"4\ndone\n"
    assert run(sshd, "cat; echo done").stdout == b"done\n"


def test_command_that_does_not_read_ends_all_the_same(sshd: RealSshd) -> None:
    with started(sshd, "echo early; exit 3") as process:
        assert process.stdout
        assert process.stdout.read() == b"early\n"
        assert process.wait(PATIENCE) == 3


def test_slow_reader_holds_up_the_remote_end_and_not_our_memory(sshd: RealSshd) -> None:
    with started(sshd, "cat /dev/zero") as process:
        assert process.stdout
        process.stdout.read(1)
        us = psutil.Process(process.pid)
        first = us.memory_info().rss
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        assert us.memory_info().rss - first < 24 << 20
        process.stdout.close()
        assert process.wait(PATIENCE) == 141


def test_slow_remote_holds_up_our_input(sshd: RealSshd, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as sparse:
        sparse.truncate(400 << 20)
    with file.open("rb") as stdin:
        process = subprocess.Popen(
            command(sshd, "sleep 2; head -c 1000000 | wc -c"), stdin=stdin, stdout=subprocess.PIPE
        )
        us = psutil.Process(process.pid)
        peak = 0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                peak = max(peak, us.memory_info().rss)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert process.communicate()[0] == b"1000000\n"
        assert peak < 200 << 20


def test_killed_server_is_255_with_a_reason(sshd: RealSshd) -> None:
    with started(sshd, "echo up; sleep 60") as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"up\n"
        sshd.kill_connections()
        assert process.wait(PATIENCE) == 255
        assert b"sshd: Connection lost" in process.stderr.read()


def test_connection_failure_is_255(sshd: RealSshd) -> None:
    sshd.stop()
    done = run(sshd, "true")
    assert done.returncode == 255
    assert b"Connection refused" in done.stderr
    assert b"Traceback" not in done.stderr


def test_who_asks_for_silence_hears_of_no_failure(sshd: RealSshd) -> None:
    sshd.stop()
    for words in (("-q", "true"), ("-o", "LogLevel=FATAL", "true")):
        done = run(sshd, *words)
        assert (done.returncode, done.stdout, done.stderr) == (255, b"", b"")
    assert b"Connection refused" in run(sshd, "-o", "LogLevel=ERROR", "true").stderr


@pytest.mark.parametrize("words", [("-Z", "true"), ("-p", "true"), ("-o", "Port", "true")])
def test_wrong_words_are_255_as_with_ssh(sshd: RealSshd, words: tuple[str, ...]) -> None:
    done = run(sshd, *words)
    assert (done.returncode, done.stdout) == (255, b"")
    assert b"sshdash" in done.stderr


def test_a_key_that_is_the_root_folder_is_no_key(sshd: RealSshd) -> None:
    done = run(sshd, "-i", "/", "echo", "hi")
    assert (done.returncode, done.stdout) == (0, b"hi\n"), done.stderr


def test_unknown_host_key_without_a_terminal_is_refused(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    with started(sshd, "true") as process:
        assert process.stderr
        assert process.wait(PATIENCE) == 255
        assert b"nobody can be asked" in process.stderr.read()


def test_interrupt_ends_it(sshd: RealSshd) -> None:
    with started(sshd, "echo up; sleep 60") as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_no_command_is_an_error_of_usage(sshd: RealSshd) -> None:
    done = run(sshd)
    assert done.returncode == 255
    assert b"sshdash sshd" in done.stderr


def test_terminal_only_if_asked_for(sshd: RealSshd) -> None:
    assert b"not a tty" in run(sshd, "tty").stdout


def test_terminal_of_the_same_size_and_every_key(sshd: RealSshd) -> None:
    words = [*SSHDASH, "-F", str(sshd.config_file), "exec", "-t", "sshd", "stty size; cat -v"]
    with Tty(words, columns=91, rows=17) as terminal:
        terminal.until("17 91")
        terminal.press("\x07\x11abc\r")
        terminal.until("^G")
        terminal.until("abc")
        terminal.press("\x04")
        terminal.end()


def test_password_is_asked_on_the_terminal(sshd: RealSshd) -> None:
    sshd.known_hosts.write_text("")
    with Tty(command(sshd, "echo $((6*7))")) as terminal:
        terminal.until("fingerprint]")
        terminal.press("yes\r")
        terminal.until("42")


@pytest.mark.parametrize("destination", ["-oProxyCommand=x", "a;b", ""])
def test_dangerous_destinations_are_refused(sshd: RealSshd, destination: str) -> None:
    done = subprocess.run(
        [*SSHDASH, "-F", str(sshd.config_file), "exec", "--", destination, "true"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 255
    assert b"Traceback" not in done.stderr
