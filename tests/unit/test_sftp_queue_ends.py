"""Jobs that end early: cancelled, cut off or in part; what stays, and what a retry does."""

import asyncio
import gc
from contextlib import suppress

import pytest

from sshdash.errors import ConnectionLost, FileError
from sshdash.events import EventBus
from sshdash.sftp.entries import Kind
from sshdash.sftp.queue import TransferQueue
from sshdash.states import TransferState
from tests.unit.queue_kit import kit, reasons, request


async def test_a_failed_file_does_not_stop_the_others_and_a_retry_does_only_it() -> None:
    async with kit() as one:
        for number in range(50):
            one.far.file(b"/tree/%d" % number, b"x" * number)
        broken = True
        read: list[bytes] = []

        def at(operation: str, path: bytes) -> None:
            if operation in ("read", "open"):
                read.append(path)
                if broken and path == b"/tree/7":
                    raise FileError("cannot read", "", "permission denied", host="far")

        one.far.at = at
        snapshot = await one.copy(b"/tree")
        assert snapshot.state is TransferState.FAILED
        assert snapshot.reason == "1 not copied"
        assert reasons(snapshot) == {"/tree/7": "cannot read: permission denied"}
        assert len(one.near.below(b"/to")) == 49
        assert snapshot.bytes_total == snapshot.bytes_done
        broken = False
        read.clear()
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert set(read) == {b"/tree/7"}
        assert len(one.near.below(b"/to")) == 50
        assert not one.prompter.asked
        assert snapshot.files_done == snapshot.files_total == 50


async def test_a_dismissed_question_cancels_the_job_and_overwrites_nothing() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"new")
        one.near.file(b"/to/a", b"old")
        snapshot = await one.copy(b"/a")
        assert snapshot.state is TransferState.CANCELLED
        assert one.near.below(b"/to") == {b"a": b"old"}


async def test_a_lost_connection_fails_the_job_and_a_retry_cleans_up_and_finishes() -> None:
    async with kit() as one:
        for number in range(20):
            one.near.file(b"/tree/%02d" % number, b"x" * 100)
        count = 0
        lost = False

        def at(operation: str, path: bytes) -> None:
            nonlocal count, lost
            count += operation == "write"
            lost = lost or count > 30
            if lost:
                raise ConnectionLost("the connection was lost", host="far")

        one.far.at = at
        snapshot = await one.copy(b"/tree", source="", target="far")
        assert snapshot.state is TransferState.FAILED
        assert "the connection was lost" in snapshot.reason
        assert "unfinished" in snapshot.reason
        left = [name for name in one.far.below(b"/to") if b".part" in name]
        assert left
        one.far.at = lambda operation, path: None
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert snapshot.state is TransferState.DONE, snapshot
        assert one.far.below(b"/to") == {b"tree/%02d" % number: b"x" * 100 for number in range(20)}


@pytest.mark.parametrize("step", range(1, 80, 3))
async def test_a_job_is_cancelled_at_any_point_without_a_trace_and_retried(step: int) -> None:
    async with kit() as one:
        for number in range(3):
            one.far.file(b"/tree/%d/file" % number, b"x" * 40)
        count = 0

        def at(operation: str, path: bytes) -> None:
            nonlocal count
            count += 1
            if count == step:
                one.queue.cancel(job)

        one.near.at = at
        job = one.queue.submit(request(b"/tree"))
        snapshot = await one.queue.wait(job)
        assert snapshot.state in (TransferState.CANCELLED, TransferState.DONE)
        assert not [name for name in one.near.below(b"/to") if b".part" in name]
        assert all(data == b"x" * 40 for data in one.near.below(b"/to").values())
        if snapshot.state is TransferState.CANCELLED:
            one.near.at = lambda operation, path: None
            one.queue.retry(job)
            snapshot = await one.queue.wait(job)
            # A file whose name changed in the very moment of the cancel is asked about.
            assert snapshot.state is TransferState.DONE or one.prompter.asked
        if snapshot.state is TransferState.DONE:
            assert len(one.near.below(b"/to")) == 3


async def test_closing_the_queue_cancels_and_cleans_up() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"a" * 1000)
        job = one.queue.submit(request(b"/a"))

        def at(operation: str, path: bytes) -> None:
            if operation == "write":
                raise asyncio.CancelledError

        one.near.at = at
        await asyncio.sleep(0)
        await one.queue.close()
        assert one.queue.snapshot(job).state is TransferState.CANCELLED
        assert one.near.below(b"/to") == {}


async def test_a_retry_does_not_look_again_at_what_was_left_out() -> None:
    async with kit() as one:
        one.far.special(b"/tree/fifo", Kind.FIFO)
        one.far.link(b"/tree/passwd", b"/etc/passwd")
        one.far.file(b"/tree/clash", b"c")
        one.near.folder(b"/to/tree/clash")
        snapshot = await one.copy(b"/tree")
        assert snapshot.state is TransferState.FAILED
        assert set(reasons(snapshot)) == {"/tree/clash"}
        del one.near.nodes[b"/to/tree/clash"]
        seen: list[tuple[str, bytes]] = []
        one.far.at = lambda operation, path: seen.append((operation, path))
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert snapshot.state is TransferState.DONE
        assert snapshot.left_out_total == 2
        assert (snapshot.files_done, snapshot.files_total) == (1, 1)
        assert not [path for _, path in seen if path in (b"/tree/fifo", b"/tree/passwd")]


async def test_a_job_cancelled_at_an_open_question_leaves_no_exception_behind() -> None:
    class Dismissing:
        """Dismisses its question when the asking task is cancelled, as a closing screen does."""

        def __init__(self) -> None:
            self.asking = asyncio.Event()

        async def ask(self, question: object) -> None:
            self.asking.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    async with kit() as one:
        prompter = Dismissing()
        one.queue = TransferQueue(one.open, prompter, EventBus(), 1)
        for name in (b"a", b"b", b"new"):
            one.far.file(b"/tree/" + name, b"new")
        one.near.file(b"/to/tree/a", b"old")
        one.near.file(b"/to/tree/b", b"old")
        job = one.queue.submit(request(b"/tree"))
        await prompter.asking.wait()
        one.queue.cancel(job)
        assert (await one.queue.wait(job)).state is TransferState.CANCELLED
        await one.queue.close()
    gc.collect()
    assert not complaints


async def test_an_unfinished_file_that_may_not_be_removed_is_told() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"a")

        def at(operation: str, path: bytes) -> None:
            if operation in ("write", "unlink"):
                raise FileError("cannot " + operation, "", "permission denied")

        one.near.at = at
        snapshot = await one.copy(b"/a")
        assert snapshot.state is TransferState.FAILED
        assert snapshot.reason.startswith("1 not copied; 1 unfinished file may remain")
