"""Whether a job's files fit is known before the first is copied."""

import pytest

from sshdash.prompts import ConfirmQuestion, ConflictChoice
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.filesystem import Space
from sshdash.sftp.headroom import Need
from sshdash.sftp.walk import Source
from sshdash.states import TransferState
from tests.unit.queue_kit import kit

MEGA = 1024 * 1024


def source(size: int, existing: int | None = None, kind: Kind = Kind.FILE) -> Source:
    there = None if existing is None else Entry(b"a", Kind.FILE, existing)
    return Source(b"/x/a", b"a", Entry(b"a", kind, size), there)


@pytest.mark.parametrize(
    ("choice", "needed"),
    [
        (None, 10 + 0 + 30 + 20),
        (ConflictChoice.OVERWRITE, 10 + 0 + 30 + 20),
        (ConflictChoice.SKIP, 10),
        (ConflictChoice.RENAME, 10 + 5 + 50),
    ],
)
def test_replaced_files_count_for_the_moment_both_are_there(
    choice: ConflictChoice | None, needed: int
) -> None:
    need = Need(choice)
    for one in (source(10), source(99, kind=Kind.SYMLINK), source(5, 15), source(50, 20)):
        need.add(one)
    assert (need.size, need.files) == (needed, 2)


@pytest.mark.parametrize("answer", [True, False, None])
async def test_the_person_decides_where_it_does_not_fit(answer: bool | None) -> None:
    async with kit(answer) as one:
        one.far.file(b"/x/a", b"0123456789")
        one.near.space = Space(MEGA, 9)
        done = await one.copy(b"/x/a")
        (question,) = one.prompter.asked
        assert isinstance(question, ConfirmQuestion)
        assert "10 bytes are needed, 9 are free" in question.detail
        assert question.danger
        if answer:
            assert done.state is TransferState.DONE
        else:
            assert done.state is TransferState.FAILED
            assert "10 bytes are needed" in done.reason
            assert one.near.below(b"/to") == {}


async def test_little_room_is_enough_for_little() -> None:
    async with kit() as one:
        one.far.file(b"/x/a", b"0123456789")
        one.near.space = Space(MEGA, 11)
        assert (await one.copy(b"/x/a")).state is TransferState.DONE
        one.far.file(b"/x/b", b"0123456789")
        one.near.space = Space(MEGA, 10)
        done = await one.copy(b"/x/b")
        assert "10 bytes and a little more" in done.reason


async def test_a_yes_is_not_asked_for_again_by_a_retry() -> None:
    from sshdash.errors import FileError

    async with kit(True) as one:
        one.far.file(b"/x/a", b"0123456789")
        one.near.space = Space(MEGA, 9)
        failing = {"create"}

        def at(operation: str, path: bytes) -> None:
            if operation in failing:
                raise FileError("no")

        one.near.at = at
        done = await one.copy(b"/x/a")
        assert done.state is TransferState.FAILED
        failing.clear()
        one.queue.retry(done.id)
        assert (await one.queue.wait(done.id)).state is TransferState.DONE
        assert len(one.prompter.asked) == 1


async def test_too_many_files_are_told() -> None:
    async with kit() as one:
        for number in range(5):
            one.far.file(b"/x/%d" % number, b"")
        one.near.space = Space(10**9, 10**9, free_files=4)
        done = await one.copy(b"/x")
        assert "6 files are to be made, 4 more can be" in done.reason


@pytest.mark.parametrize("space", [None, Space(10**12, 10**9)])
async def test_what_is_not_known_or_fits_is_not_asked_about(space: Space | None) -> None:
    async with kit() as one:
        one.far.file(b"/x/a", b"0123456789")
        one.near.space = space
        assert (await one.copy(b"/x/a")).state is TransferState.DONE
        assert not one.prompter.asked
