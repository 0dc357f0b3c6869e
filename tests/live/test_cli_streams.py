"""``sshdash exec`` where its own streams are closed, stuck, full or odd, and when it is ended."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

SSHDASH = (sys.executable, "-m", "sshdash")


def command(server: RealSshd, *words: str | bytes) -> list[str | bytes]:
    return [*SSHDASH, "-F", str(server.config_file), "exec", "sshd", *words]


def in_shell(server: RealSshd, text: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a line of shell in which ``CMD`` is ``sshdash exec sshd``."""
    words = " ".join(map(str, command(server)))
    return subprocess.run(
        ["/bin/sh", "-c", text.replace("CMD", words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("CMD 'cat; echo end' <&-", b"end\n"),
        ("CMD 'echo lost' >&-", b""),
        ("CMD 'echo oops >&2; echo out' 2>&-", b"out\n"),
        ("CMD 'echo lost; cat' <&- >&- 2>&-", b""),
        ("CMD 'cat; echo end' 0>/dev/null", b"end\n"),
    ],
)
def test_closed_streams_are_as_good_as_empty_ones(sshd: RealSshd, line: str, out: bytes) -> None:
    done = in_shell(sshd, line)
    assert (done.stdout, done.returncode) == (out, 0), done.stderr


def test_output_that_cannot_be_written_is_told(sshd: RealSshd) -> None:
    done = in_shell(sshd, "CMD 'echo lost' >/dev/full")
    assert done.returncode == 255
    assert b"Cannot write the output" in done.stderr
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_words_that_are_not_utf8_arrive_as_typed(sshd: RealSshd) -> None:
    done = subprocess.run(
        command(sshd, b"printf %s '\xff\xfe' | od -An -tx1"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.split() == [b"ff", b"fe"], done.stderr


@contextlib.contextmanager
def started(
    server: RealSshd, *words: str, stdin: int = subprocess.DEVNULL
) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(
        command(server, *words),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_interrupt_ends_it_though_nobody_reads_its_output(sshd: RealSshd) -> None:
    with started(sshd, "cat /dev/zero") as process:
        assert process.stdout
        process.stdout.read(1)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)  # until the pipe is full and the writer stuck
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_end_it_as_they_end_ssh(sshd: RealSshd, number: signal.Signals) -> None:
    with started(sshd, "echo up; sleep 60") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE) == 255
        assert number.name.encode() in process.stderr.read()


@pytest.mark.parametrize("moment", ["raw terminal", "hidden answer"])
def test_a_signal_leaves_the_terminal_as_it_was(sshd: RealSshd, moment: str) -> None:
    shown = "ready"
    if moment == "hidden answer":
        key = str(sshd.identity)
        subprocess.run(["ssh-keygen", "-qp", "-N", "secret", "-P", "", "-f", key], check=True)
        shown = "Passphrase"
    words = " ".join(map(str, [*command(sshd)[:-1], "-t", "sshd"]))
    with Tty(["/bin/sh", "-c", f"{words} 'echo ready; cat'; stty -a; echo over"]) as terminal:
        terminal.until(shown)
        (ours,) = filter(_is_sshdash, psutil.Process().children(recursive=True))
        ours.terminate()
        terminal.until("over")
        assert " echo " in terminal.text
        assert " icanon " in terminal.text


def _is_sshdash(process: psutil.Process) -> bool:
    """Return whether it is one; what sshd starts for a login may have ended by now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()[1:3] == ["-m", "sshdash"]
    return False
