"""Watching a tree here: what is told, what is not, and what is said where it cannot be."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.watch import LocalWatch
from sshdash.sftp.watching import FolderWatch


async def test_the_folders_of_what_changed_are_told_without_what_is_left_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "build").mkdir()
    watch = LocalWatch(bytes(tmp_path), Rules(["build/", "*.tmp"]))
    await watch.start()
    try:
        (tmp_path / "build" / "object").write_text("x")
        (tmp_path / "src" / "scratch.tmp").write_text("x")
        (tmp_path / "src" / "deep" / "file").write_text("x")
        told = await watch.changes()
        assert told is not None
        assert told <= {b"src/deep", b"src"}
        assert b"src/deep" in told
    finally:
        await watch.stop()


async def test_a_limit_of_the_kernel_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Iterator[object]:
        raise OSError("OS file watch limit reached. about [...]")

    monkeypatch.setattr("watchfiles.watch", refuse)
    watch = LocalWatch(bytes(tmp_path), Rules())
    with pytest.raises(FileError) as caught:
        await watch.start()
    await watch.stop()
    assert caught.value.title == "too many folders to watch"
    assert "max_user_watches" in caught.value.hint


async def test_a_folder_whose_path_the_library_cannot_take_is_told(tmp_path: Path) -> None:
    root = bytes(tmp_path) + b"/\xff"
    os.mkdir(root)
    watch = LocalWatch(root, Rules())
    with pytest.raises(FileError, match="cannot watch") as caught:
        await watch.start()
    await watch.stop()
    assert caught.value.detail == "its path is not UTF-8"
    panes: list[bytes] = []
    folder = FolderWatch(panes.append)
    folder.watch(root)
    await folder.close()  # the suite refuses what a thread raises
    assert panes == []


async def test_a_name_that_the_library_cannot_read_does_not_end_it(tmp_path: Path) -> None:
    watch = LocalWatch(bytes(tmp_path), Rules())
    await watch.start()
    try:
        (tmp_path / os.fsdecode(b"\xff\xfe")).write_text("x")
        while await watch.changes() is not None:
            pass  # everything is to be looked at, sooner or later
        (tmp_path / "after").write_text("x")
        assert await watch.changes() in ({b""}, None)
    finally:
        await watch.stop()
