"""Removing and counting whole trees."""

import asyncio

import pytest

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.trees import Stop, count_trees, remove_trees
from tests.unit.memory_files import MemoryFilesystem


def grown() -> MemoryFilesystem:
    """Return a file system with a tree, and a link in it that leads out of it."""
    files = MemoryFilesystem("far")
    for number in range(20):
        files.file(b"/tree/%d/%d/file" % (number % 4, number), b"x" * 10)
    files.file(b"/outside/kept", b"kept")
    files.link(b"/tree/link", b"/outside")
    files.link(b"/tree/1/loop", b"..")
    return files


async def test_a_tree_goes_and_nothing_else() -> None:
    files = grown()
    told: list[int] = []
    assert await remove_trees(files, [b"/tree"], told.append) == 20 + 20 + 4 + 2 + 1
    assert set(files.nodes) == {b"/", b"/outside", b"/outside/kept"}
    assert told == list(range(1, 48))


async def test_what_cannot_be_removed_is_left_and_named_and_the_rest_goes() -> None:
    files = grown()

    def at(operation: str, path: bytes) -> None:
        if operation == "unlink" and path == b"/tree/3/7/file":
            raise FileError("cannot remove", "/tree/3/7/file", "permission denied", host="far")

    files.at = at
    with pytest.raises(FileError) as caught:
        await remove_trees(files, [b"/tree"])
    assert caught.value.path == "/tree/3/7/file"
    assert "permission denied" in str(caught.value)
    assert files.below(b"/tree") == {b"3/7/file": b"x" * 10}
    assert b"/tree/3/3" not in files.nodes


async def test_a_lost_connection_ends_it_at_once() -> None:
    files = grown()

    def at(operation: str, path: bytes) -> None:
        if operation == "unlink":
            raise ConnectionLost("gone")

    files.at = at
    with pytest.raises(ConnectionLost):
        await remove_trees(files, [b"/tree"])


async def test_links_and_files_are_removed_themselves() -> None:
    files = grown()
    assert await remove_trees(files, [b"/tree/link", b"/tree/0/0/file"]) == 2
    assert b"/outside/kept" in files.nodes


async def test_counting() -> None:
    files = grown()
    entries = await files.listdir(b"/")
    census = await count_trees(files, b"/", entries)
    assert (census.files, census.folders, census.size) == (23, 26, 204)
    assert census.complete


async def test_marked_files_go_many_at_the_same_time() -> None:
    files = grown()
    waiting: list[asyncio.Task[object] | None] = []
    for number in range(100):
        files.file(b"/marked/%d" % number)

    def at(operation: str, path: bytes) -> None:
        if operation == "stat":
            waiting.append(asyncio.current_task())

    files.at = at
    roots = [b"/marked/%d" % number for number in range(100)]
    assert await remove_trees(files, roots) == 100
    assert len(set(waiting)) > 10


async def test_a_removal_that_is_stopped_counts_exactly_what_is_gone() -> None:
    files = grown()
    stop = Stop()
    before = len(files.nodes)
    count = await remove_trees(
        files, [b"/tree"], lambda count: stop.ask() if count == 3 else None, stop
    )
    assert count == before - len(files.nodes)
    assert count >= 3
    assert b"/tree" in files.nodes
    assert await remove_trees(files, [b"/tree"], stop=stop) == 0
    assert not (await count_trees(files, b"/", [await files.lstat(b"/tree")], stop=stop)).complete
