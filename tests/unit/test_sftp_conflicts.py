"""Targets that exist: newer only, going on with what is there, and what was said beforehand."""

import asyncio

import pytest

from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion
from sshdash.sftp.entries import Kind
from sshdash.states import TransferState
from tests.unit.memory_files import MemoryFilesystem, Node
from tests.unit.queue_kit import kit, reasons, request

SECOND = 10**9
TEXT = b"the beginning of it, and the end of it"


def reads(files: MemoryFilesystem) -> list[str]:
    """Return the operations on a file system as they come."""
    seen: list[str] = []
    files.at = lambda operation, path: seen.append(operation)
    return seen


@pytest.mark.parametrize("policy", [True, False], ids=["beforehand", "asked"])
async def test_newer_only_overwrites_what_is_older(policy: bool) -> None:
    answer = ConflictAnswer(ConflictChoice.NEWER, for_all=True)
    async with kit(answer) as one:
        for name, time in ((b"older", 1), (b"same", 2), (b"newer", 3)):
            one.far.file(b"/x/" + name, b"new", mtime_ns=time * SECOND + 500)
            one.near.file(b"/to/" + name, b"old", mtime_ns=2 * SECOND)
        conflict = ConflictChoice.NEWER if policy else None
        done = await one.copy(b"/x/older", b"/x/same", b"/x/newer", conflict=conflict)
        assert done.state is TransferState.DONE, done.errors
        assert done.skipped == 2
        assert one.near.below(b"/to") == {b"older": b"old", b"same": b"old", b"newer": b"new"}
        assert len(one.prompter.asked) == (0 if policy else 1)


@pytest.mark.parametrize("cut", [0, 1, 16, len(TEXT) - 1])
@pytest.mark.parametrize("copies_within", [True, False], ids=["taken over", "sent again"])
async def test_a_beginning_is_gone_on_with(cut: int, copies_within: bool) -> None:
    async with kit() as one:
        one.far.file(b"/x/a", TEXT)
        one.near.file(b"/to/a", TEXT[:cut])
        one.near.copies_within = copies_within
        done = await one.copy(b"/x/a", conflict=ConflictChoice.RESUME)
        assert done.state is TransferState.DONE, done.errors
        assert one.near.below(b"/to") == {b"a": TEXT}
        assert done.resumed == (1 if copies_within and cut else 0)


async def test_what_is_all_there_is_left_alone() -> None:
    async with kit() as one:
        one.far.file(b"/x/a", TEXT)
        one.near.file(b"/to/a", TEXT)
        changes = reads(one.near)
        done = await one.copy(b"/x/a", conflict=ConflictChoice.RESUME)
        assert (done.state, done.skipped) == (TransferState.DONE, 1)
        assert not {"create", "write", "replace", "rename"} & set(changes)


@pytest.mark.parametrize("old", [b"something else", b"longer " * 20, b"x" * len(TEXT)])
async def test_what_is_no_beginning_is_not_overwritten_but_named(old: bytes) -> None:
    async with kit() as one:
        one.far.file(b"/x/a", TEXT)
        one.near.file(b"/to/a", old)
        done = await one.copy(b"/x/a", conflict=ConflictChoice.RESUME)
        assert done.state is TransferState.FAILED
        (reason,) = reasons(done).values()
        assert "go on with" in reason or "no shorter beginning" in reason
        assert one.near.below(b"/to") == {b"a": old}


@pytest.mark.parametrize("failing", ["write", "finish", "replace"])
async def test_a_failure_while_going_on_leaves_what_was_there(failing: str) -> None:
    from sshdash.errors import FileError

    async with kit() as one:
        one.far.file(b"/x/a", TEXT)
        one.near.file(b"/to/a", TEXT[:10])

        def at(operation: str, path: bytes) -> None:
            if operation == failing:
                raise FileError("no", "", "the disk says so")

        one.near.at = at
        done = await one.copy(b"/x/a", conflict=ConflictChoice.RESUME)
        assert done.state is TransferState.FAILED
        assert one.near.below(b"/to") == {b"a": TEXT[:10]}


@pytest.mark.parametrize(
    ("old", "offered"),
    [(TEXT[:20], True), (b"other beginning", False), (TEXT, False), (TEXT + b"!", False)],
)
async def test_going_on_is_offered_only_where_the_content_agrees(old: bytes, offered: bool) -> None:
    async with kit(ConflictAnswer(ConflictChoice.SKIP)) as one:
        one.far.file(b"/x/a", TEXT)
        one.near.file(b"/to/a", old)
        await one.copy(b"/x/a")
        (question,) = one.prompter.asked
        assert isinstance(question, ConflictQuestion)
        assert question.can_resume is offered


async def test_going_on_for_all_asks_again_where_that_cannot_be() -> None:
    answers = (
        ConflictAnswer(ConflictChoice.RESUME, for_all=True),
        ConflictAnswer(ConflictChoice.SKIP),
    )
    async with kit(*answers) as one:
        for name, old in ((b"a", TEXT[:5]), (b"b", TEXT * 2), (b"c", TEXT[:30])):
            one.far.file(b"/x/" + name, TEXT)
            one.near.file(b"/to/" + name, old)
        done = await one.copy(b"/x/a", b"/x/b", b"/x/c")
        assert done.state is TransferState.DONE, done.errors
        assert one.near.below(b"/to") == {b"a": TEXT, b"b": TEXT * 2, b"c": TEXT}
        assert len(one.prompter.asked) == 2


async def test_a_link_is_never_gone_on_with() -> None:
    async with kit() as one:
        one.far.link(b"/x/a", b"b")
        one.near.file(b"/to/a", b"")
        done = await one.copy(b"/x/a", conflict=ConflictChoice.RESUME)
        assert done.state is TransferState.FAILED
        assert one.near.below(b"/to") == {b"a": b""}


async def test_everybody_has_a_turn_while_many_are_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sshdash.sftp.turns._BUDGET", 0)
    async with kit() as one:
        for number in range(3_000):
            one.far.nodes[b"/tree/%d" % number] = Node(Kind.FILE)
            one.near.nodes[b"/to/tree/%d" % number] = Node(Kind.FILE)
        one.far.folder(b"/tree")
        one.near.folder(b"/to/tree")
        job = one.queue.submit(request(b"/tree", conflict=ConflictChoice.SKIP))
        steps: list[int] = []
        seen = 0
        while not one.queue.snapshot(job).is_finished:
            await asyncio.sleep(0)
            skipped = one.queue.snapshot(job).skipped
            steps.append(skipped - seen)
            seen = skipped
        assert seen == 3_000
        assert max(steps) <= 10
