"""``python -m tests.record_programs``: record what well-known programs send to a terminal.

Each runs for a few keys on an 80 by 24 terminal that answers as ours does, away from this
machine's names and processes. The bytes go to ``tests/data/terminal/programs/NAME.bytes``, and to
``NAME.txt`` what tmux, the oracle, shows when it is given the same bytes: see
``tests/unit/test_terminal_programs.py``. Needs root, tmux and the programs.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from sshdash.terminal.emulator import Emulator

COLUMNS, ROWS = 80, 24
FOLDER = Path(__file__).parent / "data" / "terminal" / "programs"
_LARGEST = 60_000
_QUIET = 0.7
"""Seconds without output after which a program waits for keys."""
_LONGEST = 8.0
_DRAWN = str.maketrans("jklmnqtuvwx", "┘┐┌└┼─├┤┴┬│")
_TEXT = "".join(
    f"{number:3} The quick brown fox jumps over the lazy dog · ünïcödé 漢字 {'─' * (number % 9)}\n"
    for number in range(1, 121)
)
_SOURCE = '''"""A module with something to colour."""

import sys


def greet(name: str, times: int = 3) -> list[str]:
    """Return greetings — with wide 漢字 and accents é."""
    return [f"Hello, {name}! {number}" for number in range(times)]


class Greeter:
    prefix = "→ "

    def __call__(self) -> None:
        for line in greet("world"):
            print(self.prefix + line, file=sys.stderr)
'''


@dataclass(frozen=True)
class Program:
    """One program and the keys it is given."""

    name: str
    command: tuple[str, ...]
    keys: tuple[bytes, ...]


PROGRAMS = (
    Program(
        "vim",
        ("vim", "-u", "NONE", "-N", "-c", "syntax on | set ruler hlsearch number", "greet.py"),
        (b"jjj", b"/name\r", b"oinserted \xe6\xbc\xa2\xe5\xad\x97 text\x1b", b":vsplit\r", b"dd"),
    ),
    Program("less", ("less", "-R", "-N", "text"), (b"  ", b"/lazy\r", b"jjj", b"G", b"kkkk")),
    Program("htop", ("htop", "-d", "5"), (b"t", b"\x1bOR", b"ht", b"\x1b", b"\x1bOQ")),
    Program(
        "tmux",
        ("tmux", "-L", "inner", "-f", "tmux.conf"),
        (b"cat greet.py\r", b'\x02"', b"seq 40\r", b"\x02%", b"printf '\\033[7mhi\\033[m\\n'\r"),
    ),
    Program("mc", ("mc", "-u"), (b"\x1b[B\x1b[B", b"\t", b"\x1bOR", b"\x1b[21~", b"\x1b[20~")),
    Program(
        "dialog",
        (
            *("dialog", "--title", "A choice", "--checklist", "Which ones?", "15", "50", "6"),
            *("one", "the first", "on", "two", "the second", "off", "three", "漢字", "off"),
        ),
        (b"\x1b[B ", b"\t"),
    ),
    Program(
        "fzf", ("sh", "-c", "fzf --multi --border < text"), (b"fox 1", b"\x1b[A\x1b[A\t", b"2")
    ),
)


def main() -> None:
    """Record every program named on the command line, all of them where none is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        if len(sys.argv) < 2 or program.name in sys.argv[1:]:
            sent = _record(program)
            if len(sent) > _LARGEST:
                raise SystemExit(f"{program.name} sent {len(sent)} bytes: use fewer keys")
            shown = _shown_by_tmux(sent)
            (FOLDER / f"{program.name}.bytes").write_bytes(sent)
            (FOLDER / f"{program.name}.txt").write_text("\n".join(shown) + "\n")
            ours = Emulator(COLUMNS, ROWS)
            ours.feed(sent)
            differences = sum(a != b for a, b in zip(ours.screen_text(), shown, strict=True))
            print(f"{program.name}: {len(sent)} bytes, {differences} rows differ")  # noqa: T201


def _record(program: Program) -> bytes:
    """Return what a program sends until it waits after the last key."""
    with tempfile.TemporaryDirectory(prefix="programs-") as folder:
        _furnish(Path(folder))
        away = ("unshare", "-fpu", "--mount-proc", "--kill-child")
        inside = ("sh", "-c", 'hostname host; exec "$@"', "sh", *program.command)
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.chdir(folder)
            surroundings = {
                "HOME": folder,
                "LANG": "C.UTF-8",
                "PATH": os.environ["PATH"],
                "PS1": "$ ",
                "SHELL": "/bin/sh",
                "TERM": "xterm-256color",
            }
            os.execvpe(away[0], (*away, *inside), surroundings)
        sent = bytearray()
        emulator = Emulator(COLUMNS, ROWS)
        for keys in (b"", *program.keys):
            os.write(terminal, keys)
            sent += _until_quiet(terminal, emulator)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
        return bytes(sent)


def _until_quiet(terminal: int, emulator: Emulator) -> bytes:
    """Return what comes until nothing does any more, answering what is asked."""
    sent = bytearray()
    end = time.monotonic() + _LONGEST
    while time.monotonic() < end and select.select([terminal], [], [], _QUIET)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        sent += data
        emulator.feed(data)
        os.write(terminal, emulator.take_replies())
    return bytes(sent)


def _furnish(folder: Path) -> None:
    (folder / "text").write_text(_TEXT)
    (folder / "greet.py").write_text(_SOURCE)
    (folder / "tmux.conf").write_text("set -g status-right ''\nset -g default-shell /bin/sh\n")
    for name in ("documents", "pictures", "日本語"):
        (folder / name).mkdir()


def _shown_by_tmux(sent: bytes) -> list[str]:
    """Return the screen of a tmux of the same size that was given the same bytes."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as folder:
        file = Path(folder) / "sent"
        file.write_bytes(sent)
        tmux = ["tmux", "-S", f"{folder}/socket", "-f", "/dev/null"]
        show = f"stty raw -echo; cat {file}; touch {folder}/done; sleep 60"
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        start = [*tmux, "new-session", "-d", *size, show, ";", "set", "status", "off"]
        try:
            subprocess.run(start, check=True, env=os.environ | {"LANG": "C.UTF-8"})
            while not (Path(folder) / "done").exists():
                time.sleep(0.05)
            time.sleep(0.3)
            capture = [*tmux, "capture-pane", "-p", "-e"]
            shown = subprocess.run(capture, check=True, capture_output=True, text=True).stdout
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)
    lines = [_plain(line) for line in shown.split("\n")[:ROWS]]
    return lines + [""] * (ROWS - len(lines))


def _plain(line: str) -> str:
    """Return a row that tmux has written without its sequences: it keeps frames as letters."""
    pieces = re.split("([\x0e\x0f])", re.sub(r"\x1b\[[0-9;:]*m", "", line))
    drawing = False
    text = ""
    for piece in pieces:
        if piece in ("\x0e", "\x0f"):
            drawing = piece == "\x0e"
        else:
            text += piece.translate(_DRAWN) if drawing else piece
    return text.rstrip()


if __name__ == "__main__":
    if not all(map(shutil.which, ("tmux", "unshare", *(one.name for one in PROGRAMS)))):
        raise SystemExit("a program is missing")
    main()
