"""The files of recordings: names that cannot lead elsewhere, and nothing else removed."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.terminal import recording_files
from sshdash.terminal.recording_files import (
    RecordingFile,
    folder_name,
    open_folder,
    remove_old,
)


@given(st.text(st.characters(), min_size=1))
def test_a_host_has_a_folder_whatever_it_is_called(host: str) -> None:
    name = folder_name(host)
    assert name.isascii()
    assert name.isprintable()
    assert "/" not in name
    assert not name.startswith(".")
    assert len(name) < 200


def test_hosts_do_not_share_a_folder() -> None:
    hosts = ["a", "A", "a/b", "a%2Fb", "..", ".", "%2E.", "x" * 300, "x" * 301, "me@a:22", "é"]
    assert len({folder_name(host) for host in hosts}) == len(hosts)
    assert folder_name("me@web-1:2222") == "me@web-1:2222"


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "recordings", "web-1")
    there = tmp_path / "recordings" / "web-1" / "now.cast"
    there.symlink_to(tmp_path / "elsewhere")
    one, other = (RecordingFile(folder, "now", "cast") for _ in range(2))
    one.write("one\n")
    other.write("other\n")
    one.close()
    other.close()
    os.close(folder)
    assert (one.name, other.name) == ("now_2.cast", "now_3.cast")
    assert there.with_name("now_2.cast").read_text() == "one\n"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("limit", [{"days": 1, "total": 0}, {"days": 0, "total": 1}])
def test_what_is_being_recorded_stays(tmp_path: Path, limit: dict[str, int]) -> None:
    folder = open_folder(tmp_path, "web-1")
    names = "2020-01-01T000000", "2020-01-01T000001"
    live, ended = (RecordingFile(folder, name, "cast") for name in names)
    for file in (live, ended):
        file.write("x\n")
        os.utime(tmp_path / "web-1" / file.name, (1e9, 1e9))
    ended.close()
    foreign = tmp_path / "web-1" / "2020-01-01T000002.cast"
    foreign.symlink_to(tmp_path)
    assert remove_old(tmp_path, **limit) == [tmp_path / "web-1" / ended.name]
    assert (tmp_path / "web-1" / live.name).exists()
    assert foreign.is_symlink()
    live.close()
    os.close(folder)


def old_recordings(root: Path, count: int) -> list[Path]:
    """Make recordings of ten bytes each, the oldest first."""
    folder = open_folder(root, "web-1")
    made = []
    for number in range(count):
        file = RecordingFile(folder, f"2020-01-01T00000{number}", "cast")
        file.write("x" * 10)
        file.close()
        made.append(root / "web-1" / file.name)
        os.utime(made[-1], (1e9 + number, 1e9 + number))
    os.close(folder)
    return made


def test_what_another_recording_removes_meanwhile_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several may begin at once, as where the last layout is opened again."""
    first, second, third, fourth = old_recordings(tmp_path, 4)
    listed, remove = recording_files._listed, recording_files._remove

    def listed_late(folder: Path) -> list[os.DirEntry[str]]:
        entries = listed(folder)
        first.unlink(missing_ok=True)
        return entries

    def remove_late(path: Path) -> bool:
        second.unlink(missing_ok=True)
        return remove(path)

    monkeypatch.setattr(recording_files, "_listed", listed_late)
    monkeypatch.setattr(recording_files, "_remove", remove_late)
    assert remove_old(tmp_path, days=0, total=10) == [third]
    assert fourth.exists(), "more was removed than there had to be"


def test_a_folder_that_may_not_be_looked_into_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = old_recordings(tmp_path, 1)
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(folder: Path) -> Any:
        if Path(folder).name == "closed":
            raise PermissionError("as for everybody but root")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert remove_old(tmp_path, days=1, total=0) == [old]
