"""Nothing remote reaches the person's own terminal raw: the bytes on the tty are captured."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from sshdash.terminal.cells import CursorShape
from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

HOSTILE_NAMES = [
    b"\x1b]0;OWNED-TITLE\x07.txt",
    b"\x1b]52;c;T1dORUQ=\x07",
    b"\x1b[31mOWNED-RED",
    "\u009b31mOWNED-C1".encode(),
    b"OWNED\nLINE",
    "OWNED-\u202egpj.exe".encode(),
    b"OWNED-\xff\xfe",
    b"[@click=app.quit]OWNED-CLICK",
    b"[bold]OWNED-MARKUP[",
    b"-rf",
]
PAYLOADS = [
    b"\x1b]0;OWNED",
    b"\x1b]2;OWNED",
    b"\x1b]52;",
    b"\x1b[31mOWNED",
    "\u009b".encode(),
    "\u202e".encode(),
    b"\xff\xfe",
]


@pytest.fixture
def cockpit(sshd: RealSshd, home: Path, monkeypatch: pytest.MonkeyPatch) -> Tty:
    monkeypatch.chdir(home)  # the local pane begins where the program was started
    for folder in (sshd.home, home):
        for name in HOSTILE_NAMES:
            Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x")
    return Tty([sys.executable, "-m", "sshdash", "-F", str(sshd.config_file)], 220, 40)


def is_shown(screen: Tty) -> bool:
    """Return whether the cursor is in sight now."""
    return screen.cursor.visible


def has_bar(screen: Tty) -> bool:
    return screen.cursor.shape is CursorShape.BAR


def owned_by_the_screen(sent: bytes) -> None:
    for payload in PAYLOADS:
        assert payload not in sent, payload
    # Textual itself writes colours, cursor moves, modes and the shape of the mouse pointer.
    strings = re.findall(rb"\x1b[\]P_^X][^\x1b\x07]{0,40}", sent)
    assert set(strings) <= {b"\x1b]22;default", b"\x1b]22;pointer", b"\x1b]22;text"}


def test_file_names_are_shown_escaped_on_both_sides(cockpit: Tty) -> None:
    with cockpit as screen:
        screen.until("sshd")
        screen.press("f")
        screen.until("files local")
        screen.until("[@click=app.quit]OWNED-CLICK", times=2)
        screen.until("OWNED\\nLINE", times=2)
        screen.until("OWNED-\\xff\\xfe", times=2)
        screen.until("\\x1b]0;OWNED-TITLE\\x07.txt")
        screen.settle()
        owned_by_the_screen(bytes(screen.sent))


def test_a_shell_that_sets_titles_and_clipboards_reaches_only_its_tab(
    cockpit: Tty, sshd: RealSshd
) -> None:
    script = sshd.home / "attack"
    script.write_bytes(
        b"\x1b]52;c;T1dORUQ=\x07\x1b]9;OWNED-NOTE\x07\x1b]777;notify;OWNED;NOTE\x07"
        b"\x1bPtmux;\x1b\x1b]0;OWNED\x07\x1b\\\x1b_Gf=32;OWNED\x1b\\"
        b"\x1b]2;[/][@click=app.quit]OWNED-\xe2\x80\xaetitle\x07attack-shown\r\n"
    )
    with cockpit as screen:
        screen.until("sshd")
        screen.press("\r")
        screen.until("sshd$")
        screen.press("cat attack\r")
        screen.until("attack-shown")
        screen.until("[/][@click=")
        screen.settle()
        owned_by_the_screen(bytes(screen.sent))


def test_leaving_restores_the_terminal(cockpit: Tty) -> None:
    with cockpit as screen:
        screen.until("sshd")
        screen.press("q")
        screen.end()
        sent = bytes(screen.sent)
        assert sent.rindex(b"\x1b[?1049l") > sent.index(b"\x1b[?1049h")
        for mode in (b"1000", b"1003", b"1006", b"2004"):
            assert sent.rfind(b"\x1b[?" + mode + b"l") >= sent.rfind(b"\x1b[?" + mode + b"h")
        assert b"\x1b[?25h" in sent[sent.rindex(b"\x1b[?25l") :]


@pytest.fixture
def modern(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a terminal that draws every underline."""
    for name in ("TMUX", "STY", "VTE_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM_PROGRAM", "WezTerm")


@pytest.mark.usefixtures("modern")
def test_underlines_and_a_bar_reach_a_terminal_that_has_them(cockpit: Tty, sshd: RealSshd) -> None:
    script = sshd.home / "lines"
    script.write_bytes(
        b"\x1b[4:3;58:2::9:8:7mcurly-shown\x1b[m \x1b[4:5mdashed\x1b[m"
        b"\x1b[4:99m \x1b[58:2::1:2:3:4:5:6;6666mwild\x1b[m\r\n\x1b[6 q"
    )
    with cockpit as screen:
        screen.until("sshd")
        screen.press("\x1b[?2026;2$y")  # what such a terminal answers to Textual's question
        screen.press("\r")
        screen.until("sshd$")
        screen.press("cat lines\r")
        screen.until("curly-shown")
        screen.holds(lambda: is_shown(screen) and has_bar(screen), "the bar")
        screen.settle()
        sent = bytes(screen.sent)
        assert b"m\x1b[4:3m\x1b[58:2::9:8:7mcurly-shown\x1b[0m" in sent
        assert b"m\x1b[4:5mdashed\x1b[0m" in sent
        assert sent.rindex(b"\x1b[6 q\x1b[?25h") > sent.index(b"curly-shown")
        coloned = set(re.findall(rb"\x1b\[[0-9;]*:[^m]*m", sent))
        known = {b"\x1b[4:3m", b"\x1b[4:5m", b"\x1b[58:2::9:8:7m"}
        assert all(re.fullmatch(rb"\x1b\[58:2(::|:\d+:)\d+:\d+:\d+m", x) for x in coloned - known)
        screen.press("\x07h")  # away from the terminal, the bar goes
        screen.holds(lambda: not is_shown(screen), "the list without a cursor")
        screen.settle()
        assert not is_shown(screen)
        screen.press("\r")
        screen.holds(lambda: is_shown(screen), "the cursor")
        os.kill(screen.pid, signal.SIGTERM)
        screen.end()
        sent = bytes(screen.sent)
        assert sent.rindex(b"\x1b[0 q") > sent.rindex(b"\x1b[6 q")
        assert sent.rindex(b"\x1b[?25h") > sent.rindex(b"\x1b[?25l")
