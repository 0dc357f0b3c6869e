"""Files that are written into, as their folder takes no temporary one beside them."""

import asyncio
import errno
from pathlib import Path

import pytest

from sshdash.events import EventBus
from sshdash.prompts import ConfirmQuestion, ConflictChoice
from sshdash.sftp.failures import failure
from sshdash.sftp.journal import Journal
from sshdash.sftp.names import is_temporary
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.shelf import Shelf
from sshdash.states import TransferState
from tests.unit.queue_kit import Kit, kit, reasons, request

NAMES = b"a", b"b", b"c"


def furnish(one: Kit) -> None:
    """Have three files there that can be written into and not be replaced."""

    def closed(operation: str, path: bytes) -> None:
        if operation == "create" and is_temporary(path.rpartition(b"/")[2]):
            raise failure("create", path, errno.EACCES)

    one.near.at = closed
    for name in NAMES:
        one.far.file(b"/" + name, b"new " + name)
        one.near.file(b"/to/" + name, b"what was there before")


@pytest.mark.parametrize("answer", [True, False, None])
async def test_the_person_is_asked_once_whether_it_may_be_not_whole_for_a_while(
    answer: bool | None,
) -> None:
    async with kit(answer) as one:
        furnish(one)
        snapshot = await one.copy(
            b"/a", b"/b", b"/c", in_place=None, conflict=ConflictChoice.OVERWRITE
        )
        (question,) = one.prompter.asked
        assert isinstance(question, ConfirmQuestion)
        assert "neither the old nor the new one" in question.detail
        if answer:
            assert snapshot.state is TransferState.DONE, snapshot.errors
            assert one.near.below(b"/to") == {name: b"new " + name for name in NAMES}
        else:
            assert snapshot.state is TransferState.FAILED
            assert len(snapshot.errors) == 3
            assert set(one.near.below(b"/to").values()) == {b"what was there before"}


@pytest.mark.parametrize("move", [True, False])
async def test_nobody_is_asked_where_it_was_not_offered_or_is_no_copy(move: bool) -> None:
    async with kit() as one:
        furnish(one)
        in_place = None if move else False
        snapshot = await one.copy(
            b"/a", in_place=in_place, move=move, conflict=ConflictChoice.OVERWRITE
        )
        assert snapshot.state is TransferState.FAILED
        assert one.prompter.asked == []
        assert "cp --inplace" in reasons(snapshot)["/a"]
        assert one.far.below(b"/")[b"a"] == b"new a"


async def test_what_is_broken_off_in_place_is_told_as_such() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"new" * 1000)
        one.near.file(b"/to/a", b"old")

        def full(operation: str, path: bytes) -> None:
            if operation == "finish":
                raise failure("write", path, errno.ENOSPC)

        one.near.at = full
        snapshot = await one.copy(b"/a", in_place=True, conflict=ConflictChoice.OVERWRITE)
        assert snapshot.state is TransferState.FAILED
        assert "disk full" in reasons(snapshot)["/a"]
        assert "neither the old file nor the new one" in reasons(snapshot)["/a"]


async def test_what_is_whole_after_a_second_look_at_the_source_is_not_told_as_broken_off() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"first" * 10)
        one.near.file(b"/to/a", b"old")
        source = one.far.nodes[b"/a"]

        def at(operation: str, path: bytes) -> None:
            if operation == "write":
                source.data, source.mtime_ns = b"second" * 10, 9 * 10**9

        one.near.at = at
        snapshot = await one.copy(b"/a", in_place=True, conflict=ConflictChoice.OVERWRITE)
        assert (snapshot.state, snapshot.errors) == (TransferState.DONE, ())
        assert one.near.below(b"/to") == {b"a": b"second" * 10}


async def test_what_was_broken_off_is_not_newer_than_what_was_to_be_there(tmp_path: Path) -> None:
    one, bus = Kit(), EventBus()
    one.far.file(b"/a", b"new" * 1000, mtime_ns=8 * 10**9)
    one.near.file(b"/to/a", b"old", mtime_ns=7 * 10**9)
    writing = asyncio.Event()

    def at(operation: str, path: bytes) -> None:
        if operation == "write":
            one.near.nodes[b"/to/a"].mtime_ns = 9 * 10**9  # as ever for who writes
            if len(one.near.nodes[b"/to/a"].data) > 1000:
                writing.set()

    one.near.at = at
    queue = TransferQueue(one.open, one.prompter, bus, 1, None, Journal(Shelf(tmp_path), bus))
    queue.submit(request(b"/a", in_place=True, conflict=ConflictChoice.NEWER))
    await writing.wait()
    await queue.close()
    assert one.near.nodes[b"/to/a"].data[-3:] != b"new"

    after = TransferQueue(one.open, one.prompter, bus, 1, None, Journal(Shelf(tmp_path), bus))
    (job,) = await after.restore()
    after.retry(job)
    snapshot = await after.wait(job)
    await after.close()
    assert (snapshot.state, snapshot.errors, snapshot.skipped) == (TransferState.DONE, (), 0)
    assert one.near.nodes[b"/to/a"].data == b"new" * 1000


@pytest.mark.parametrize("again", ["the file", "its folder"])
async def test_what_was_broken_off_is_known_where_it_is_and_nowhere_else(again: str) -> None:
    async with kit() as one:
        one.far.file(b"/tree/a", b"new" * 1000, mtime_ns=8 * 10**9)
        one.near.file(b"/to/tree/a", b"old", mtime_ns=7 * 10**9)
        one.near.file(b"/to/a", b"newer", mtime_ns=9 * 10**9)
        writing = asyncio.Event()

        def at(operation: str, path: bytes) -> None:
            if operation == "write":
                one.near.nodes[path].mtime_ns = 9 * 10**9  # as ever for who writes
                writing.set()

        one.near.at = at
        first = one.queue.submit(
            request(b"/tree", in_place=True, conflict=ConflictChoice.OVERWRITE)
        )
        await writing.wait()
        one.queue.cancel(first)
        await one.queue.wait(first)
        assert one.near.nodes[b"/to/tree/a"].data not in (b"old", b"new" * 1000)
        place = {"target_dir": b"/to/tree"} if again == "its folder" else {}
        done = await one.copy(b"/tree/a", conflict=ConflictChoice.NEWER, **place)
        assert (done.state, done.skipped) == (TransferState.DONE, int(again == "the file"))
        assert one.near.nodes[b"/to/a"].data == b"newer", "that one is whole, and newer"
        is_whole = one.near.nodes[b"/to/tree/a"].data == b"new" * 1000
        assert is_whole is (again == "its folder")


async def test_what_was_sent_and_not_answered_may_have_been_written() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"new")
        one.near.file(b"/to/a", b"old")

        def lost(operation: str, path: bytes) -> None:
            if operation == "write":
                one.near.nodes[b"/to/a"].data = b"n"
                raise failure("write", path, errno.EIO)

        one.near.at = lost
        snapshot = await one.copy(b"/a", in_place=True, conflict=ConflictChoice.OVERWRITE)
        assert "neither the old file nor the new one" in reasons(snapshot)["/a"]
