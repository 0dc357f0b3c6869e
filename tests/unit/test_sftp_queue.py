"""Jobs in the queue: what arrives, conflicts, failures of single files, what is told."""

import asyncio
import os
import time

import pytest

from sshdash.errors import FileError
from sshdash.events import EventBus, TransferChanged
from sshdash.prompts import (
    AnswerType,
    ConflictAnswer,
    ConflictChoice,
    ConflictQuestion,
    Question,
)
from sshdash.sftp.entries import Kind
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.queue import TransferQueue
from sshdash.states import TransferState
from tests.unit.queue_kit import Kit, kit, reasons, request


async def test_a_tree_arrives_with_modes_times_links_and_empty_directories() -> None:
    async with kit() as one:
        one.far.folder(b"/tree/empty", mode=0o500, mtime_ns=5 * 10**9)
        one.far.file(b"/tree/a", b"a", mode=0o600)
        one.far.file(b"/tree/deep/er/b", b"b" * 100)
        one.far.link(b"/tree/deep/link", b"er/b")
        snapshot = await one.copy(b"/tree")
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert one.near.below(b"/to") == {b"tree/a": b"a", b"tree/deep/er/b": b"b" * 100}
        empty = one.near.nodes[b"/to/tree/empty"]
        assert (empty.mode, empty.mtime_ns) == (0o500, 5 * 10**9)
        assert one.near.nodes[b"/to/tree/deep/link"].target == b"er/b"
        assert (snapshot.files_done, snapshot.files_total) == (3, 3)
        assert (snapshot.bytes_done, snapshot.bytes_total) == (101, 101)
        assert snapshot.direction == "down"
        assert snapshot.title == "tree"


async def test_every_change_of_state_is_told_once_in_order() -> None:
    async with kit() as one:
        one.far.file(b"/a", b"a")
        await one.copy(b"/a")
        told = [event.new for event in one.events if isinstance(event, TransferChanged)]
        assert told == [
            TransferState.QUEUED,
            TransferState.SCANNING,
            TransferState.COPYING,
            TransferState.DONE,
        ]


class Waiting:
    """Answers once it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        self.asked.set()
        await self.answer.wait()
        return ConflictAnswer(ConflictChoice.SKIP)  # type: ignore[return-value]


async def test_a_job_tells_that_it_waits_for_an_answer() -> None:
    one = Kit()
    waiting = Waiting()
    queue = TransferQueue(one.open, waiting, EventBus())
    one.far.file(b"/x/a", b"new")
    one.near.file(b"/to/a", b"old")
    job = queue.submit(request(b"/x/a"))
    await waiting.asked.wait()
    assert queue.snapshot(job).asks
    waiting.answer.set()
    done = await queue.wait(job)
    assert (done.state, done.asks) == (TransferState.DONE, False)
    await queue.close()


async def test_the_time_it_ran_is_that_of_all_its_runs_without_the_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Kit()
    waiting = Waiting()
    queue = TransferQueue(one.open, waiting, EventBus())
    one.far.file(b"/x/a", b"new")
    one.near.file(b"/to/a", b"old")
    passed = 0.0
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + passed)
    job = queue.submit(request(b"/x/a"))
    await waiting.asked.wait()
    queue._jobs[job].started -= 100.0  # type: ignore[operator]
    running = queue._jobs[job].task
    assert running is not None
    queue.pause(job)
    await asyncio.wait({running})
    passed = 900.0
    waiting.answer.set()
    queue.retry(job)
    done = await queue.wait(job)
    await queue.close()
    assert done.started is not None
    assert done.ended is not None
    assert 100 <= done.ended - done.started < 900


async def test_the_time_that_only_an_answer_was_waited_for_is_none_that_it_ran(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Kit()
    waiting = Waiting()
    queue = TransferQueue(one.open, waiting, EventBus())
    one.far.file(b"/x/a", b"new")
    one.near.file(b"/to/a", b"old")
    job = queue.submit(request(b"/x/a"))
    await waiting.asked.wait()
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + 900)
    waiting.answer.set()
    done = await queue.wait(job)
    await queue.close()
    assert done.started is not None
    assert done.ended is not None
    assert 0 <= done.ended - done.started < 900


@pytest.mark.parametrize(
    ("choice", "content", "skipped"),
    [
        (ConflictChoice.OVERWRITE, {b"a": b"new"}, 0),
        (ConflictChoice.SKIP, {b"a": b"old"}, 1),
        (ConflictChoice.RENAME, {b"a": b"old", b"a (2)": b"new"}, 0),
    ],
)
async def test_a_conflict_is_asked_and_the_answer_done(
    choice: ConflictChoice, content: dict[bytes, bytes], skipped: int
) -> None:
    async with kit(ConflictAnswer(choice)) as one:
        one.far.file(b"/a", b"new", mtime_ns=2 * 10**9)
        one.near.file(b"/to/a", b"old", mtime_ns=10**9)
        snapshot = await one.copy(b"/a")
        assert snapshot.state is TransferState.DONE
        assert one.near.below(b"/to") == content
        assert snapshot.skipped == skipped
        (question,) = one.prompter.asked
        assert isinstance(question, ConflictQuestion)
        assert (question.source, question.target) == ("far:/a", "local:/to/a")
        assert (question.source_size, question.target_size) == (3, 3)
        assert (question.source_time, question.target_time) == (2.0, 1.0)


async def test_an_answer_for_all_is_asked_once_and_single_ones_each_time() -> None:
    answers = (
        ConflictAnswer(ConflictChoice.SKIP),
        ConflictAnswer(ConflictChoice.OVERWRITE, for_all=True),
    )
    async with kit(*answers) as one:
        for number in range(5):
            one.far.file(b"/tree/%d" % number, b"new")
            one.near.file(b"/to/tree/%d" % number, b"old")
        snapshot = await one.copy(b"/tree")
        assert snapshot.state is TransferState.DONE
        asked = [each for each in one.prompter.asked if isinstance(each, ConflictQuestion)]
        assert [question.more for question in asked] == [4, 3]
        assert sorted(one.near.below(b"/to").values()) == [b"new"] * 4 + [b"old"]


async def test_keeping_both_finds_free_names_for_several_at_once() -> None:
    async with kit() as one:
        one.far.file(b"/x/a.txt", b"1")
        one.far.file(b"/y/a.txt", b"2")
        one.near.file(b"/to/a.txt", b"0")
        snapshot = await one.copy(b"/x/a.txt", b"/y/a.txt", conflict=ConflictChoice.RENAME)
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert sorted(one.near.below(b"/to")) == [b"a (2).txt", b"a (3).txt", b"a.txt"]
        one.far.file(b"/x/new", b"1")
        one.far.file(b"/y/new", b"2")
        snapshot = await one.copy(b"/x/new", b"/y/new", conflict=ConflictChoice.RENAME)
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert one.near.below(b"/to")[b"new"] == b"1"
        assert one.near.below(b"/to")[b"new (2)"] == b"2"


async def test_what_cannot_be_copied_is_named_and_the_rest_is_there() -> None:
    async with kit() as one:
        one.far.file(b"/tree/good", b"g")
        one.far.special(b"/tree/fifo", Kind.FIFO)
        one.far.special(b"/tree/disk", Kind.DEVICE)
        one.far.link(b"/tree/passwd", b"/etc/passwd")
        one.far.link(b"/tree/up", b"../../../x")
        one.far.extra_names[b"/tree"] = [b"../evil", b"..", b"/abs", b"", b"a\0b"]
        one.far.file(b"/tree/clash/file", b"f")
        one.near.file(b"/to/tree/clash", b"a file, not a directory")
        snapshot = await one.copy(b"/tree", b"/missing")
        assert snapshot.state is TransferState.FAILED
        found = reasons(snapshot)
        assert set(found) == {"/tree/clash", "/missing"}
        assert "is not a directory" in found["/tree/clash"]
        assert "nothing there" in found["/missing"]
        left_out = {one.path: one.reason for one in snapshot.left_out}
        assert left_out["/tree/fifo"] == "not a regular file (FIFO)"
        assert left_out["/tree/disk"] == "not a regular file (device)"
        assert "leads out of the copied folder" in left_out["/tree/passwd"]
        assert "leads out of the copied folder" in left_out["/tree/up"]
        assert sum("unsafe name" in reason for reason in left_out.values()) == 5
        assert one.near.below(b"/to") == {
            b"tree/good": b"g",
            b"tree/clash": b"a file, not a directory",
        }
        assert set(one.near.nodes) == {
            b"/", b"/to", b"/to/tree", b"/to/tree/good", b"/to/tree/clash"
        }  # fmt: skip


async def test_nothing_is_written_through_a_link_at_the_target() -> None:
    async with kit() as one:
        one.far.file(b"/tree/sub/file", b"evil")
        one.far.file(b"/tree/file", b"evil")
        one.near.file(b"/secret/keys", b"mine")
        one.near.link(b"/to/tree/sub", b"/secret")
        one.near.link(b"/to/tree/file", b"/secret/keys")
        snapshot = await one.copy(b"/tree", conflict=ConflictChoice.OVERWRITE)
        assert "never followed" in reasons(snapshot)["/tree/sub"]
        assert one.near.below(b"/secret") == {b"keys": b"mine"}
        assert one.near.below(b"/to") == {b"tree/file": b"evil"}


async def test_directories_are_refused_without_recursive() -> None:
    async with kit() as one:
        one.far.file(b"/tree/a", b"a")
        snapshot = await one.copy(b"/tree", recursive=False)
        assert "directory" in reasons(snapshot)["/tree"]
        assert one.near.below(b"/to") == {}


async def test_a_directory_that_cannot_be_made_is_one_failure_per_file_and_no_more() -> None:
    async with kit() as one:
        one.far.file(b"/tree/good/a", b"a")
        one.far.file(b"/tree/bad/b", b"b")
        one.far.file(b"/tree/bad/deeper/c", b"c")

        def at(operation: str, path: bytes) -> None:
            if operation == "mkdir" and path.endswith(b"bad"):
                raise FileError("cannot make the directory", "", "permission denied")

        one.near.at = at
        snapshot = await one.copy(b"/tree")
        assert one.near.below(b"/to") == {b"tree/good/a": b"a"}
        assert set(reasons(snapshot)) == {"/tree/bad", "/tree/bad/b", "/tree/bad/deeper/c"}
        one.near.at = lambda operation, path: None
        one.queue.retry(snapshot.id)
        assert (await one.queue.wait(snapshot.id)).state is TransferState.DONE
        assert len(one.near.below(b"/to")) == 3


@pytest.mark.parametrize("path", [b"/to/tree", b"/to"])
async def test_copying_into_itself_is_refused(path: bytes) -> None:
    async with kit() as one:
        one.near.file(b"/to/tree/a", b"a")
        snapshot = await one.copy(path, source="", target_dir=b"/to/tree")
        assert snapshot.state is TransferState.FAILED
        assert "into itself" in next(iter(reasons(snapshot).values()))
        assert one.near.below(b"/to") == {b"tree/a": b"a"}


async def test_copying_onto_itself_is_refused_but_may_be_kept_beside() -> None:
    async with kit() as one:
        one.near.file(b"/to/a", b"a")
        snapshot = await one.copy(b"/to/a", source="", conflict=ConflictChoice.OVERWRITE)
        assert "the same" in reasons(snapshot)["/to/a"]
        snapshot = await one.copy(b"/to/a", source="", conflict=ConflictChoice.RENAME)
        assert snapshot.state is TransferState.DONE
        assert one.near.below(b"/to") == {b"a": b"a", b"a (2)": b"a"}


async def test_so_many_run_at_once_and_the_others_wait() -> None:
    async with kit(at_once=2) as one:
        release = asyncio.Event()
        one.far.file(b"/a", b"a")
        opened = one.open

        async def slow(endpoint: str) -> Filesystem:
            await release.wait()
            return await opened(endpoint)

        one.queue = TransferQueue(slow, one.prompter, EventBus(), 2)
        jobs = [one.queue.submit(request(b"/a", target_name=b"%d" % n)) for n in range(4)]
        await asyncio.sleep(0)
        totals = one.queue.totals()
        assert (totals.jobs_running, totals.jobs_queued, totals.uncounted) == (2, 2, 2)
        one.queue.cancel(jobs[3])
        assert one.queue.snapshot(jobs[3]).state is TransferState.CANCELLED
        release.set()
        ends = [(await one.queue.wait(job)).state for job in jobs]
        assert ends == [TransferState.DONE] * 3 + [TransferState.CANCELLED]
        one.queue.remove_finished()
        assert one.queue.snapshots() == []


async def test_hostile_text_is_cleaned_in_what_is_told() -> None:
    async with kit() as one:
        name = b"\x1b]0;x\x07\n[red]"
        one.far.special(b"/" + name, Kind.FIFO)
        snapshot = await one.copy(b"/" + name)
        (omitted,) = snapshot.left_out
        for text in (snapshot.title, omitted.path, omitted.reason):
            assert text.isprintable()


async def test_what_is_left_out_on_purpose_is_told_and_is_no_failure() -> None:
    async with kit() as one:
        one.far.file(b"/tree/good", b"g")
        one.far.special(b"/tree/fifo", Kind.FIFO)
        one.far.link(b"/tree/passwd", b"/etc/passwd")
        snapshot = await one.copy(b"/tree")
        assert snapshot.state is TransferState.DONE
        assert not snapshot.errors
        assert [one.path for one in snapshot.left_out] == ["/tree/fifo", "/tree/passwd"]
        assert snapshot.left_out_total == 2
        assert (snapshot.files_done, snapshot.files_total) == (1, 1)
        assert set(one.near.nodes) == {b"/", b"/to", b"/to/tree", b"/to/tree/good"}


async def test_a_failure_at_the_target_says_on_which_end_it_was() -> None:
    async with kit() as one:
        one.near.file(b"/tree/file", b"f")

        def at(operation: str, path: bytes) -> None:
            if operation == "create":
                raise FileError("cannot create", "", "permission denied", host="far")

        one.far.at = at
        snapshot = await one.copy(b"/tree", source="", target="far")
        assert reasons(snapshot) == {"/tree/file": "cannot create on far: permission denied"}

        def refuse(operation: str, path: bytes) -> None:
            if operation == "create":
                raise FileError("cannot create", "", "disk full")

        one.far.file(b"/other/file", b"f")
        one.near.at = refuse
        snapshot = await one.copy(b"/other")
        assert reasons(snapshot) == {"/other/file": "cannot create here: disk full"}


async def test_a_failure_at_the_target_names_its_folder_where_both_ends_are_one_machine() -> None:
    async with kit() as one:
        one.near.file(b"/tree/file", b"f")

        def at(operation: str, path: bytes) -> None:
            if operation == "create":
                raise FileError("cannot write", os.fsdecode(path), "permission denied")

        one.near.at = at
        snapshot = await one.copy(b"/tree", source="", target="")
        assert reasons(snapshot) == {"/tree/file": "cannot write in /to/tree: permission denied"}


async def test_everybody_has_a_turn_while_a_large_directory_is_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sshdash.sftp.turns._BUDGET", 0)
    async with kit() as one:
        for number in range(5_000):
            one.far.special(b"/tree/%d" % number, Kind.FIFO)
        one.far.folder(b"/tree")
        job = one.queue.submit(request(b"/tree"))
        steps: list[int] = []
        seen = 0
        while not one.queue.snapshot(job).is_finished:
            await asyncio.sleep(0)
            left_out = one.queue.snapshot(job).left_out_total
            steps.append(left_out - seen)
            seen = left_out
        assert seen == 5_000
        assert max(steps) <= 10


async def test_thousands_of_marked_files_are_not_looked_at_all_at_once() -> None:
    async with kit() as one:
        paths = [b"/from/%d" % number for number in range(2000)]
        for path in paths:
            one.far.file(path, b"x")
        under_way: list[int] = []
        one.far.at = lambda operation, path: under_way.append(len(asyncio.all_tasks()))
        snapshot = await one.copy(*paths)
        assert (snapshot.state, snapshot.files_done) == (TransferState.DONE, 2000)
        assert max(under_way) < 500
