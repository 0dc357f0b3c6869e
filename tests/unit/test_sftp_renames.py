"""Many renames at once, and taking them back."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.errors import ConnectionLost, FileError
from sshdash.sftp.renames import Rename, describe, in_order, rename_all, take_back
from tests.unit.memory_files import MemoryFilesystem


def folder(*names: bytes) -> MemoryFilesystem:
    files = MemoryFilesystem("far")
    for name in names:
        files.file(b"/d/" + name, name)
    return files


def renames(*pairs: tuple[bytes, bytes]) -> list[Rename]:
    return [Rename(b"/d/" + old, b"/d/" + new) for old, new in pairs]


def failing(operation: str, path: bytes, error: Exception) -> Callable[[str, bytes], None]:
    def at(done: str, where: bytes) -> None:
        if (done, where) == (operation, path):
            raise error

    return at


async def test_names_can_be_swapped_and_shifted() -> None:
    files = folder(b"a", b"b", b"1", b"2", b"3")
    await rename_all(
        files, renames((b"a", b"b"), (b"b", b"a"), (b"1", b"2"), (b"2", b"3"), (b"3", b"4"))
    )
    assert files.below(b"/d") == {b"b": b"a", b"a": b"b", b"2": b"1", b"3": b"2", b"4": b"3"}


@given(st.permutations(range(7)))
def test_every_order_of_names_comes_out(order: list[int]) -> None:
    names = {b"/%d" % number: number for number in range(7)}
    wanted = [Rename(b"/%d" % old, b"/%d" % new) for old, new in enumerate(order)]
    for wave in in_order(wanted):
        for step in wave:
            assert step.new not in names, "a step is in another's way"
            names[step.new] = names.pop(step.old)
    assert names == {b"/%d" % new: old for old, new in enumerate(order)}


class Counted(bytes):
    """A path that counts how often it is looked for."""

    looked = 0

    def __hash__(self) -> int:
        Counted.looked += 1
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def counted(pairs: list[tuple[bytes, bytes]]) -> list[Rename]:
    Counted.looked = 0
    return [Rename(Counted(b"/d/" + old), Counted(b"/d/" + new)) for old, new in pairs]


def test_the_order_of_many_takes_no_square_of_their_number() -> None:
    many = 400
    shifted = counted([(b"%d" % at, b"%d" % (at + 1)) for at in range(many)])
    waves = in_order(shifted)
    assert [wave[0].old for wave in waves] == [b"/d/%d" % at for at in reversed(range(many))]
    assert Counted.looked < 20 * many
    swapped = [(b"%d" % at, b"%d" % (at ^ 1)) for at in range(many)]
    assert sum(map(len, in_order(counted(swapped)))) == many + many // 2
    assert Counted.looked < 20 * many


async def test_many_are_taken_back_in_a_time_like_their_number() -> None:
    many = 400
    files = folder(*(b"%d" % at for at in range(many)))
    before = files.below(b"/d")
    told: list[int] = []
    done = counted([(b"%d" % at, b"x%d" % at) for at in range(many)])
    await rename_all(files, done, told.append)
    assert told == list(range(1, many + 1))
    journalled = await describe(files, "far", done)
    Counted.looked = 0
    await take_back(files, journalled, told.append)
    assert files.below(b"/d") == before
    assert Counted.looked < 40 * many
    assert told[many:] == list(range(1, many + 1))


async def test_one_that_fails_leaves_everything_as_it_was() -> None:
    files = folder(b"a", b"b", b"c")
    before = files.below(b"/d")
    files.at = failing("rename", b"/d/z", FileError("cannot rename", "/d/z", "permission denied"))
    with pytest.raises(FileError, match="permission denied"):
        await rename_all(files, renames((b"a", b"x"), (b"b", b"a"), (b"c", b"z")))
    assert files.below(b"/d") == before


async def test_a_lost_connection_tells_what_was_renamed_by_then() -> None:
    files = folder(b"a", b"b")
    files.at = failing("rename", b"/d/y", ConnectionLost("gone"))
    with pytest.raises(ConnectionLost, match="a is now x"):
        await rename_all(files, renames((b"a", b"x"), (b"b", b"y")))


async def test_what_was_renamed_gets_its_names_back() -> None:
    files = folder(b"a", b"b")
    before = files.below(b"/d")
    done = renames((b"a", b"b"), (b"b", b"a"))
    await rename_all(files, done)
    await take_back(files, await describe(files, "far", done))
    assert files.below(b"/d") == before


async def test_nothing_is_taken_back_over_what_came_in_between() -> None:
    files = folder(b"a")
    done = renames((b"a", b"x"))
    await rename_all(files, done)
    journalled = await describe(files, "far", done)
    files.file(b"/d/a", b"somebody else's")
    with pytest.raises(FileError, match="something else has that name"):
        await take_back(files, journalled)
    del files.nodes[b"/d/a"]
    files.nodes[b"/d/x"].data = b"another length"
    with pytest.raises(FileError, match="changed since"):
        await take_back(files, journalled)
    del files.nodes[b"/d/x"]
    with pytest.raises(FileError, match="not there any more"):
        await take_back(files, journalled)
