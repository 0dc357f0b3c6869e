"""Paths as people write them: patterns for a host, and ``..`` behind links."""

import os
from pathlib import Path

import pytest

from sshdash.sftp.failures import MissingError
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.spelling import matching
from tests.unit.memory_files import MemoryFilesystem


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (b"/logs/*.log", [b"/logs/a.log", b"/logs/b.log"]),
        (b"/logs/?.log", [b"/logs/a.log", b"/logs/b.log"]),
        (b"/logs/[!a].log", [b"/logs/b.log"]),
        (b"/*/a.log", [b"/logs/a.log", b"/old/a.log"]),
        (b"/logs/*", [b"/logs/[x]", b"/logs/a.log", b"/logs/a*b", b"/logs/b.log", b"/logs/\xff*"]),
        (b"/logs/.*", [b"/logs/.hidden"]),
        (b"/logs/[x]", [b"/logs/[x]"]),
        (b"/logs/a\\*b", [b"/logs/a*b"]),
        (b"/logs/\\[x\\]", [b"/logs/[x]"]),
        (b"/logs/\\[x\\]*", [b"/logs/[x]"]),
        (b"/logs/\xff?", [b"/logs/\xff*"]),
        (b"/none/*", []),
        (b"/logs/a.log/*", []),
        (b"/plain", [b"/plain"]),
        (b"/logs/[", [b"/logs/["]),
        (b"/logs/back\\\\slash", [b"/logs/back\\slash"]),
        (b"/logs/back\\slash", [b"/logs/back\\slash"]),
    ],
)
async def test_a_pattern_stands_for_what_a_shell_would_find(
    pattern: bytes, found: list[bytes]
) -> None:
    files = MemoryFilesystem("far")
    for name in (b"a.log", b"b.log", b".hidden", b"[x]", b"a*b", b"\xff*"):
        files.file(b"/logs/" + name)
    files.file(b"/old/a.log")
    if pattern == b"/logs/[":
        files.file(pattern)
    if b"back" in pattern:
        files.file(b"/logs/back\\slash")
    assert sorted(await matching(files, pattern)) == sorted(found)


async def test_a_pattern_with_a_slash_behind_it_stands_for_folders_alone() -> None:
    files = MemoryFilesystem("far")
    files.file(b"/data/inside")
    files.file(b"/dates")
    for pattern, found in ((b"/d*", [b"/data"]), (b"/dat?s", []), (b"/x*", [])):
        assert await matching(files, pattern, folders=True) == found


async def test_dots_behind_a_link_lead_where_the_system_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "srv" / "release").mkdir(parents=True)
    (tmp_path / "current").symlink_to("srv/release")
    monkeypatch.chdir(tmp_path)
    local = LocalFilesystem()
    try:
        for written, meant in (
            ("current/../file", "srv/file"),
            ("current/.././file/", "srv/file"),
            ("./current/file", "current/file"),
            ("srv/..", ""),
            (str(tmp_path / "current" / ".."), "srv"),
        ):
            assert await local.expand(os.fsencode(written)) == bytes(tmp_path / meant)
        with pytest.raises(MissingError):
            await local.expand(b"none/../file")
    finally:
        await local.close()


async def test_a_working_directory_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    local = LocalFilesystem()
    try:
        assert await local.expand(bytes(tmp_path)) == bytes(tmp_path)
        with pytest.raises(MissingError, match="cannot find the working directory"):
            await local.expand(b"file")
    finally:
        await local.close()
