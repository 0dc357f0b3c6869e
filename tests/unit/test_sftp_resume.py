"""Copies that a lost connection interrupts: they wait, and go on where they were."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from sshdash.errors import Cancelled, ConnectionLost, FileError
from sshdash.events import Event, EventBus, TransferChanged
from sshdash.prompts import ConflictAnswer, ConflictChoice, ScriptedPrompter
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.queue import TransferQueue
from sshdash.states import TransferState
from tests.patience import PATIENCE
from tests.unit.memory_files import MemoryFilesystem

DATA = bytes(range(256)) * 8


class Weather:
    """Says which hosts are out, and when they are back."""

    def __init__(self) -> None:
        self.out: set[str] = set()
        self.held: list[str] = []
        """Interests that were not given back."""
        self.ended = False
        """Whether the person disconnected."""
        self._changed = asyncio.Event()

    def interest(self, host: str, purpose: str) -> "Held":
        self.held.append(host)
        return Held(self, host)

    def is_expected(self, host: str) -> bool:
        return True

    def is_out(self, host: str) -> bool:
        return host in self.out

    async def settle(self, hosts: object) -> None:
        """Everything is noticed at once."""

    def was_out(self, host: str, since: float) -> bool:
        return host in self.out

    def retry_in(self, host: str) -> float | None:
        return None

    async def back(self, host: str) -> None:
        while host in self.out:
            if self.ended or host not in self.held:
                raise Cancelled("disconnected", host=host)
            await self._change()

    async def up(self, host: str) -> None:
        while host in self.out:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def clear(self, *hosts: str) -> None:
        self.out -= set(hosts)
        self._changed.set()

    def end(self) -> None:
        self.ended = True
        self._changed.set()


class Held:
    def __init__(self, weather: Weather, host: str) -> None:
        self.weather, self.host = weather, host

    def release(self) -> None:
        self.weather.held.remove(self.host)


class Kit:
    """A queue between two hosts and this machine, which any operation can cut off."""

    def __init__(self, *answers: object) -> None:
        self.near = MemoryFilesystem()
        self.far = MemoryFilesystem("far")
        self.other = MemoryFilesystem("other")
        for files in (self.near, self.far, self.other):
            files.folder(b"/to")
        self.weather = Weather()
        self.prompter = ScriptedPrompter(list(answers))
        self.opened: list[str] = []
        self.bus = EventBus()
        self.states: list[TransferState] = []
        self.bus.subscribe(self._note)
        self._changed = asyncio.Event()
        self.queue = TransferQueue(
            self.open,
            self.prompter,
            self.bus,
            1,
            self.weather,  # type: ignore[arg-type]
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, TransferChanged):
            self.states.append(event.new)
            self._changed.set()

    async def open(self, endpoint: str) -> Filesystem:
        self.opened.append(endpoint)
        files = {"": self.near, "far": self.far, "other": self.other}[endpoint]
        if endpoint in self.weather.out:
            raise ConnectionLost("Connection lost", host=endpoint)
        return files

    def submit(self, *paths: bytes, source: str = "far", target: str = "") -> str:
        return self.queue.submit(CopyRequest(source, paths, target, b"/to"))

    async def reaches(self, job: str, state: TransferState) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.queue.snapshot(job).state is not state:
                self._changed.clear()
                await self._changed.wait()

    def cut(
        self, host: MemoryFilesystem, operation: str, times: int, path: bytes = b""
    ) -> list[tuple[str, bytes]]:
        """Lose a host's connection at the so many-th operation; return what is done there."""
        done: list[tuple[str, bytes]] = []
        count = 0

        def at(name: str, where: bytes) -> None:
            nonlocal count
            done.append((name, where))
            if host.label in self.weather.out:
                raise ConnectionLost("Connection lost", host=host.label)
            if name == operation and path in where:
                count += 1
                if count == times:
                    self.weather.out.add(host.label)
                    raise ConnectionLost("Connection lost", "cut", host=host.label)

        host.at = at
        return done


@asynccontextmanager
async def kit(*answers: object) -> AsyncIterator[Kit]:
    one = Kit(*answers)
    try:
        yield one
    finally:
        one.weather.end()
        await one.queue.close()
    assert not one.weather.held
    files = (one.near, one.far, one.other)
    assert [each.open_files for each in files] == [0, 0, 0]
    assert [name for each in files for name in each.nodes if b".sshdash-" in name] == []


async def test_a_download_goes_on_where_it_was_cut_off() -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.cut(one.far, "read", 100)
        job = one.submit(b"/big")
        await one.reaches(job, TransferState.WAITING)
        waiting = one.queue.snapshot(job)
        assert 0 < waiting.bytes_done < len(DATA)
        assert waiting.reason == "waits for far"
        assert not waiting.is_finished
        assert one.weather.held == ["far"]
        done = one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert end.state is TransferState.DONE
        assert one.near.below(b"/to") == {b"big": DATA}
        assert (end.bytes_done, end.bytes_total, end.resumed) == (len(DATA), len(DATA), 1)
        # The tail of what was there is read once more to compare it; then only what is missing.
        reads = sum(name == "read" for name, _ in done)
        assert reads <= (len(DATA) - waiting.bytes_done) // 16 + 2
        assert one.states == [
            TransferState.QUEUED,
            TransferState.SCANNING,
            TransferState.COPYING,
            TransferState.WAITING,
            TransferState.SCANNING,
            TransferState.COPYING,
            TransferState.DONE,
        ]


@pytest.mark.parametrize(("source", "target"), [("", "far"), ("far", "other"), ("other", "far")])
async def test_an_upload_and_a_copy_between_hosts_go_on_too(source: str, target: str) -> None:
    async with kit() as one:
        ends = {"": one.near, "far": one.far, "other": one.other}
        ends[source].file(b"/tree/big", DATA)
        ends[source].file(b"/tree/small", b"small")
        one.cut(one.far, "read" if source == "far" else "write", 120, b"big")
        job = one.submit(b"/tree", source=source, target=target)
        await one.reaches(job, TransferState.WAITING)
        done = one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert end.state is TransferState.DONE
        assert ends[target].below(b"/to") == {b"tree/big": DATA, b"tree/small": b"small"}
        assert end.resumed == 1
        assert (end.files_done, end.files_total) == (2, 2)
        touched = [name for name, path in done if b"small" in path and name != "stat"]
        assert not touched, "what had been copied was copied again"


async def test_several_large_files_under_way_are_all_gone_on_with() -> None:
    async with kit() as one:
        for name in (b"a", b"b", b"c"):
            one.far.file(b"/tree/" + name, DATA)
        one.cut(one.far, "read", 200)
        job = one.submit(b"/tree")
        await one.reaches(job, TransferState.WAITING)
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert end.resumed == 3
        assert one.near.below(b"/to/tree") == dict.fromkeys((b"a", b"b", b"c"), DATA)


def changed_source(one: Kit) -> None:
    one.far.file(b"/big", DATA[::-1], mtime_ns=7 * 10**9)


def other_content(one: Kit) -> None:
    part = next(name for name in one.near.nodes if b".sshdash-" in name)
    one.near.nodes[part].data = b"x" * len(one.near.nodes[part].data)


def nothing_there(one: Kit) -> None:
    del one.near.nodes[next(name for name in one.near.nodes if b".sshdash-" in name)]


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (changed_source, "the source has changed meanwhile"),
        (other_content, "what had arrived differs from the source"),
        (nothing_there, "what had arrived is not there any more"),
    ],
)
async def test_what_cannot_be_gone_on_with_is_started_over_and_told(
    meanwhile: Callable[[Kit], None], reason: str
) -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.cut(one.far, "read", 100)
        job = one.submit(b"/big")
        await one.reaches(job, TransferState.WAITING)
        meanwhile(one)
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert end.state is TransferState.DONE
        assert [(each.path, each.reason) for each in end.restarted] == [("/big", reason)]
        assert one.near.below(b"/to") == {b"big": one.far.nodes[b"/big"].data}


async def test_it_waits_as_often_as_the_connection_is_lost() -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.cut(one.far, "read", 20)
        job = one.submit(b"/big")
        for _ in range(3):
            await one.reaches(job, TransferState.WAITING)
            one.cut(one.far, "read", 20)
            one.weather.clear("far")
            await one.reaches(job, TransferState.COPYING)
        await one.reaches(job, TransferState.WAITING)
        # Lost again before anything was done: what had arrived before still counts.
        one.cut(one.far, "fstat", 1)
        one.weather.clear("far")
        await one.reaches(job, TransferState.SCANNING)
        await one.reaches(job, TransferState.WAITING)
        assert one.queue.snapshot(job).bytes_done
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert (end.state, end.restarted) == (TransferState.DONE, ())
        assert one.near.below(b"/to") == {b"big": DATA}


@pytest.mark.parametrize("target", ["", "other"])
async def test_cancelling_while_it_waits_removes_what_had_arrived(target: str) -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.cut(one.far, "read", 100)
        job = one.submit(b"/big", target=target)
        await one.reaches(job, TransferState.WAITING)
        files = one.other if target else one.near
        assert any(b".sshdash-" in name for name in files.nodes)
        one.queue.cancel(job)
        end = await one.queue.wait(job)
        assert end.state is TransferState.CANCELLED
        assert not any(b".sshdash-" in name for name in files.nodes)
        assert not one.weather.held


async def test_what_a_cancelled_copy_left_on_a_host_that_is_out_goes_when_it_is_back() -> None:
    async with kit() as one:
        one.near.file(b"/big", DATA)
        one.cut(one.far, "write", 100)
        job = one.submit(b"/big", source="", target="far")
        await one.reaches(job, TransferState.WAITING)
        one.queue.cancel(job)
        await one.queue.wait(job)
        assert not one.weather.held
        assert any(b".sshdash-" in name for name in one.far.nodes)
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        async with asyncio.timeout(PATIENCE):
            while any(b".sshdash-" in name for name in one.far.nodes):  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_disconnecting_ends_a_copy_that_waits() -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.cut(one.far, "read", 100)
        job = one.submit(b"/big")
        await one.reaches(job, TransferState.WAITING)
        one.weather.end()
        end = await one.queue.wait(job)
        assert end.state is TransferState.CANCELLED
        assert "disconnected" in end.reason
        assert not one.near.below(b"/to")


async def test_a_failure_after_the_outage_removes_what_had_arrived() -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.cut(one.far, "read", 100)
        job = one.submit(b"/big")
        await one.reaches(job, TransferState.WAITING)

        def at(operation: str, path: bytes) -> None:
            if operation == "realpath":
                raise FileError("the target is read-only")

        one.near.at = at
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert end.state is TransferState.FAILED
        assert not one.near.below(b"/to")


def renamed_unheard(one: Kit, operation: str) -> None:
    """Lose the connection when the file has got its name, before the answer comes."""

    def at(name: str, path: bytes) -> None:
        if name == operation:
            part = next(name for name in one.far.nodes if b".sshdash-" in name)
            one.far.nodes[path] = one.far.nodes.pop(part)
            one.far.at = lambda name, path: None
            one.weather.out.add("far")
            raise ConnectionLost("Connection lost", host="far")

    one.far.at = at


@pytest.mark.parametrize("data", [DATA, b"small"])
@pytest.mark.parametrize("old", [None, b"old content"])
async def test_a_file_that_got_its_name_unheard_is_neither_asked_about_nor_copied_again(
    data: bytes, old: bytes | None
) -> None:
    async with kit(ConflictAnswer(ConflictChoice.OVERWRITE)) as one:
        one.near.file(b"/it", data)
        if old is not None:
            one.far.file(b"/to/it", old)
        renamed_unheard(one, "rename" if old is None else "replace")
        job = one.submit(b"/it", source="", target="far")
        await one.reaches(job, TransferState.WAITING)
        done = one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert (end.state, end.files_done) == (TransferState.DONE, 1), end.errors
        assert end.bytes_done == end.bytes_total == len(data)
        assert one.far.below(b"/to") == {b"it": data}
        assert "write" not in [name for name, _ in done]
        assert len(one.prompter.asked) == (old is not None)


@pytest.mark.parametrize("theirs", [b"another size", DATA[::-1]])
@pytest.mark.parametrize("old", [None, b"old content"])
async def test_what_somebody_else_put_where_a_name_was_given_unheard_is_left_alone(
    theirs: bytes, old: bytes | None
) -> None:
    answers = [ConflictAnswer(choice) for choice in (ConflictChoice.OVERWRITE, ConflictChoice.SKIP)]
    async with kit(*answers) as one:
        one.near.file(b"/it", DATA)
        if old is not None:
            one.far.file(b"/to/it", old)
        renamed_unheard(one, "rename" if old is None else "replace")
        job = one.submit(b"/it", source="", target="far")
        await one.reaches(job, TransferState.WAITING)
        one.far.file(b"/to/it", theirs, mtime_ns=99 * 10**9)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert one.far.below(b"/to") == {b"it": theirs}
        if old is None:
            assert "it was not overwritten" in end.errors[0].reason
        else:
            assert (end.state, end.skipped) == (TransferState.DONE, 1)


async def test_a_rename_that_never_came_is_done_again_without_another_question() -> None:
    async with kit(ConflictAnswer(ConflictChoice.OVERWRITE)) as one:
        one.near.file(b"/it", DATA)
        one.far.file(b"/to/it", b"old content")
        one.cut(one.far, "replace", 1)
        job = one.submit(b"/it", source="", target="far")
        await one.reaches(job, TransferState.WAITING)
        done = one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert end.state is TransferState.DONE
        assert one.far.below(b"/to") == {b"it": DATA}
        assert len(one.prompter.asked) == 1
        assert "write" not in [name for name, _ in done]


async def test_a_session_that_dies_again_and_again_on_a_connection_that_is_up_ends_the_job() -> (
    None
):
    async with kit() as one:
        one.far.file(b"/big", DATA)

        def at(operation: str, path: bytes) -> None:
            if operation == "read":
                raise ConnectionLost("the file session ended", host="far")

        one.far.at = at
        end = await one.queue.wait(one.submit(b"/big"))
        assert end.state is TransferState.FAILED
        assert "the file session ended" in end.reason


async def test_a_job_that_waits_leaves_its_room_to_others() -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA)
        one.near.file(b"/here", b"here")
        one.cut(one.far, "read", 100)
        waiting = one.submit(b"/big")
        await one.reaches(waiting, TransferState.WAITING)
        end = await one.queue.wait(one.submit(b"/here", source="", target=""))
        assert end.state is TransferState.DONE
        assert one.queue.totals().jobs_queued == 1


async def test_jobs_of_a_host_that_is_out_neither_dial_it_nor_come_back_all_at_once() -> None:
    async with kit() as one:
        names = [b"/big%d" % number for number in range(5)]
        for name in names:
            one.far.file(name, DATA)
        one.cut(one.far, "read", 100)
        jobs = [one.submit(name) for name in names]
        for job in jobs:
            await one.reaches(job, TransferState.WAITING)
        assert one.opened.count("far") == 1
        one.cut(one.far, "never", 0)
        busy = 0

        def look(event: Event) -> None:
            nonlocal busy
            busy = max(busy, one.queue.totals().jobs_running)

        one.bus.subscribe(look)
        one.weather.clear("far")
        for job in jobs:
            assert (await one.queue.wait(job)).state is TransferState.DONE
        assert busy == 1


async def test_a_job_that_waits_for_room_can_be_cancelled() -> None:
    async with kit() as one:
        one.far.file(b"/one", DATA)
        one.far.file(b"/two", DATA)
        one.cut(one.far, "read", 100)
        first, second = one.submit(b"/one"), one.submit(b"/two")
        await one.reaches(second, TransferState.WAITING)
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        await one.reaches(first, TransferState.COPYING)
        one.queue.cancel(second)
        assert (await one.queue.wait(first)).state is TransferState.DONE
        assert (await one.queue.wait(second)).state is TransferState.CANCELLED
        assert one.near.below(b"/to") == {b"one": DATA}


async def test_a_loss_that_a_link_meets_first_keeps_what_had_arrived_of_a_file() -> None:
    async with kit() as one:
        one.far.file(b"/tree/big", DATA)
        one.far.link(b"/tree/link", b"big")
        reads = 0

        def at(name: str, path: bytes) -> None:
            nonlocal reads
            reads += name == "read"
            if "far" in one.weather.out:
                raise ConnectionLost("Connection lost", host="far")

        async def readlink(path: bytes) -> bytes:
            while reads < 40:  # noqa: ASYNC110
                await asyncio.sleep(0)
            one.weather.out.add("far")
            raise ConnectionLost("Connection lost", "cut", host="far")

        one.far.at = at
        one.far.readlink, real = readlink, one.far.readlink  # type: ignore[method-assign]
        job = one.submit(b"/tree")
        await one.reaches(job, TransferState.WAITING)
        assert any(b".sshdash-" in name for name in one.near.nodes)
        one.far.readlink = real  # type: ignore[method-assign]
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert (end.state, end.resumed) == (TransferState.DONE, 1)


async def test_what_had_arrived_but_cannot_be_written_any_more_is_started_over() -> None:
    async with kit() as one:
        one.far.file(b"/big", DATA, mode=0o444)
        one.cut(one.far, "read", 100)
        job = one.submit(b"/big")
        await one.reaches(job, TransferState.WAITING)

        async def open_again(path: bytes) -> None:
            raise FileError("cannot write", "", "permission denied")

        one.near.open_again = open_again  # type: ignore[assignment, method-assign]
        one.cut(one.far, "never", 0)
        one.weather.clear("far")
        end = await one.queue.wait(job)
        assert (end.state, len(end.restarted)) == (TransferState.DONE, 1)
        assert one.near.below(b"/to") == {b"big": DATA}
