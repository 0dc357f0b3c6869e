"""One file is copied whole or not at all, whatever fails and wherever it is cancelled."""

import asyncio
import re
from collections.abc import Callable

import pytest

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.copier import Copier
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import VagueError
from sshdash.sftp.filesystem import Space
from sshdash.sftp.under_way import FileCopy
from tests.unit.memory_files import MemoryFilesystem

OLD, NEW = b"the old content", b"something new that is rather longer than a chunk of sixteen"


class Bench:
    """Two file systems, a source and perhaps an old target."""

    def __init__(self, data: bytes = NEW, old: bytes | None = OLD, **values: object) -> None:
        self.source = MemoryFilesystem("far")
        self.target = MemoryFilesystem()
        self.source.file(b"/from/file", data, **values)
        self.target.folder(b"/to")
        if old is not None:
            self.target.file(b"/to/file", old, mode=0o640)
        self.copier = Copier(self.source, self.target, preserve=True)
        self.counted = 0

    async def copy(self) -> str:
        """Copy it as it was listed."""
        entry = await self.source.lstat(b"/from/file")
        existing = await self.target.exists(b"/to/file")
        return await self.copier.copy(
            FileCopy(b"/from/file", b"/to/file", entry, existing), self.count
        )

    def count(self, size: int) -> None:
        """Sum up the progress."""
        self.counted += size

    def assert_untouched(self, old: bytes | None = OLD) -> None:
        """The target folder holds the old file and nothing else, and nothing is open."""
        expected = {} if old is None else {b"file": old}
        assert self.target.below(b"/to") == expected
        assert self.source.open_files == self.target.open_files == 0
        assert self.copier.leftovers == set()
        assert self.counted == 0


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 33, 1000])
@pytest.mark.parametrize("old", [None, OLD])
async def test_content_mode_and_time_arrive(size: int, old: bytes | None) -> None:
    bench = Bench(bytes(range(256)) * 4, old, mode=0o4751, mtime_ns=10**18)
    bench.source.nodes[b"/from/file"].data = bench.source.nodes[b"/from/file"].data[:size]
    assert await bench.copy() == ""
    node = bench.target.nodes[b"/to/file"]
    assert node.data == bench.source.nodes[b"/from/file"].data
    assert node.mode == 0o751, "setuid is never restored"
    assert node.mtime_ns == 10**18
    assert bench.counted == size
    assert bench.target.open_files == bench.source.open_files == 0


def test_a_directory_keeps_that_nobody_removes_what_is_anothers() -> None:
    bench = Bench()
    assert bench.copier.mode(Entry(b"tmp", Kind.DIRECTORY, 0, 0o7777)) == 0o1777
    assert bench.copier.mode(Entry(b"file", Kind.FILE, 0, 0o7777)) == 0o777


async def test_without_preserve_an_old_file_keeps_its_mode_and_a_new_one_gets_the_umask() -> None:
    bench = Bench(mode=0o666)
    bench.copier = Copier(bench.source, bench.target, preserve=False, umask=0o027)
    await bench.copy()
    assert bench.target.nodes[b"/to/file"].mode == 0o640
    del bench.target.nodes[b"/to/file"]
    await bench.copy()
    assert bench.target.nodes[b"/to/file"].mode == 0o640
    assert bench.target.nodes[b"/to/file"].mtime_ns != 10**18


@pytest.mark.parametrize("data", [b"tiny", NEW])
async def test_a_short_read_is_read_on(data: bytes) -> None:
    bench = Bench(data)
    bench.source.short_reads = 3
    await bench.copy()
    assert bench.target.below(b"/to") == {b"file": data}


@pytest.mark.parametrize("data", [b"tiny", NEW])
async def test_what_claims_to_be_empty_is_read_to_its_end(data: bytes) -> None:
    bench = Bench(data, claims=0)
    await bench.copy()
    assert bench.target.below(b"/to") == {b"file": data}


async def test_a_pseudo_file_that_claims_a_page_is_taken_as_it_is() -> None:
    bench = Bench(b"[always] never\n", claims=4096)
    await bench.copy()
    assert bench.target.below(b"/to") == {b"file": b"[always] never\n"}


async def test_a_file_that_ends_before_its_claimed_size_is_not_taken_for_whole() -> None:
    bench = Bench(NEW, claims=len(NEW) + 1)
    with pytest.raises(FileError, match="source changed"):
        await bench.copy()
    bench.assert_untouched()


async def test_a_gigantic_claim_reserves_nothing() -> None:
    bench = Bench(NEW, claims=2**62)
    with pytest.raises(FileError, match="source changed"):
        await bench.copy()
    bench.assert_untouched()


@pytest.mark.parametrize("change", ["truncate", "rewrite", "directory"])
@pytest.mark.parametrize("data", [b"tiny", NEW])
async def test_a_source_that_keeps_changing_is_reported(data: bytes, change: str) -> None:
    bench = Bench(data)
    node = bench.source.nodes[b"/from/file"]

    def at(operation: str, path: bytes) -> None:
        if operation in ("read end", "fstat") and node.data:
            node.mtime_ns += 1
            if change == "truncate":
                node.data = node.data[:-1]
            elif change == "directory":
                node.kind = Kind.DIRECTORY

    bench.source.at = at
    with pytest.raises(FileError, match="source changed while copied"):
        await bench.copy()
    bench.assert_untouched()


@pytest.mark.parametrize("data", [b"tiny", NEW])
async def test_of_a_source_that_keeps_growing_what_it_was_is_copied_and_told(data: bytes) -> None:
    bench = Bench(data)
    node = bench.source.nodes[b"/from/file"]

    def at(operation: str, path: bytes) -> None:
        if operation in ("read end", "fstat"):
            node.mtime_ns += 1
            node.data += b"another line\n"

    bench.source.at = at
    complaint = await bench.copy()
    copied = bench.target.nodes[b"/to/file"].data
    assert len(copied) >= len(data)
    assert node.data.startswith(copied)
    assert complaint == f"it grew meanwhile: these are its first {len(copied):,} bytes"
    assert bench.counted == len(copied)


@pytest.mark.parametrize("rewritten", [False, True])
async def test_a_source_that_only_grew_is_read_once_and_one_that_was_written_anew_twice(
    rewritten: bool,
) -> None:
    bench = Bench(NEW)
    node, opened, looks = bench.source.nodes[b"/from/file"], 0, 0

    def at(operation: str, path: bytes) -> None:
        nonlocal opened, looks
        opened += operation == "open"
        looks += operation == "fstat"
        if operation == "fstat" and looks == 2:  # at the end of the first attempt
            node.mtime_ns += 1
            node.data = bytes(len(NEW)) + b"x" if rewritten else node.data + b"another line\n"

    bench.source.at = at
    complaint = await bench.copy()
    assert bool(complaint) is not rewritten
    assert opened == 1 + rewritten
    assert bench.target.nodes[b"/to/file"].data == (node.data if rewritten else NEW)


async def test_a_source_that_changed_since_it_was_listed_is_copied_as_it_is_now() -> None:
    bench = Bench(b"as it was listed")
    entry = await bench.source.lstat(b"/from/file")
    bench.source.file(b"/from/file", NEW, mtime_ns=entry.mtime_ns + 1)
    existing = await bench.target.exists(b"/to/file")
    await bench.copier.copy(FileCopy(b"/from/file", b"/to/file", entry, existing), bench.count)
    assert bench.target.below(b"/to") == {b"file": NEW}


async def test_what_appears_at_the_target_meanwhile_is_not_overwritten() -> None:
    bench = Bench(old=None)

    def at(operation: str, path: bytes) -> None:
        if operation == "finish":
            bench.target.file(b"/to/file", b"somebody else's")

    bench.target.at = at
    with pytest.raises(FileError, match="cannot create"):
        await bench.copy()
    bench.assert_untouched(b"somebody else's")


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("data", [b"tiny", NEW])
async def test_a_failure_at_any_point_leaves_the_old_file(
    data: bytes, side: str, lost: bool
) -> None:
    await _at_every_step(data, side, _raiser(lost), ConnectionLost if lost else FileError)


def _raiser(lost: bool) -> Callable[["asyncio.Task[str]"], None]:
    def strike(task: "asyncio.Task[str]") -> None:
        raise ConnectionLost("gone") if lost else FileError("broken")

    return strike


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("data", [b"", b"tiny", NEW])
async def test_a_cancel_at_any_point_leaves_the_old_file(data: bytes, side: str) -> None:
    def strike(task: "asyncio.Task[str]") -> None:
        task.cancel()

    await _at_every_step(data, side, strike, asyncio.CancelledError)


async def _at_every_step(
    data: bytes,
    side: str,
    strike: Callable[["asyncio.Task[str]"], None],
    expected: type[BaseException],
) -> None:
    """Copy again and again, striking one step later each time, until nothing is struck."""
    for number in range(1, 200):
        bench = Bench(data)
        struck = await _struck(bench, side, number, strike, expected)
        if not struck:
            assert number > 2
            return
    raise AssertionError("it never ended")


async def _struck(
    bench: Bench,
    side: str,
    number: int,
    strike: Callable[["asyncio.Task[str]"], None],
    expected: type[BaseException],
) -> bool:
    count, hit = 0, ""
    entry = await bench.source.lstat(b"/from/file")
    existing = await bench.target.exists(b"/to/file")
    file = FileCopy(b"/from/file", b"/to/file", entry, existing)
    task = asyncio.ensure_future(bench.copier.copy(file, bench.count))

    def at(operation: str, path: bytes) -> None:
        nonlocal count, hit
        count += 1
        if count == number and not hit:
            hit = operation
            strike(task)

    getattr(bench, side).at = at
    try:
        await task
    except expected:
        assert hit
        if hit != "replace":
            bench.assert_untouched()
        else:
            # Cancelled while the name changes: old or new, never between, nothing beside.
            (content,) = bench.target.below(b"/to").values()
            assert content in (OLD, bench.source.nodes[b"/from/file"].data)
        return True
    if hit:
        # A cancel that came with the very last step is allowed to be too late.
        assert bench.target.below(b"/to") == {b"file": bench.source.nodes[b"/from/file"].data}
        return True
    return False


async def test_a_second_cancel_does_not_stop_the_clean_up() -> None:
    bench = Bench(NEW)
    entry = await bench.source.lstat(b"/from/file")
    file = FileCopy(b"/from/file", b"/to/file", entry, await bench.target.exists(b"/to/file"))
    task = asyncio.ensure_future(bench.copier.copy(file, bench.count))

    def at(operation: str, path: bytes) -> None:
        if operation in ("write", "unlink"):
            task.cancel()

    bench.target.at = at
    with pytest.raises(asyncio.CancelledError):
        await task
    bench.assert_untouched()


async def test_what_cannot_be_removed_is_remembered_and_removed_next_time() -> None:
    bench = Bench(NEW)

    def lost(operation: str, path: bytes) -> None:
        if operation in ("write", "unlink"):
            raise ConnectionLost("gone")

    bench.target.at = lost
    with pytest.raises(ConnectionLost):
        await bench.copy()
    (left,) = bench.copier.leftovers
    assert left in bench.target.nodes

    def denied(operation: str, path: bytes) -> None:
        if operation == "unlink":
            raise FileError("cannot remove", "", "permission denied")

    bench.target.at = denied
    await bench.copier.remove_leftovers()
    assert bench.copier.leftovers == {left}, "what may not be removed stops no retry"
    bench.target.at = lambda operation, path: None
    await bench.copier.remove_leftovers()
    assert bench.copier.leftovers == set()
    assert bench.target.below(b"/to") == {b"file": OLD}


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (Space(100, 0), "disk full (0 bytes free)"),
        (Space(10**12, 10**12, free_files=0), "inodes"),
        (Space(10**12, 10**12, 5, read_only=True), "read-only file system"),
        (Space(10**12, 10**12), "went wrong (a full quota"),
        (None, "went wrong (a full quota"),
    ],
)
async def test_a_vague_failure_is_explained_by_the_disk(space: Space | None, words: str) -> None:
    bench = Bench(NEW)
    bench.target.space = space

    def at(operation: str, path: bytes) -> None:
        if operation == "write":
            raise VagueError("cannot write", "x", "went wrong")

    bench.target.at = at
    with pytest.raises(FileError) as caught:
        await bench.copy()
    assert words in str(caught.value)
    bench.assert_untouched()


async def test_a_copy_that_is_too_short_gets_no_name() -> None:
    bench = Bench(NEW)

    def at(operation: str, path: bytes) -> None:
        if operation == "finish":
            bench.target.nodes[path].data = b"cut"

    bench.target.at = at
    with pytest.raises(FileError, match="not whole"):
        await bench.copy()
    bench.assert_untouched()


async def test_the_temporary_file_is_private_and_beside_the_target() -> None:
    bench = Bench(NEW)
    seen: list[tuple[bytes, int]] = []

    def at(operation: str, path: bytes) -> None:
        if operation == "write":
            seen.append((path, bench.target.nodes[path].mode))

    bench.target.at = at
    await bench.copy()
    assert seen
    for path, mode in seen:
        folder, _, name = path.rpartition(b"/")
        assert folder == b"/to"
        assert re.fullmatch(rb"\..*\.sshdash-[0-9a-f]{8}\.part", name)
        assert mode == 0o600


async def test_a_link_replaces_a_file_at_once() -> None:
    bench = Bench()
    entry = await bench.source.lstat(b"/from/file")
    existing = await bench.target.exists(b"/to/file")
    await bench.copier.copy_link(FileCopy(b"/from/file", b"/to/file", entry, existing), b"other")
    assert bench.target.nodes[b"/to/file"].target == b"other"
    assert set(bench.target.nodes) == {b"/", b"/to", b"/to/file"}
