"""Trees that are kept up to date: none outlives who stops it."""

import asyncio
import copy
import errno
import os
import shutil
from pathlib import Path

import pytest

from sshdash.errors import FileError
from sshdash.events import Event, EventBus, KeepChanged, WarningRaised
from sshdash.prompts import ScriptedPrompter
from sshdash.sftp.failures import failure
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.journal import Journal
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.shelf import Shelf
from sshdash.sftp.sync_keep import KeepState, KeepUp, Kept, Wish
from sshdash.sftp.sync_keepers import Keepers
from sshdash.sftp.sync_plan import Tree
from sshdash.sftp.sync_rules import Rules
from sshdash.states import TransferState
from tests.unit.memory_files import MemoryFilesystem


async def test_one_that_is_stopped_before_it_began_is_not_listed_any_more() -> None:
    async def open_end(endpoint: str) -> Filesystem:
        return MemoryFilesystem(endpoint or "local")

    keepers = Keepers(open_end, ScriptedPrompter([]), EventBus())
    number = keepers.start(Wish(Tree("", b"/here"), Tree("far", b"/there"), Rules()))
    await keepers.stop(number)
    assert keepers.snapshots() == []
    await keepers.close()


async def test_what_one_was_copying_when_it_was_killed_is_paused_in_the_next_process(
    tmp_path: Path,
) -> None:
    here, before, after = (tmp_path / name for name in ("here", "before", "after"))
    here.mkdir()
    (here / "file").write_bytes(os.urandom(5000))
    far = MemoryFilesystem("far", chunk=4096)
    far.folder(b"/there")
    bus, killed, nodes = EventBus(), asyncio.Event(), {}

    async def open_end(endpoint: str) -> Filesystem:
        return far if endpoint else LocalFilesystem()

    def at(operation: str, path: bytes) -> None:
        if operation == "finish" and not killed.is_set():
            shutil.copytree(before, after)
            nodes.update(copy.deepcopy(far.nodes))
            killed.set()

    far.at = at
    keepers = Keepers(
        open_end, ScriptedPrompter([]), bus, None, lambda: Journal(Shelf(before), bus)
    )
    keepers.start(Wish(Tree("", bytes(here)), Tree("far", b"/there"), Rules()))
    await killed.wait()
    await keepers.stop("k1")
    await keepers.close()
    assert list(before.iterdir()) == [], "nothing is left of one that was ended"
    assert not [name for name in far.nodes if b".sshdash-" in name]

    far.nodes = nodes
    queue = TransferQueue(open_end, ScriptedPrompter([]), bus, 1, None, Journal(Shelf(after), bus))
    (job,) = await queue.restore()
    assert queue.snapshot(job).state is TransferState.PAUSED
    assert [name for name in far.nodes if b".sshdash-" in name]
    queue.retry(job)
    assert (await queue.wait(job)).state is TransferState.DONE
    await queue.close()
    assert far.below(b"/there") == {b"file": (here / "file").read_bytes()}


async def first_of(here: Path, near: MemoryFilesystem, far: MemoryFilesystem) -> Kept:
    """Keep what is there like what `near` has below `here`; return how the first round ended.

    Raises what ended it all.
    """
    ended: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()

    async def open_end(endpoint: str) -> Filesystem:
        return far if endpoint else near

    def tell(kept: Kept) -> None:
        if kept.state in (KeepState.IN_STEP, KeepState.BEHIND):
            ended.set_result(kept)

    queue = TransferQueue(open_end, ScriptedPrompter([]), EventBus())
    wish = Wish(Tree("", bytes(here)), Tree("far", b"/there"), Rules(), delete=True)
    running = asyncio.create_task(KeepUp(wish, queue, open_end, None, tell).run())
    try:
        await asyncio.wait((running, ended), return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        return ended.result()
    finally:
        running.cancel()
        await asyncio.wait((running,))
        await queue.close()


async def test_a_folder_here_that_is_gone_ends_it_and_nothing_is_made_or_emptied(
    tmp_path: Path,
) -> None:
    near, far = MemoryFilesystem(), MemoryFilesystem("far")
    with pytest.raises(FileError, match="cannot stat"):
        await first_of(tmp_path, near, far)
    assert b"/there" not in far.nodes
    far.file(b"/there/kept", b"x")
    with pytest.raises(FileError, match="cannot stat"):
        await first_of(tmp_path, near, far)
    assert far.below(b"/there") == {b"kept": b"x"}


async def test_nothing_is_deleted_there_while_something_here_cannot_be_read(
    tmp_path: Path,
) -> None:
    near, far = MemoryFilesystem(), MemoryFilesystem("far")
    here = bytes(tmp_path)
    near.file(here + b"/new", b"new")
    near.folder(here + b"/closed")
    far.file(b"/there/gone", b"x")

    def at(operation: str, path: bytes) -> None:
        if (operation, path) == ("list", here + b"/closed"):
            raise failure("list", path, errno.EACCES)

    near.at = at
    kept = await first_of(tmp_path, near, far)
    assert (kept.state, kept.deleted, kept.copied) == (KeepState.BEHIND, 0, 1)
    assert "closed: cannot list" in kept.problem
    assert far.below(b"/there") == {b"gone": b"x", b"new": b"new"}
    near.at = lambda operation, path: None
    kept = await first_of(tmp_path, near, far)
    assert (kept.state, kept.deleted) == (KeepState.IN_STEP, 1)


async def test_closing_waits_for_one_that_is_about_to_end_by_itself(tmp_path: Path) -> None:
    near, far, bus = MemoryFilesystem(), MemoryFilesystem("far"), EventBus()
    near.file(bytes(tmp_path) + b"/file", bytes(400_000))
    far.folder(b"/there")
    ended = asyncio.Event()
    told: list[Event] = []

    def note(event: Event) -> None:
        told.append(event)
        if isinstance(event, KeepChanged) and event.state == "ended":
            ended.set()

    bus.subscribe(note)
    removing = asyncio.Event()

    async def open_end(endpoint: str) -> Filesystem:
        return far if endpoint else near

    keepers = Keepers(open_end, ScriptedPrompter([]), bus)
    keepers.start(Wish(Tree("", bytes(tmp_path)), Tree("far", b"/there"), Rules()))
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "keep k1"]

    def at(operation: str, path: bytes) -> None:
        if operation == "write":
            removing.set()

    far.at = at
    await removing.wait()
    stopping = asyncio.create_task(keepers.stop("k1"))
    await ended.wait()
    await keepers.close()
    assert task.done()
    await stopping
    assert not [name for name in far.nodes if b".sshdash-" in name]
    assert not [one for one in told if isinstance(one, WarningRaised)]
