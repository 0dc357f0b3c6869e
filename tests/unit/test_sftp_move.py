"""A move loses nothing: the source goes only once all of it is somewhere else."""

import asyncio
import errno
import os
import stat
from pathlib import Path

import pytest

from sshdash.errors import ConnectionLost, FileError
from sshdash.events import EventBus
from sshdash.prompts import ConflictAnswer, ConflictChoice, ScriptedPrompter
from sshdash.sftp.entries import Kind
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.local import LocalFilesystem
from sshdash.sftp.queue import TransferQueue
from sshdash.states import TransferState
from tests.unit.memory_files import MemoryFilesystem
from tests.unit.queue_kit import Kit, kit, reasons, request

CHOICES = [ConflictChoice.OVERWRITE, ConflictChoice.SKIP, ConflictChoice.RENAME]


def furnish(one: Kit) -> None:
    """Put a tree on the host."""
    one.far.file(b"/tree/a", b"first", mode=0o600)
    one.far.file(b"/tree/sub/b", b"second" * 20)
    one.far.link(b"/tree/sub/link", b"b")
    one.far.folder(b"/tree/empty")


async def test_a_tree_moves_to_another_machine_and_nothing_stays() -> None:
    async with kit() as one:
        furnish(one)
        done = await one.copy(b"/tree", move=True)
        assert done.state is TransferState.DONE, done.errors
        assert set(one.far.nodes) == {b"/", b"/to"}
        assert one.near.below(b"/to/tree") == {b"a": b"first", b"sub/b": b"second" * 20}
        assert one.near.nodes[b"/to/tree/sub/link"].target == b"b"
        assert b"/to/tree/empty" in one.near.nodes


async def test_within_one_machine_it_is_one_rename() -> None:
    async with kit() as one:
        furnish(one)
        one.far.special(b"/pipe", Kind.FIFO)
        seen: list[str] = []
        one.far.at = lambda operation, path: seen.append(operation)
        done = await one.copy(b"/tree", b"/pipe", move=True, target="far")
        assert done.state is TransferState.DONE, done.errors
        assert one.far.below(b"/to/tree") == {b"a": b"first", b"sub/b": b"second" * 20}
        assert b"/tree" not in one.far.nodes
        assert seen.count("rename") == 2
        assert not {"read", "unlink", "list"}.intersection(seen)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("target", ["", "far"])
async def test_conflicts_are_asked_and_what_is_skipped_stays(
    choice: ConflictChoice, target: str
) -> None:
    async with kit(ConflictAnswer(choice)) as one:
        furnish(one)
        there = one.far if target else one.near
        there.file(b"/to/tree/a", b"old")
        done = await one.copy(b"/tree", move=True, target=target)
        assert done.state is TransferState.DONE, done.errors
        assert len(one.prompter.asked) == 1
        stays = choice is ConflictChoice.SKIP
        assert (b"/tree/a" in one.far.nodes) is stays
        assert (b"/tree" in one.far.nodes) is stays, "a directory goes once it is empty"
        assert b"/tree/sub" not in one.far.nodes
        found = there.below(b"/to/tree")
        assert found[b"a"] == (b"first" if choice is ConflictChoice.OVERWRITE else b"old")
        assert found.get(b"a (2)") == (b"first" if choice is ConflictChoice.RENAME else None)


@pytest.mark.parametrize("operation", ["read", "unlink", "create", "rename", "mkdir"])
async def test_whatever_fails_leaves_the_source(operation: str) -> None:
    async with kit() as one:
        furnish(one)

        def fail(seen: str, path: bytes) -> None:
            if seen == operation:
                raise FileError(f"cannot {operation}", "", "by the test")

        one.far.at = one.near.at = fail
        done = await one.copy(b"/tree", move=True)
        assert done.state is TransferState.FAILED
        assert one.far.nodes[b"/tree/a"].data == b"first"
        assert one.far.nodes[b"/tree/sub/b"].data == b"second" * 20
        one.far.at = one.near.at = lambda operation, path: None
        one.queue.retry(done.id)
        done = await one.queue.wait(done.id)
        if operation != "unlink":  # else the copies are there, and whether to replace them is asked
            assert done.state is TransferState.DONE, done.errors
            assert b"/tree" not in one.far.nodes
            assert one.near.below(b"/to/tree") == {b"a": b"first", b"sub/b": b"second" * 20}


@pytest.mark.parametrize("end", [ConnectionLost("gone"), asyncio.CancelledError()])
async def test_an_end_on_the_way_leaves_each_file_in_one_place_at_least(
    end: BaseException,
) -> None:
    operations = ("stat", "read", "create", "finish", "rename", "unlink", "rmdir")
    for operation in operations:
        async with kit() as one:
            furnish(one)

            def fail(seen: str, path: bytes, at: str = operation) -> None:
                if seen == at:
                    raise end

            one.near.at = fail
            one.far.at = fail
            job = one.queue.submit(request(b"/tree", move=True))
            await one.queue.wait(job)
            one.near.at = one.far.at = lambda operation, path: None
            for name, data in ((b"a", b"first"), (b"sub/b", b"second" * 20)):
                places = (one.far.below(b"/tree"), one.near.below(b"/to/tree"))
                assert any(place.get(name) == data for place in places), (operation, name)


async def test_a_source_that_changes_after_its_copy_stays() -> None:
    async with kit() as one:
        one.far.file(b"/file", b"first")

        def change(operation: str, path: bytes) -> None:
            if operation == "rename":
                one.far.nodes[b"/file"].data = b"later!"

        one.near.at = change
        done = await one.copy(b"/file", move=True)
        assert done.state is TransferState.FAILED
        assert "changed since" in reasons(done)["/file"]
        assert one.far.nodes[b"/file"].data == b"later!"


async def test_a_retry_of_what_was_moved_in_part_finds_the_rest() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"1")
        one.far.file(b"/b", b"2")

        def refuse(operation: str, path: bytes) -> None:
            if (operation, path) == ("read", b"/b"):
                raise FileError("cannot read", "", "by the test")

        one.far.at = refuse
        done = await one.copy(b"/a", b"/b", move=True)
        assert list(reasons(done)) == ["/b"]
        one.far.at = lambda operation, path: None
        one.queue.retry(done.id)
        done = await one.queue.wait(done.id)
        assert done.state is TransferState.DONE, done.errors
        assert one.near.below(b"/to") == {b"a": b"1", b"b": b"2"}


async def test_a_source_stays_where_the_name_of_its_copy_is_not_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, sync = MemoryFilesystem("far"), os.fsync
    far.file(b"/tree/a", b"first")

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    async def open_end(endpoint: str) -> Filesystem:
        return far if endpoint else LocalFilesystem()

    monkeypatch.setattr(os, "fsync", fsync)
    queue = TransferQueue(open_end, ScriptedPrompter([]), EventBus())
    try:
        asked = request(b"/tree", move=True, target_dir=bytes(tmp_path))
        done = await queue.wait(queue.submit(asked))
    finally:
        await queue.close()
    assert "copied, but the source stays" in reasons(done)["/tree/a"]
    assert far.below(b"/tree") == {b"a": b"first"}
    assert (tmp_path / "tree" / "a").read_bytes() == b"first"


async def test_a_second_name_that_stays_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, remove = MemoryFilesystem("far"), os.unlink
    far.folder(b"/to")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "one").write_bytes(b"content")
    os.link(tmp_path / "tree" / "one", tmp_path / "tree" / "two")
    gone: list[bytes] = []

    def unlink(path: bytes) -> None:
        if gone:  # the first name has gone: it is the second's turn
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        gone.append(path)
        remove(path)

    async def open_end(endpoint: str) -> Filesystem:
        return far if endpoint else LocalFilesystem()

    monkeypatch.setattr(os, "unlink", unlink)
    queue = TransferQueue(open_end, ScriptedPrompter([]), EventBus())
    try:
        paths = bytes(tmp_path / "tree")
        asked = request(paths, source="", target="far", move=True)
        done = await queue.wait(queue.submit(asked))
    finally:
        await queue.close()
    (left,) = (tmp_path / "tree").iterdir()
    assert "copied, but the source stays" in reasons(done)[str(left)]
    assert far.below(b"/to/tree") == {b"one": b"content", b"two": b"content"}


async def test_what_cannot_leave_its_folder_is_left_in_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "closed" / "file").write_bytes(b"content")
    unlink = os.unlink

    def refuse(path: bytes, *rest: object) -> None:
        if os.path.basename(path) == b"file" and b"closed" in os.path.realpath(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    files = LocalFilesystem()
    try:
        with pytest.raises(FileError, match="cannot rename"):
            await files.rename(bytes(tmp_path / "closed/file"), bytes(tmp_path / "to/file"))
    finally:
        await files.close()
    assert os.listdir(tmp_path / "to") == []
    assert (tmp_path / "closed" / "file").read_bytes() == b"content"


async def test_two_names_of_one_file_are_not_taken_for_moved() -> None:
    """As rename(2) does nothing then, and says nothing."""
    async with kit() as one:
        one.far.file(b"/to/a", b"1")
        one.far.file(b"/a", b"1")

        async def nothing(old: bytes, new: bytes) -> None:
            return None

        one.far.replace = nothing  # type: ignore[method-assign]
        snapshot = await one.copy(b"/a", target="far", move=True, conflict=ConflictChoice.OVERWRITE)
        assert snapshot.state is TransferState.FAILED
        assert "names of one file" in reasons(snapshot)["/a"]
        assert one.far.nodes[b"/a"]
