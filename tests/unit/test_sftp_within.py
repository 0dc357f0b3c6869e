"""Copies that a host's server does itself, and what becomes of them where it refuses."""

import asyncio

import pytest

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.copier import Copier
from sshdash.sftp.under_way import FileCopy
from tests.unit.memory_files import MemoryFilesystem

DATA = bytes(range(256)) * 200


class Bench:
    """One host that copies by itself, and a file on it that is to replace another."""

    def __init__(self) -> None:
        self.files = MemoryFilesystem("far", chunk=4096)
        self.files.copies_within = True
        self.files.file(b"/from/file", DATA, mode=0o751, mtime_ns=10**18)
        self.files.file(b"/to/file", b"old")
        self.copier = Copier(self.files, self.files)
        self.seen: list[str] = []
        self.progress: list[int] = []
        self.files.at = self.note

    def note(self, operation: str, path: bytes) -> None:
        """Keep what is done with files."""
        self.seen.append(operation)

    async def copy(self) -> str:
        """Copy it."""
        entry = await self.files.lstat(b"/from/file")
        existing = await self.files.exists(b"/to/file")
        file = FileCopy(b"/from/file", b"/to/file", entry, existing)
        return await self.copier.copy(file, self.progress.append)


async def test_nothing_of_it_is_read_here() -> None:
    bench = Bench()
    assert await bench.copy() == ""
    node = bench.files.nodes[b"/to/file"]
    assert (node.data, node.mode, node.mtime_ns) == (DATA, 0o751, 10**18)
    assert "copy within" in bench.seen
    assert "read" not in bench.seen
    assert sum(bench.progress) == len(DATA)
    assert bench.files.open_files == 0
    assert bench.files.below(b"/to") == {b"file": DATA}


async def test_what_it_refuses_is_read_and_written() -> None:
    bench = Bench()

    def refuse(operation: str, path: bytes) -> None:
        bench.note(operation, path)
        if operation == "copy within":
            raise FileError("cannot write", "", "the server does not offer it")

    bench.files.at = refuse
    assert await bench.copy() == ""
    assert bench.files.nodes[b"/to/file"].data == DATA
    assert "read" in bench.seen
    assert sum(bench.progress) == len(DATA)


@pytest.mark.parametrize("end", [ConnectionLost("gone"), asyncio.CancelledError()])
async def test_an_end_on_the_way_leaves_the_old_file(end: BaseException) -> None:
    bench = Bench()

    def fail(operation: str, path: bytes) -> None:
        if operation == "copy within":
            raise end

    bench.files.at = fail
    with pytest.raises(type(end)):
        await bench.copy()
    assert bench.files.below(b"/to") == {b"file": b"old"}
    assert bench.files.open_files == 0


async def test_a_source_that_shrinks_meanwhile_is_not_taken_for_whole() -> None:
    bench = Bench()

    def shrink(operation: str, path: bytes) -> None:
        if operation == "copy within":
            node = bench.files.nodes[b"/from/file"]
            node.data, node.mtime_ns = node.data[:-1], node.mtime_ns + 1

    bench.files.at = shrink
    with pytest.raises(FileError, match="changed while copied"):
        await bench.copy()
    assert bench.files.below(b"/to") == {b"file": b"old"}
