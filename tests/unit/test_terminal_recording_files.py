"""The files of recordings: names that cannot lead elsewhere, and nothing else removed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
