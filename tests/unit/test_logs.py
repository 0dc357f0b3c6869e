"""The log file."""

import contextlib
import logging
import os
import stat
from pathlib import Path

import pytest

from sshdash.connections.timeline import Phase, Timeline
from sshdash.errors import UnreachableError
from sshdash.events import ConnectionChanged, EventBus
from sshdash.logs import start_log
from sshdash.paths import private_dir
from sshdash.states import ConnectionState


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = start_log(1, tmp_path / "log")
    assert path.stat().st_mode & 0o777 == 0o600


def test_remote_text_cannot_forge_a_line(tmp_path: Path) -> None:
    path = start_log(1, tmp_path / "log")
    logging.getLogger("sshdash.test").info("name: %s", "x\n2026-01-01 ERROR forged\x1b[2J")
    lines = path.read_text().splitlines()
    assert len(lines) == 1
    assert "\\n2026-01-01 ERROR forged\\x1b[2J" in lines[0]


def test_the_ssh_library_never_logs_what_is_typed(tmp_path: Path) -> None:
    start_log(2, tmp_path / "log")
    assert not logging.getLogger("asyncssh").isEnabledFor(logging.DEBUG)


def test_it_tells_what_happened(tmp_path: Path) -> None:
    path = start_log(0, tmp_path / "log")
    old, new = ConnectionState.CONNECTED, ConnectionState.LOST
    EventBus().emit(ConnectionChanged("web", old, new, "the network was cut"))
    timeline = Timeline("web")
    timeline.begin(Phase.TCP, "10.0.0.1 port 22").done()
    timeline.finish(UnreachableError("No SSH greeting", "after 4 s", "is it well?", "web"))
    told, failed = path.read_text().splitlines()
    assert f" {os.getpid()} INFO " in told
    assert told.endswith(
        "ConnectionChanged host=web old=connected new=lost reason=the network was cut"
    )
    assert "web: No SSH greeting: after 4 s (is it well?) (after " in failed
    start_log(1, path)
    Timeline("web").begin(Phase.TCP, "10.0.0.1 port 22").done()
    assert "DEBUG" in path.read_text()


def test_it_grows_no_further_than_its_limit_and_stays_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sshdash.logs._LIMIT", 4_000)
    path = tmp_path / "log"
    (tmp_path / "log.1").symlink_to(tmp_path / "victim")
    start_log(0, path)
    for number in range(500):
        logging.getLogger("sshdash").info("line %d %s", number, "x" * 60)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", "log.1"]
    for file in tmp_path.iterdir():
        assert not file.is_symlink()
        assert file.stat().st_size <= 4_000
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "line 499" in path.read_text()


def test_a_symlink_in_its_place_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        start_log(1, tmp_path / "log")


def test_a_traceback_cannot_forge_a_line_either(tmp_path: Path) -> None:
    path = start_log(1, tmp_path / "log")
    try:
        raise ValueError("x\n2026-01-01 00:00:00,000 ERROR forged\x1b[2J")
    except ValueError:
        logging.getLogger("sshdash.test").exception("failed")
    text = path.read_text()
    assert "\x1b" not in text
    assert "ValueError: x" in text
    assert all(line.startswith("  ") for line in text.splitlines()[1:])


def test_what_nobody_awaited_goes_to_the_log_and_not_to_the_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = start_log(0, tmp_path / "log")
    logging.getLogger("asyncio").error("Task exception was never retrieved")
    assert "never retrieved" in path.read_text()
    assert capfd.readouterr().err == ""


def test_a_full_disk_says_nothing_on_the_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = start_log(1, tmp_path / "log")
    handler = logging.getLogger("sshdash").handlers[0]
    assert isinstance(handler, logging.FileHandler)
    with open("/dev/full", "w") as full:  # what is held back is lost at once
        ours, handler.stream = handler.stream, full
        logging.getLogger("sshdash.test").error("lost")
        handler.stream = ours
        with contextlib.suppress(OSError):
            full.close()
    logging.getLogger("sshdash.test").error("kept")
    assert "kept" in path.read_text()
    assert capfd.readouterr().err == ""


def test_folders_on_the_way_are_private_too(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = private_dir(tmp_path / "state" / "sshdash")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (made, made.parent)] == [0o700, 0o700]
