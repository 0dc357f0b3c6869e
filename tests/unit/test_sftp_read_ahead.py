"""Folders that are listed before anybody asks: what is told is what there is, and soon enough."""

import asyncio
from pathlib import Path

import pytest

from sshdash.sftp import read_ahead
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.read_ahead import ReadAhead
from tests.patience import PATIENCE


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder of folders, one of which holds more than are listed at once."""
    for folder in ("a", "b", "a/c"):
        (tmp_path / folder).mkdir()
    for number in range(600):
        (tmp_path / "a" / str(number)).touch()
    (tmp_path / "file").write_bytes(b"12")
    (tmp_path / "link").symlink_to("a")
    return tmp_path


def every_folder(tree: Path) -> list[Path]:
    return [tree, *(one for one in tree.rglob("*") if one.is_dir() and not one.is_symlink())]


async def names(files: LocalFilesystem, folder: Path) -> set[bytes]:
    return {entry.name for entry in await files.listdir(bytes(folder))}


def test_all_of_a_tree_is_listed_as_it_is(tree: Path) -> None:
    ahead = ReadAhead(bytes(tree))
    ahead.read()
    for folder in every_folder(tree):
        taken = ahead.take(bytes(folder)) or []
        assert {one.name for one in taken} == {
            bytes(one.relative_to(folder)) for one in folder.iterdir()
        }
        assert ahead.take(bytes(folder)) is None, "once"


def test_no_more_is_kept_than_may_be(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "_MOST", 100)
    ahead = ReadAhead(bytes(tree))
    ahead.read()
    assert ahead.take(bytes(tree)) is not None
    assert ahead.take(bytes(tree / "a")) is None


def test_who_comes_to_what_is_not_listed_yet_ends_it(tree: Path) -> None:
    ahead = ReadAhead(bytes(tree))
    assert ahead.take(bytes(tree)) is None
    ahead.read()
    assert ahead.take(bytes(tree)) is None


def test_what_cannot_be_listed_is_left_to_who_asks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "missing"):
        ahead = ReadAhead(bytes(path))
        ahead.read()
        assert ahead.take(bytes(path)) is None


async def test_a_filesystem_tells_what_was_listed_ahead_and_then_what_there_is(tree: Path) -> None:
    files = LocalFilesystem()
    try:
        files.read_ahead(bytes(tree))
        assert files._reading
        async with asyncio.timeout(PATIENCE):
            await files._reading
        (tree / "file").unlink()
        assert b"file" in await names(files, tree), "as it was a moment ago"
        assert b"file" not in await names(files, tree), "as it is"
    finally:
        await files.close()


async def test_an_old_listing_is_not_told(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "_FRESH", 0.0)
    files = LocalFilesystem()
    try:
        files.read_ahead(bytes(tree))
        assert files._reading
        async with asyncio.timeout(PATIENCE):
            await files._reading
        (tree / "file").unlink()
        assert b"file" not in await names(files, tree)
    finally:
        await files.close()


async def test_one_that_is_closed_meanwhile_reads_no_more(tree: Path) -> None:
    for turns in range(4):
        files = LocalFilesystem()
        files.read_ahead(bytes(tree))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await files.close()
