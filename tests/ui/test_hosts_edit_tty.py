"""Editing in a real terminal: the person's own editor, and sshdash killed while it edits."""

import contextlib
import hashlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.tty import Tty

TEXT = "# mine\nHost web\n    HostName 192.0.2.1\n\nHost db\n    HostName 192.0.2.2\n"
_EDITOR = """\
#!/bin/sh
trap '' INT
printf '\\033[2J\\033[Hediting %s\\n' "$*"
read line
printf 'Host %s\\n' "$line" >> "$2"
"""


@pytest.fixture
def config(home: Path) -> Path:
    file = home / ".ssh" / "config"
    file.write_text(TEXT)
    file.chmod(0o600)
    return file


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a program that says what it was asked to edit and adds a host of a typed name."""
    file = tmp_path / "my editor"
    file.write_text(_EDITOR)
    file.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{file}'")
    return file


@contextlib.contextmanager
def screen() -> Iterator[Tty]:
    with Tty([sys.executable, "-m", "sshdash"], columns=100, rows=30) as tty:
        tty.until("192.0.2.1")
        yield tty


def test_the_persons_editor_gets_the_terminal_and_gives_it_back(config: Path, editor: Path) -> None:
    with screen() as tty:
        tty.press("jE")
        tty.until(f"editing +5 {config}")
        tty.press("\x03")  # must not end sshdash
        tty.press("cache\r")
        tty.until("0/3 connected")
        tty.press("j")
        tty.until("cache")
        tty.press("q")
    assert config.read_text() == f"{TEXT}Host cache\n"


def test_an_editor_that_is_missing_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor --wait")
    with screen() as tty:
        tty.press("E")
        tty.until("no program “no-such-editor”")
        tty.press("q")


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("seed", range(4))
def test_what_was_not_edited_here_is_never_written(config: Path, seed: int) -> None:
    """Look at everything that could edit, save nothing, and be killed at any moment."""
    choose = random.Random(seed)
    before, inode = digest(config), config.stat().st_ino
    with screen() as tty:
        for _ in range(choose.randint(1, 6)):
            tty.press(
                choose.choice(("anew\x1b", "eroot\x1b", "ccopy\x1b", "\x1b[3~\r", "jjkR", "u"))
            )
            tty.settle(choose.uniform(0.0, 0.1))
        tty.kill()
    assert digest(config) == before
    assert config.stat().st_ino == inode
    assert [one.name for one in config.parent.iterdir()] == ["config"]


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_while_saving_leaves_the_old_or_the_new(config: Path, seed: int) -> None:
    choose = random.Random(seed)
    new = TEXT.replace("Host db\n", "Host db-2\n    HostName 192.0.2.2\n\nHost db\n")
    after = f"{TEXT}\nHost db-2\n    HostName 192.0.2.2\n"
    with screen() as tty:
        tty.press("jc")
        tty.until("Clone db")
        tty.press("db-2")
        tty.until("+Host db-2")
        tty.press("\r")
        tty.settle(choose.uniform(0.001, 0.12))
        tty.kill()
    assert config.read_text() in (TEXT, new, after)
    assert config.stat().st_mode & 0o777 == 0o600
