"""A queue that outlives its process: what is there again, and how it goes on."""

import asyncio
import copy
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from sshdash.events import Event, EventBus, WarningRaised
from sshdash.prompts import ConflictAnswer, ConflictChoice, ScriptedPrompter
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, TransferSnapshot
from sshdash.sftp.journal import Journal
from sshdash.sftp.kept import Standing, pack
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.shelf import Shelf
from sshdash.sftp.store import SAVE_JOB, SAVE_PART
from sshdash.states import TransferState
from tests.patience import PATIENCE
from tests.unit.memory_files import MemoryFilesystem, Node
from tests.unit.queue_kit import request

DATA = bytes(range(256)) * 4
BIG = DATA * 4


class Run:
    """One process: a queue with its journal, between a host and this machine in memory."""

    def __init__(
        self, folder: Path, nodes: dict[str, dict[bytes, Node]] | None = None, at_once: int = 1
    ) -> None:
        self.far, self.near = MemoryFilesystem("far"), MemoryFilesystem()
        self.near.folder(b"/to")
        self.far.folder(b"/to")
        if nodes is not None:
            self.far.nodes, self.near.nodes = nodes["far"], nodes["near"]
        self.folder = folder
        self.events: list[Event] = []
        self.bus = EventBus()
        self.bus.subscribe(self.events.append)
        self.prompter = ScriptedPrompter([])
        self._changed = asyncio.Event()
        self.bus.subscribe(lambda event: self._changed.set())
        self.journal = Journal(Shelf(folder), self.bus)
        self.queue = TransferQueue(self.open, self.prompter, self.bus, at_once, None, self.journal)

    async def open(self, endpoint: str) -> Filesystem:
        return self.far if endpoint else self.near

    async def reaches(self, job: str, state: TransferState) -> TransferSnapshot:
        async with asyncio.timeout(PATIENCE):
            while self.queue.snapshot(job).state is not state:
                self._changed.clear()
                await self._changed.wait()
        return self.queue.snapshot(job)

    def crash(self, folder: Path) -> "Run":
        """Return the process that comes after one that was killed in this very moment."""
        if self.folder.exists():
            shutil.copytree(self.folder, folder)
        ends = {"far": self.far.nodes, "near": self.near.nodes}
        return Run(folder, copy.deepcopy(ends))

    def parts(self) -> list[bytes]:
        ends = (self.far.nodes, self.near.nodes)
        return [name for nodes in ends for name in nodes if b".sshdash-" in name]


@asynccontextmanager
async def run(folder: Path) -> AsyncIterator[Run]:
    one = Run(folder)
    try:
        yield one
    finally:
        await one.queue.close()


def furnish(one: Run) -> dict[bytes, bytes]:
    """Make a tree on the host and return what is to be in the target in the end."""
    files = {b"tree/big": DATA, b"tree/deep/large": DATA[::-1], b"tree/small": b"s", b"tree/e": b""}
    for name, data in files.items():
        one.far.file(b"/" + name, data, mtime_ns=7 * 10**9)
    one.far.nodes[b"/tree/deep"].mode = 0o500
    one.near.file(b"/to/tree/big", b"old", mtime_ns=3 * 10**9)
    return files


@pytest.mark.parametrize("step", range(1, 290, 12))
async def test_a_process_killed_at_any_point_is_followed_by_one_that_finishes(
    step: int, tmp_path: Path
) -> None:
    async with run(tmp_path / "one") as one:
        files = furnish(one)
        count, after = 0, None

        def at(operation: str, path: bytes) -> None:
            nonlocal count, after
            count += 1
            if count == step:
                after = one.crash(tmp_path / "two")

        one.near.at = one.far.at = at
        job = one.queue.submit(request(b"/tree", conflict=ConflictChoice.OVERWRITE))
        await one.queue.wait(job)
        if after is None:
            return  # it was done before
        jobs = await after.queue.restore()
        try:
            if not jobs:  # killed before anything was done, or when all was
                assert not after.parts()
                return
            (job,) = jobs
            assert after.queue.snapshot(job).state is TransferState.PAUSED
            after.queue.retry(job)
            end = await after.queue.wait(job)
            assert end.state is TransferState.DONE, end
            assert after.near.below(b"/to") == files
            assert (end.files_done, end.files_total) == (4, 4)
            assert end.bytes_done == end.bytes_total == sum(map(len, files.values()))
            assert after.near.nodes[b"/to/tree/deep"].mode == 0o500
            assert after.prompter.asked == []
        finally:
            await after.queue.close()


@pytest.mark.parametrize("step", range(1, 340, 9))
async def test_a_move_killed_at_any_point_loses_nothing(step: int, tmp_path: Path) -> None:
    async with run(tmp_path / "one") as one:
        files = furnish(one)
        count, after = 0, None

        def at(operation: str, path: bytes) -> None:
            nonlocal count, after
            count += 1
            if count == step:
                after = one.crash(tmp_path / "two")

        one.near.at = one.far.at = at
        overwrite = ConflictChoice.OVERWRITE
        await one.queue.wait(one.queue.submit(request(b"/tree", conflict=overwrite, move=True)))
        if after is None:
            return  # it was done before
        for job in await after.queue.restore():
            after.queue.retry(job)
            end = await after.queue.wait(job)
            assert end.state is TransferState.DONE, end
            assert after.near.below(b"/to") == files
            assert after.far.below(b"/tree") == {}
        left = {b"tree/" + name: data for name, data in after.far.below(b"/tree").items()}
        assert {**after.near.below(b"/to"), **left} == files
        await after.queue.close()


@pytest.mark.parametrize("step", range(20, 290, 40))
async def test_clearing_what_a_killed_process_left_leaves_no_temporary_file(
    step: int, tmp_path: Path
) -> None:
    async with run(tmp_path / "one") as one:
        furnish(one)
        count, after = 0, None

        def at(operation: str, path: bytes) -> None:
            nonlocal count, after
            count += 1
            if count == step:
                after = one.crash(tmp_path / "two")

        one.near.at = one.far.at = at
        await one.queue.wait(one.queue.submit(request(b"/tree", conflict=ConflictChoice.OVERWRITE)))
        if after is None:
            return
        for job in await after.queue.restore():
            after.queue.cancel(job)
        after.queue.remove_finished()
        assert after.queue.snapshots() == []
        await after.queue.close()
        assert after.parts() == []
        assert list((tmp_path / "two").glob("*")) == []


async def test_a_large_file_goes_on_from_what_is_known_to_have_arrived(tmp_path: Path) -> None:
    async with run(tmp_path / "one") as one:
        one.far.file(b"/big", BIG)
        job = one.queue.submit(request(b"/big"))
        await one.reaches(job, TransferState.COPYING)
        reads = 0

        def at(operation: str, path: bytes) -> None:
            nonlocal reads
            reads += operation == "read"
            if reads == 40:
                one.queue.pause(job)

        one.far.at = at
        paused = await one.reaches(job, TransferState.PAUSED)
        assert not paused.is_finished
        assert not paused.is_live
        await one.queue.close()
        assert one.parts()
        two = Run(tmp_path / "one", {"far": one.far.nodes, "near": one.near.nodes})
        (again,) = await two.queue.restore()
        begun = two.queue.snapshot(again)
        assert 0 < begun.bytes_done < len(BIG)
        reads = 0
        two.far.at = at
        two.queue.retry(again)
        end = await two.queue.wait(again)
        assert (end.state, end.resumed, end.restarted) == (TransferState.DONE, 1, ())
        assert two.near.below(b"/to") == {b"big": BIG}
        assert reads <= (len(BIG) - begun.bytes_done) // 16 + begun.bytes_done // 16 + 2
        await two.queue.close()


async def test_a_crash_is_told_and_a_cancelled_copy_is_gone_on_with(tmp_path: Path) -> None:
    async with run(tmp_path / "one") as one:
        one.far.file(b"/big", BIG)
        job = one.queue.submit(request(b"/big"))
        reads = 0

        def at(operation: str, path: bytes) -> None:
            nonlocal reads
            reads += operation == "read"
            if reads == 40 and one.queue.snapshot(job).state is TransferState.COPYING:
                one.queue.cancel(job)

        one.far.at = at
        end = await one.queue.wait(job)
        assert end.state is TransferState.CANCELLED
        assert len(one.parts()) == 1
        one.queue.retry(job)
        end = await one.queue.wait(job)
        assert (end.state, end.resumed) == (TransferState.DONE, 1)
        assert one.near.below(b"/to") == {b"big": BIG}
        one.far.file(b"/more", BIG)
        reads = 0
        job = one.queue.submit(request(b"/more"))
        await one.queue.wait(job)
        one.queue.cancel(job)
        one.queue.remove_finished()
        async with asyncio.timeout(PATIENCE):
            while one.parts():  # noqa: ASYNC110
                await asyncio.sleep(0)
        await one.journal.recorded()
        after = one.crash(tmp_path / "two")
        assert await after.queue.restore() == []
        assert not [event for event in after.events if isinstance(event, WarningRaised)]
        await after.queue.close()


async def test_interrupted_copies_are_told_with_their_number(tmp_path: Path) -> None:
    async with run(tmp_path / "one") as one:
        one.far.file(b"/big", BIG)
        jobs = [one.queue.submit(request(b"/big", target_name=b"%d" % n)) for n in range(3)]
        await one.reaches(jobs[0], TransferState.COPYING)
        await one.queue.close()
    two = Run(tmp_path / "one", {"far": one.far.nodes, "near": one.near.nodes})
    restored = await two.queue.restore()
    assert len(restored) == 3
    assert [two.queue.snapshot(job).request.target_name for job in restored] == [b"0", b"1", b"2"]
    two.queue.shift(restored[2], -1)
    await two.queue.close()
    three = Run(tmp_path / "one", {"far": two.far.nodes, "near": two.near.nodes})
    restored = await three.queue.restore()
    assert [three.queue.snapshot(job).request.target_name for job in restored] == [b"0", b"2", b"1"]
    await three.queue.close()


async def test_a_disk_that_cannot_be_written_is_told_and_copies_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    async with run(tmp_path / "file" / "below") as one:
        one.far.file(b"/big", BIG)
        end = await one.queue.wait(one.queue.submit(request(b"/big")))
        assert end.state is TransferState.DONE
        (warning,) = [event for event in one.events if isinstance(event, WarningRaised)]
        assert "cannot be written" in warning.title


SIZE = 5000


def leave(folder: Path, one: Run, up: bool, done: int, data: bytes, source: bytes) -> None:
    """Leave what a killed process would: `done` bytes of ``/file`` are known to have arrived."""
    here, there = (one.near, one.far) if up else (one.far, one.near)
    here.file(b"/file", source, mtime_ns=7 * 10**9)
    part = b"/to/.file.sshdash-00c0ffee.part"
    there.file(part, data, mode=0o600)
    entry = Entry(b"file", Kind.FILE, SIZE, 0o644, 7 * 10**9)
    ends = {"source": "", "target": "far"} if up else {}
    standing = Standing(files_total=1, bytes_total=SIZE)
    shelf = Shelf(folder)
    row = ("uid", 1.0, "copying", pack(request(b"/file", **ends)), pack(standing))
    shelf.write(
        [(SAVE_JOB, [row]), (SAVE_PART, [("uid", part, b"/to/file", pack(entry), done, False)])]
    )
    shelf.close()


@pytest.mark.parametrize("up", [False, True], ids=["get", "put"])
@pytest.mark.parametrize("done", [0, 1, 1000, 1024, SIZE - 1, SIZE])
async def test_a_file_goes_on_from_any_length(tmp_path: Path, done: int, up: bool) -> None:
    data = (BIG * 2)[:SIZE]
    async with run(tmp_path) as one:
        # More than is known may have arrived, in pieces.
        leave(tmp_path, one, up, done, data[:done] + b"?" * (SIZE - done), data)
        (job,) = await one.queue.restore()
        assert one.queue.snapshot(job).bytes_done == done
        one.queue.retry(job)
        end = await one.queue.wait(job)
        assert (end.state, end.restarted) == (TransferState.DONE, ()), end
        assert end.resumed == (done > 0)
        assert (one.far if up else one.near).below(b"/to") == {b"file": data}
        assert not one.parts()


@pytest.mark.parametrize("up", [False, True], ids=["get", "put"])
@pytest.mark.parametrize(
    ("data", "source", "reason"),
    [
        (b"x" * 4000, b"x" * 3999 + b"y" * 1001, "what had arrived differs from the source"),
        (b"x" * 3999, b"x" * 5000, "what had arrived is not there any more"),
        (b"x" * 4000, b"x" * 5001, "the source has changed meanwhile"),
    ],
)
async def test_what_is_not_the_beginning_of_the_source_is_started_over_and_told(
    tmp_path: Path, data: bytes, source: bytes, reason: str, up: bool
) -> None:
    async with run(tmp_path) as one:
        leave(tmp_path, one, up, 4000, data, source)
        (job,) = await one.queue.restore()
        one.queue.retry(job)
        end = await one.queue.wait(job)
        assert end.state is TransferState.DONE
        assert [again.reason for again in end.restarted] == [reason]
        assert (one.far if up else one.near).below(b"/to") == {b"file": source}
        assert not one.parts()


@pytest.mark.parametrize("step", range(1, 290, 9))
async def test_a_job_cancelled_at_any_point_and_cleared_leaves_no_trace(
    step: int, tmp_path: Path
) -> None:
    async with run(tmp_path / "kept") as one:
        files = furnish(one)
        count = 0

        def at(operation: str, path: bytes) -> None:
            nonlocal count
            count += 1
            if count == step:
                one.queue.cancel(job)

        one.near.at = one.far.at = at
        job = one.queue.submit(request(b"/tree", conflict=ConflictChoice.OVERWRITE))
        end = await one.queue.wait(job)
        whole = {**files, b"tree/big": b"old"}
        for name, data in one.near.below(b"/to").items():
            assert b".sshdash-" in name or data in (files[name], whole[name])
        one.queue.remove_finished()
        await one.queue.close()
        assert not one.parts(), end
        assert not list((tmp_path / "kept").glob("*"))


async def test_choices_that_were_made_are_not_asked_again(tmp_path: Path) -> None:
    async with run(tmp_path / "kept") as one:
        for name in (b"a", b"b", b"c"):
            one.far.file(b"/tree/" + name, BIG, mtime_ns=7 * 10**9)
            one.near.file(b"/to/tree/" + name, b"old " + name)
        one.prompter = ScriptedPrompter(
            [
                ConflictAnswer(ConflictChoice.SKIP),
                ConflictAnswer(ConflictChoice.RENAME, for_all=True),
            ]
        )
        one.queue._execution._prompter = one.prompter
        job = one.queue.submit(request(b"/tree"))
        reads = 0

        def at(operation: str, path: bytes) -> None:
            nonlocal reads
            reads += operation == "read"
            if reads == 200:
                one.queue.pause(job)

        one.far.at = at
        await one.reaches(job, TransferState.PAUSED)
        await one.queue.close()
        two = Run(tmp_path / "kept", {"far": one.far.nodes, "near": one.near.nodes})
        (again,) = await two.queue.restore()
        two.queue.retry(again)
        end = await two.queue.wait(again)
        assert (end.state, end.skipped) == (TransferState.DONE, 1)
        assert two.prompter.asked == []
        assert sorted(two.near.below(b"/to/tree")) == [b"a", b"b", b"b (2)", b"c", b"c (2)"]
        await two.queue.close()


async def test_two_hundred_queued_and_three_running_are_all_there_again_once(
    tmp_path: Path,
) -> None:
    one = Run(tmp_path / "one", at_once=3)
    names = [b"%03d" % number for number in range(203)]
    for name in names:
        one.far.file(b"/" + name, name * 100, mtime_ns=7 * 10**9)
    after: list[Run] = []
    placed = 0

    def at(operation: str, path: bytes) -> None:
        nonlocal placed
        placed += operation == "rename"
        if placed == 20 and not after:
            after.append(one.crash(tmp_path / "two"))

    one.near.at = at
    jobs = [one.queue.submit(request(b"/" + name)) for name in names]
    for job in jobs:
        await one.queue.wait(job)
    await one.queue.close()
    (two,) = after
    restored = await two.queue.restore()
    snapshots = two.queue.snapshots()
    assert [job.title.encode() for job in snapshots] == names
    assert len(restored) == sum(job.state is TransferState.PAUSED for job in snapshots) >= 180
    assert len(two.parts()) <= 3
    for job in restored:
        two.queue.retry(job)
    for job in restored:
        assert (await two.queue.wait(job)).state is TransferState.DONE
    assert two.near.below(b"/to") == {name: name * 100 for name in names}
    two.queue.remove_finished()
    await two.queue.close()
    assert two.prompter.asked == []
    assert list((tmp_path / "two").glob("*")) == []


async def test_figures_that_cannot_be_written_do_not_hold_up_copies(tmp_path: Path) -> None:
    async with run(tmp_path / "a") as one:
        one.far.file(b"/a", DATA)
        one.far.file(b"/b", DATA)
        job = one.queue.submit(request(b"/a", b"/b"))
        one.queue._jobs[job].ledger.bytes_finished = 2**70  # what a server's sizes can come to
        await one.reaches(job, TransferState.DONE)
        assert [event.title for event in one.events if isinstance(event, WarningRaised)] == [
            "The queue of copies cannot be written"
        ]


async def test_who_waits_for_a_job_waits_on_while_it_is_paused_and_goes_on(tmp_path: Path) -> None:
    async with run(tmp_path / "a") as one:
        one.far.file(b"/a", DATA)

        def at(operation: str, path: bytes) -> None:
            one.far.at = lambda operation, path: None
            one.queue.pause(job)

        one.far.at = at
        job = one.queue.submit(request(b"/a"))
        waiting = asyncio.ensure_future(one.queue.wait(job))
        await one.reaches(job, TransferState.PAUSED)
        one.queue.retry(job)
        async with asyncio.timeout(PATIENCE):
            assert (await waiting).state is TransferState.DONE


async def paused_in_the_middle(one: Run, what: CopyRequest) -> None:
    """Queue a copy of a large file, pause it while that is under way, and end the process."""
    job = one.queue.submit(what)
    reads = 0

    def at(operation: str, path: bytes) -> None:
        nonlocal reads
        reads += operation == "read"
        if reads == 40:
            one.queue.pause(job)

    one.far.at = at
    await one.reaches(job, TransferState.PAUSED)
    await one.queue.close()
    one.far.at = lambda operation, path: None


@pytest.mark.parametrize("changed", [False, True])
async def test_a_target_that_changed_since_it_was_agreed_to_is_asked_about_again(
    tmp_path: Path, changed: bool
) -> None:
    async with run(tmp_path / "kept") as one:
        one.far.file(b"/a", BIG, mtime_ns=7 * 10**9)
        one.near.file(b"/to/a", b"old")
        one.prompter.answers.append(ConflictAnswer(ConflictChoice.OVERWRITE))
        await paused_in_the_middle(one, request(b"/a"))
        if changed:
            one.near.file(b"/to/a", b"somebody else's work")
        two = Run(tmp_path / "kept", {"far": one.far.nodes, "near": one.near.nodes})
        two.prompter.answers += [ConflictAnswer(ConflictChoice.SKIP)] * changed
        (again,) = await two.queue.restore()
        two.queue.retry(again)
        end = await two.queue.wait(again)
        assert (end.state, end.skipped) == (TransferState.DONE, int(changed))
        assert len(two.prompter.asked) == changed
        assert two.near.nodes[b"/to/a"].data == (b"somebody else's work" if changed else BIG)
        await two.queue.close()
        assert not two.parts()


async def test_what_a_sync_was_to_replace_is_looked_at_again_after_a_restart(
    tmp_path: Path,
) -> None:
    async with run(tmp_path / "kept") as one:
        one.far.file(b"/a", BIG, mtime_ns=7 * 10**9)
        one.near.file(b"/to/a", b"old", mtime_ns=3 * 10**9)
        agreed = replace(request(b"/a"), conflict=ConflictChoice.OVERWRITE, seen=((3, 3),))
        await paused_in_the_middle(one, agreed)
        one.near.file(b"/to/a", b"somebody else's work")
        two = Run(tmp_path / "kept", {"far": one.far.nodes, "near": one.near.nodes})
        (again,) = await two.queue.restore()
        two.queue.retry(again)
        end = await two.queue.wait(again)
        assert end.state is TransferState.FAILED
        assert "changed there since it was compared" in end.errors[0].reason
        assert two.near.nodes[b"/to/a"].data == b"somebody else's work"
        await two.queue.close()
