"""Files that are written into, as their folder takes no temporary one beside them."""

import errno

import pytest

from sshdash.prompts import ConfirmQuestion, ConflictChoice
from sshdash.sftp.failures import failure
from sshdash.sftp.names import is_temporary
from sshdash.states import TransferState
from tests.unit.queue_kit import Kit, kit, reasons

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
