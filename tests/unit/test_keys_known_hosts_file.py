"""Writing known_hosts: whole lines, whoever else writes, whatever happens meanwhile."""

import contextlib
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sshdash.keys.known_hosts_file import append_line, rewrite
from tests.patience import PATIENCE


def test_appending_creates_private_file_and_folder(tmp_path: Path) -> None:
    file = tmp_path / ".ssh" / "known_hosts"
    old = os.umask(0)
    try:
        append_line(file, "one\n")
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    append_line(file, "two\n")
    assert file.read_text() == "one\ntwo\n"


def test_appending_keeps_the_mode_and_mends_a_missing_newline(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("one")
    file.chmod(0o644)
    append_line(file, "two\n")
    assert file.read_text() == "one\ntwo\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_appending_follows_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("")
    link = tmp_path / "link"
    link.symlink_to(real)
    append_line(link, "one\n")
    assert real.read_text() == "one\n"


def test_a_line_that_does_not_fit_is_not_left_in_half(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    append_line(file, "one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match=r"space|large"):
            append_line(file, "two and more than ten bytes\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_text() == "one\n"


def test_many_writers_lose_no_line(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    lines = [f"{number:03} {'x' * 200}\n" for number in range(60)]
    threads = [threading.Thread(target=append_line, args=(file, line)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(file.read_text().splitlines(keepends=True)) == lines


WRITER = """
import sys
from pathlib import Path
from sshdash.keys.known_hosts_file import append_line
print("ready", flush=True)
number = 0
while True:
    append_line(Path(sys.argv[1]), f"{number:06} " + "x" * 500 + "\\n")
    number += 1
"""


def test_a_writer_that_is_killed_leaves_only_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("first\n")
    file.chmod(0o640)
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout
            writer.stdout.readline()
            before, limit = file.stat().st_size, time.monotonic() + PATIENCE
            while file.stat().st_size == before and time.monotonic() < limit:
                time.sleep(0.001)
            time.sleep(0.05)
            writer.send_signal(signal.SIGKILL)
    first, *lines = file.read_text().splitlines()
    assert first == "first"
    assert lines
    assert {len(line) for line in lines} == {507}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_rewriting_keeps_mode_link_and_the_text_before(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("one\ntwo\n")
    real.chmod(0o644)
    link = tmp_path / "known_hosts"
    link.symlink_to(real)
    done = rewrite(link, lambda text: text.replace("one\n", ""))
    assert done
    done.close()
    assert link.is_symlink()
    assert real.read_text() == "two\n"
    assert (tmp_path / "real.old").read_text() == "one\ntwo\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o644
    assert rewrite(link, lambda text: text) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["known_hosts", "real", "real.old"]


def test_a_rewrite_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match=r"space|large"):
            rewrite(file, lambda text: text + "more than ten bytes\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert file.read_text() == "one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["known_hosts"]


def test_who_appends_to_the_old_file_during_and_after_a_rewrite_loses_nothing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("stale\n")
    with file.open("a") as scanner:  # as `ssh-keyscan host >> known_hosts` holds it

        def change(text: str) -> str:
            scanner.write("during\n")
            scanner.flush()
            return text.replace("stale\n", "fresh\n")

        done = rewrite(file, change)
        assert done
        assert file.read_text() == "fresh\nduring\n"
        scanner.write("after\nhalf")
        scanner.flush()
        done.catch_up()
        assert file.read_text() == "fresh\nduring\nafter\n"
        scanner.write(" line\n")
    done.close()
    done.close()
    assert file.read_text() == "fresh\nduring\nafter\nhalf line\n"


def test_appending_and_rewriting_at_once_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("")
    lines = [f"{number:03}\n" for number in range(100)]

    def append() -> None:
        for line in lines:
            append_line(file, line)

    def turn() -> None:
        for number in range(20):
            done = rewrite(file, lambda text, n=number: f"{text}turn {n}\n")  # type: ignore[misc]
            with contextlib.suppress(AttributeError):
                done.close()  # type: ignore[union-attr]

    threads = [threading.Thread(target=append), threading.Thread(target=turn)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = file.read_text().splitlines(keepends=True)
    assert sorted(line for line in found if not line.startswith("turn")) == lines
    assert len(found) == 120
