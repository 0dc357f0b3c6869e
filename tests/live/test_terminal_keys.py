"""Every key of xterm's, typed at the tty of the running program, as the remote reads it."""

import sys
from functools import partial
from pathlib import Path

from tests.key_table import load
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

SCROLLING = {f"shift+{key}" for key in ("up", "down", "home", "end", "pageup", "pagedown")}
OWN = {"ctrl+g", "ctrl+shift+g", "alt+shift+o", *SCROLLING}
"""The prefix, what scrolls back, and what is a key of the keypad with the letter behind it."""
PLAIN = b"\x10\x11\x03\x1a\x13\x00\x1f\x1b[\t\x1bx\x1c\x1d\x04\x0f\x15\x17\x16"
"""What terminals and Textual like to keep: Ctrl with p q c z s Space / [ i, Alt, and others."""


def has_all(file: Path, size: int) -> bool:
    return file.stat().st_size >= size


def test_every_key_reaches_the_remote(sshd: RealSshd) -> None:
    read = sshd.home / "read"
    table = load("normal")
    # A letter behind each, for an Escape alone takes its time; with it, it is Alt.
    typed = [sent + b"x" for key, sent in table.items() if key not in OWN] + [PLAIN]
    with Tty([sys.executable, "-m", "sshdash", "-F", str(sshd.config_file)], 100, 30) as screen:
        screen.until("sshd")
        screen.press("\r")
        screen.until("sshd$")
        screen.settle()
        screen.press("stty raw -echo; echo re''ading; cat > ~/read\r")
        screen.until("reading")
        screen.holds(read.exists, "the file that it goes to")
        expected = b""
        for start in range(0, len(typed), 20):
            piece = b"".join(typed[start : start + 20])
            expected += piece
            screen.press(piece.decode())
            screen.holds(partial(has_all, read, len(expected)), "the keys")
            assert read.read_bytes() == expected
