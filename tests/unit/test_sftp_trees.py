"""Counting and removing whole trees."""

import asyncio
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.trees import count_trees, remove_trees


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "a" / "one").write_text("12345")
    (root / "a" / "b" / "two").write_text("123")
    (root / "a" / "link").symlink_to(tmp_path)
    (root / "top").write_text("1")
    (tmp_path / "outside").write_text("stays")
    return root


async def entries_of(filesystem: LocalFilesystem, folder: Path) -> list[Entry]:
    return await filesystem.listdir(bytes(folder))


async def test_counts_everything_but_what_links_lead_to(tree: Path) -> None:
    filesystem = LocalFilesystem()
    entries = await entries_of(filesystem, tree)
    census = await count_trees(filesystem, bytes(tree), entries)
    assert (census.folders, census.files, census.size) == (3, 4, 9)
    assert census.complete
    await filesystem.close()


async def test_very_many_are_counted_in_turns_with_everybody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = count(1.0, 0.001)
    monkeypatch.setattr("sshdash.sftp.turns.monotonic", lambda: next(clock))
    taken = 0

    def marked() -> Iterator[Entry]:
        nonlocal taken
        for number in range(20_000):
            taken += 1
            yield Entry(b"%d" % number, Kind.FILE, 1)

    most = seen = 0

    def look() -> None:
        nonlocal most, seen
        most, seen = max(most, taken - seen), taken
        if taken < 20_000:
            asyncio.get_running_loop().call_soon(look)

    look()
    filesystem = LocalFilesystem()
    census = await count_trees(filesystem, b"/x", marked())
    assert (census.files, census.size) == (20_000, 20_000)
    assert most <= 2500, "one turn of the loop is not for all of them"
    await filesystem.close()


async def test_counting_ends_in_time(tree: Path) -> None:
    filesystem = LocalFilesystem()
    entries = await entries_of(filesystem, tree)
    census = await count_trees(filesystem, bytes(tree), entries, seconds=-1)
    assert not census.complete
    assert census.folders == 1
    await filesystem.close()


async def test_removes_whole_trees_and_links_as_links(tree: Path) -> None:
    filesystem = LocalFilesystem()
    told: list[int] = []
    removed = await remove_trees(filesystem, [bytes(tree / "a"), bytes(tree / "top")], told.append)
    assert removed == 7
    assert told == list(range(1, 8))
    assert not os.listdir(tree)
    assert (tree.parent / "outside").read_text() == "stays"
    await filesystem.close()


async def test_what_cannot_be_removed_is_told_and_the_rest_goes(tree: Path) -> None:
    filesystem = LocalFilesystem()
    gone = bytes(tree / "nothing here")
    with pytest.raises(FileError) as raised:
        await remove_trees(filesystem, [gone, bytes(tree / "top")])
    assert "1 of it was" in raised.value.title
    assert raised.value.path
    assert not (tree / "top").exists()
    await filesystem.close()


async def test_very_deep_trees_are_no_problem(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    folder = bytes(deep)
    for _ in range(300):
        os.mkdir(folder)
        folder += b"/d"
    filesystem = LocalFilesystem()
    assert await remove_trees(filesystem, [bytes(deep)]) == 300
    assert not deep.exists()
    await filesystem.close()
