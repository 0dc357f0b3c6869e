"""The last checks before what came or went in a stream gets its name, each by itself."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from sshdash.sftp.bulk import download
from sshdash.sftp.bulk.command import READY, begin_in, unpack
from sshdash.sftp.bulk.ustar import end, file_header, padding
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.filesystem import Finish
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.walk import Source


def one(folder: Path, size: int) -> download._File:
    """Return a file that is to come to a folder."""
    source = Source(b"/there/file", b"file", Entry(b"file", Kind.FILE, size, 0o644, 0))
    return download._File(source, bytes(folder / "file"), bytes(folder / ".part"), Finish())


@pytest.mark.parametrize(("content", "whole"), [(b"four", True), (b"", False), (b"fives", False)])
def test_what_came_with_another_size_does_not_get_its_name(
    tmp_path: Path, content: bytes, whole: bool
) -> None:
    file = one(tmp_path, size=4)
    batch = download._Batch(b"/there", {b"./file": file})
    download._store(batch, [(file, content)], file.part)
    assert bool(batch.whole) is whole


async def test_what_came_gets_its_name_in_no_folder_that_a_link_leads_to(tmp_path: Path) -> None:
    target, outside = tmp_path / "target", tmp_path / "outside"
    for folder in (target / "below", outside):
        folder.mkdir(parents=True)
        (folder / ".part").write_bytes(b"content")
    files = LocalFilesystem()
    try:
        await files.confine(bytes(target))
        (target / "below").rename(target / "aside")
        (target / "below").symlink_to(outside)
        renaming = partial(download._rename, [one(target / "below", size=7)])
        placed = await files.at_once("rename", bytes(target), renaming)
    finally:
        await files.close()
    assert placed == []
    assert [path.name for path in outside.iterdir()] == [".part"]


def test_what_is_unpacked_replaces_nothing(tmp_path: Path) -> None:
    tar = shutil.which("tar")
    if tar is None or b"GNU" not in subprocess.run([tar, "--version"], capture_output=True).stdout:
        pytest.skip("this system has no GNU tar")
    archive = b""
    for content in (b"first", b"other"):
        header = file_header(b"./file", 0o600, len(content), 0)
        archive += header + content + padding(len(content))
    command = unpack(timed=False)
    asked = b"".join(command.first) + begin_in(bytes(tmp_path))
    done = subprocess.run(
        [b"sh", b"-c", command.line], input=asked + archive + end(), capture_output=True
    )
    assert done.stdout == READY, "nothing is told of what is not as it was sent"
    assert done.returncode != 0
    assert (tmp_path / "file").read_bytes() == b"first"


@pytest.mark.parametrize("above", ["there", "not there"])
def test_where_the_shell_sees_other_files_nobody_waits_for_the_folder(
    tmp_path: Path, above: str
) -> None:
    tar = shutil.which("tar")
    if tar is None or b"GNU" not in subprocess.run([tar, "--version"], capture_output=True).stdout:
        pytest.skip("this system has no GNU tar")
    waits = tmp_path / "programs" / "sleep"
    waits.parent.mkdir()
    waits.write_text(
        f"#!/bin/sh\necho >> {tmp_path}/waited; test $(wc -l < {tmp_path}/waited) -lt 3\n"
    )
    waits.chmod(0o755)
    (tmp_path / "there").mkdir()
    command = unpack(timed=False)
    asked = b"".join(command.first) + begin_in(bytes(tmp_path / above / "folder"))
    done = subprocess.run(
        [b"sh", b"-c", command.line],
        input=asked + end(),
        capture_output=True,
        env={**os.environ, "PATH": f"{waits.parent}:{os.environ['PATH']}"},
    )
    assert done.returncode != 0
    assert (tmp_path / "waited").exists() is (above == "there"), "that one may still be made"
