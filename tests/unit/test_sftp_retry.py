"""A retry does only what is left, and asks nothing that was answered before."""

from sshdash.errors import FileError
from sshdash.prompts import ConflictAnswer, ConflictChoice
from sshdash.states import TransferState
from tests.unit.queue_kit import Kit, kit


def refuse(one: Kit, *paths: bytes) -> None:
    """Let the host refuse to read some files; none of them to end that."""

    def at(operation: str, path: bytes) -> None:
        if operation in ("read", "open") and path in paths:
            raise FileError("cannot read", "permission denied")

    one.far.at = at


async def test_what_was_kept_beside_is_not_asked_about_again() -> None:
    async with kit(ConflictAnswer(ConflictChoice.RENAME, for_all=True)) as one:
        one.far.file(b"/f1.txt", b"new")
        one.far.file(b"/f2.txt", b"other")
        one.near.file(b"/to/f1.txt", b"old")
        refuse(one, b"/f2.txt")
        snapshot = await one.copy(b"/f1.txt", b"/f2.txt")
        assert snapshot.state is TransferState.FAILED
        refuse(one)
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert len(one.prompter.asked) == 1
        assert one.near.below(b"/to") == {
            b"f1.txt": b"old",
            b"f1 (2).txt": b"new",
            b"f2.txt": b"other",
        }


async def test_an_answer_for_all_holds_for_the_retry() -> None:
    async with kit(ConflictAnswer(ConflictChoice.RENAME, for_all=True)) as one:
        for name in (b"a", b"b"):
            one.far.file(b"/" + name, b"new")
            one.near.file(b"/to/" + name, b"old")
        refuse(one, b"/b")
        snapshot = await one.copy(b"/a", b"/b")
        assert snapshot.state is TransferState.FAILED
        refuse(one)
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert len(one.prompter.asked) == 1
        assert sorted(one.near.below(b"/to")) == [b"a", b"a (2)", b"b", b"b (2)"]


async def test_an_answer_for_all_does_not_hold_for_what_changed_since() -> None:
    overwrite = ConflictAnswer(ConflictChoice.OVERWRITE, for_all=True)
    async with kit(overwrite, ConflictAnswer(ConflictChoice.SKIP, for_all=True)) as one:
        for name in (b"a", b"b", b"c", b"d"):
            one.far.file(b"/" + name, b"new")
        for name in (b"a", b"b", b"c"):
            one.near.file(b"/to/" + name, b"old")
        refuse(one, b"/b", b"/c", b"/d")
        snapshot = await one.copy(b"/a", b"/b", b"/c", b"/d")
        assert (snapshot.state, len(one.prompter.asked)) == (TransferState.FAILED, 1)
        refuse(one)
        one.near.file(b"/to/b", b"edited since")
        one.near.file(b"/to/d", b"made since")
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert (snapshot.state, len(one.prompter.asked)) == (TransferState.DONE, 2)
        assert one.near.below(b"/to") == {
            b"a": b"new", b"b": b"edited since", b"c": b"new", b"d": b"made since",
        }  # fmt: skip


async def test_of_two_with_one_name_the_one_that_failed_is_copied_again() -> None:
    async with kit() as one:
        one.far.file(b"/x/a", b"1")
        one.far.file(b"/y/a", b"2")
        one.near.file(b"/to/a", b"0")
        refuse(one, b"/y/a")
        snapshot = await one.copy(b"/x/a", b"/y/a", conflict=ConflictChoice.RENAME)
        assert snapshot.state is TransferState.FAILED
        refuse(one)
        one.queue.retry(snapshot.id)
        snapshot = await one.queue.wait(snapshot.id)
        assert snapshot.state is TransferState.DONE, snapshot.errors
        assert sorted(one.near.below(b"/to").values()) == [b"0", b"1", b"2"]
