"""Trees that are kept up to date: none outlives who stops it."""

import asyncio
import copy
import os
import shutil
from pathlib import Path

from sshdash.events import EventBus
from sshdash.prompts import ScriptedPrompter
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.journal import Journal
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.shelf import Shelf
from sshdash.sftp.sync_keep import Wish
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
