"""A remote file in the person's own editor, in a real terminal, against a real server."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.sshd import RealSshd
from tests.servers.tty import Tty

_EDITOR = """\
#!/bin/sh
printf '\\033[2J\\033[Hediting %s\\n' "$1"
read line
printf '%s\\n' "$line" >> "$1"
"""


@pytest.fixture(autouse=True)
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a program that adds a typed line to the file it is given."""
    file = tmp_path / "editor"
    file.write_text(_EDITOR)
    file.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(file))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def server() -> Iterator[RealSshd]:
    server = RealSshd()
    server.start()
    yield server
    server.close()


def test_a_remote_file_is_edited_and_refused_where_it_changed(
    server: RealSshd, tmp_path: Path
) -> None:
    file = server.home / "app.conf"
    file.write_text("first\n")
    command = [sys.executable, "-m", "sshdash", "-F", str(server.config_file)]
    with Tty(command, columns=120, rows=36) as tty:
        tty.until("0/2 connected")
        tty.press("jf")
        tty.until("app.conf")
        tty.press("\t/app\r")
        tty.settle()
        tty.press("\x1b[B")
        tty.press("e")
        tty.until("editing ")
        tty.press("second\r")
        tty.until("Saved")
        assert file.read_text() == "first\nsecond\n"
        tty.press("e")
        tty.until("editing ")
        file.write_text("theirs\n")
        tty.press("mine\r")
        tty.until("has changed meanwhile")
        tty.until("-theirs")
        tty.press("\x1b")
        tty.until("your edit is kept in")
    assert file.read_text() == "theirs\n"
    kept = list(tmp_path.glob("sshdash-edit-*/app.conf"))
    assert [one.read_text() for one in kept] == ["first\nsecond\nmine\n"]
