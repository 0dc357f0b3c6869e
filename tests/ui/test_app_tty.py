"""The program on a real terminal: what reaches it, and that it is given back as it was."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.servers.sshd import RealSshd

EVIL = "a\x1b]0;owned\x07b\x1b]52;c;b3duZWQ=\x1b\\c\u009bd\u202ee"
PAYLOADS = (b"\x1b]0;owned", b"\x1b]52;c;b3du", b"\xc2\x9b", "\u202e".encode())


class Terminal:
    """A pseudo-terminal with sshdash in it."""

    def __init__(self, *arguments: str, columns: int = 100, rows: int = 30) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sshdash", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        self.theirs = theirs
        self.seen = b""

    def until(self, words: bytes, seconds: float = PATIENCE) -> None:
        """Read until `words` were written."""
        deadline = time.monotonic() + seconds
        while words not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], max(deadline - time.monotonic(), 0))
            assert ready, f"never saw {words!r}: …{self.seen[-500:]!r}"
            self.seen += os.read(self.ours, 65536)

    def type(self, keys: bytes) -> None:
        """Send keys."""
        os.write(self.ours, keys)

    def end(self) -> int:
        """Wait for the end of the program and return its status; what it wrote last is kept."""
        while self.process.poll() is None:
            ready, _, _ = select.select([self.ours], [], [], 0.1)
            if ready:
                self.seen += os.read(self.ours, 65536)
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self.ours)
        self.ours = -1

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.ours >= 0:
            os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[[str], Terminal]]:
    """Return what starts sshdash on an ssh_config of the given text."""
    opened: list[Terminal] = []

    def start(text: str) -> Terminal:
        file = tmp_path / "config"
        file.write_text(text)
        file.chmod(0o600)
        opened.append(Terminal("-F", str(file)))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


def test_names_in_the_configuration_do_not_drive_the_terminal(
    open_terminal: Callable[[str], Terminal],
) -> None:
    names = f"Host good {EVIL}\n    HostName 192.0.2.1\n    User {EVIL}\n"
    terminal = open_terminal(names)
    terminal.until(b"192.0.2.1")
    terminal.type(b"jj")
    terminal.type(b"?")
    terminal.until(b"Help")
    terminal.type(b"?q")
    assert terminal.end() == 0
    assert b"owned" in terminal.seen
    assert [one for one in PAYLOADS if one in terminal.seen] == []


def test_errors_in_the_configuration_do_not_drive_the_terminal(
    open_terminal: Callable[[str], Terminal],
) -> None:
    terminal = open_terminal(f"Host good\n    {EVIL} yes\n    Port {EVIL}\n")
    terminal.until(b"good")
    terminal.type(b"!")
    terminal.until(b"Messages")
    terminal.type(b"qq")
    assert terminal.end() == 0
    assert b"owned" in terminal.seen
    assert [one for one in PAYLOADS if one in terminal.seen] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(
    open_terminal: Callable[[str], Terminal], number: signal.Signals
) -> None:
    terminal = open_terminal("Host good\n    HostName 192.0.2.1\n")
    terminal.until(b"192.0.2.1")
    terminal.process.send_signal(number)
    assert terminal.end() == 128 + number
    assert b"\x1b[?1049l" in terminal.seen
    assert termios.tcgetattr(terminal.theirs) == terminal.before


def test_a_terminal_that_goes_away_without_a_signal_ends_it_too(
    open_terminal: Callable[[str], Terminal],
) -> None:
    terminal = open_terminal("Host good\n    HostName 192.0.2.1\n")
    terminal.until(b"192.0.2.1")  # it has no controlling terminal, which would send SIGHUP
    terminal.hang_up()
    assert terminal.process.wait(PATIENCE) == 128 + signal.SIGHUP


def test_alt_and_escape_reach_the_remote_as_they_were_typed() -> None:
    with contextlib.closing(RealSshd()) as sshd:
        sshd.start()
        with contextlib.closing(Terminal("-F", str(sshd.config_file))) as terminal:
            terminal.until(b"inner")
            terminal.type(b"\r")
            terminal.until(b"sshd$ ")
            terminal.type(b"PS1=; stty -echo; echo re''ady; cat -v\r")
            terminal.until(b"ready")
            terminal.type(b"\x1b.\x1b:wq\r")
            terminal.until(b"^[.^[:wq")
            terminal.type(b"\x1b.\x1b.\x1bA\x1b|\x1b\xc3\xa9\x1b[\x1b#\r")
            terminal.until(b"^[.^[.^[A^[|^[M-CM-)^[[^[#")
