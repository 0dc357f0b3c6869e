"""Targets that ignore case, or how accents are written, take different names for the same."""

import unicodedata
from collections.abc import MutableMapping
from typing import Any

import pytest

from sshdash.prompts import ConflictChoice
from sshdash.sftp.names import confused
from sshdash.states import TransferState
from tests.unit.queue_kit import kit, reasons


def fold(path: bytes) -> str:
    """Return what such a system compares."""
    return unicodedata.normalize("NFC", path.decode("utf-8", "surrogateescape")).casefold()


class Blind(dict[bytes, Any]):
    """Paths that are found under any spelling, and listed as they were first written."""

    def __init__(self, other: MutableMapping[bytes, Any]) -> None:
        super().__init__()
        self._spelled: dict[str, bytes] = {}
        for path, node in other.items():
            self[path] = node

    def __setitem__(self, path: bytes, node: Any) -> None:
        super().__setitem__(self._spelled.setdefault(fold(path), path), node)

    def __getitem__(self, path: bytes) -> Any:
        return super().__getitem__(self._spelled.get(fold(path), path))

    def __delitem__(self, path: bytes) -> None:
        super().__delitem__(self._spelled.pop(fold(path)))

    def __contains__(self, path: object) -> bool:
        return isinstance(path, bytes) and fold(path) in self._spelled


NFC, NFD = "é".encode(), "e\u0301".encode()


@pytest.mark.parametrize(("first", "second"), [(b"readme", b"README"), (NFC, NFD)])
async def test_the_second_of_two_is_named_and_the_first_stays(first: bytes, second: bytes) -> None:
    async with kit() as one:
        one.far.file(b"/x/" + first, b"first")
        one.far.file(b"/x/" + second, b"second")
        one.near.nodes = Blind(one.near.nodes)
        done = await one.copy(b"/x", conflict=ConflictChoice.OVERWRITE)
        assert done.state is TransferState.FAILED
        (reason,) = reasons(done).values()
        assert "does not tell its name from" in reason
        assert "not overwritten" in reason
        assert len(one.near.below(b"/to/x")) == 1


async def test_what_is_there_under_another_case_is_not_overwritten() -> None:
    async with kit() as one:
        one.far.file(b"/x/readme", b"new")
        one.near.file(b"/to/x/README", b"old")
        one.near.nodes = Blind(one.near.nodes)
        done = await one.copy(b"/x", conflict=ConflictChoice.OVERWRITE)
        assert reasons(done)["/x/readme"].startswith(
            "the target does not tell its name from README"
        )
        assert one.near.below(b"/to") == {b"x/README": b"old"}


@pytest.mark.parametrize("first", [b"README", b"readme"])
async def test_of_two_that_are_named_one_does_not_replace_the_other(first: bytes) -> None:
    async with kit() as one:
        for name in (b"README", b"readme"):
            one.far.file(b"/x/" + name, name)
        one.near.file(b"/to/readme", b"old")
        one.near.nodes = Blind(one.near.nodes)
        names = [first, *{b"README", b"readme"} - {first}]
        done = await one.copy(*(b"/x/" + name for name in names), conflict=ConflictChoice.OVERWRITE)
        assert reasons(done) == {"/x/README": "the target does not tell its name from readme"}
        assert one.near.below(b"/to") == {b"readme": b"readme"}
        done = await one.copy(b"/x/README", conflict=ConflictChoice.OVERWRITE)
        assert done.state is TransferState.DONE, "alone it replaces what has its name there"
        assert one.near.below(b"/to") == {b"readme": b"README"}


async def test_folders_that_differ_only_by_case_are_not_mixed() -> None:
    async with kit() as one:
        one.far.file(b"/x/lib/a", b"1")
        one.far.file(b"/x/LIB/b", b"2")
        one.near.nodes = Blind(one.near.nodes)
        done = await one.copy(b"/x")
        failed = reasons(done)
        assert "does not tell its name from lib" in failed["/x/LIB"]
        assert "directory could not be made" in failed["/x/LIB/b"]
        assert one.near.below(b"/to") == {b"x/lib/a": b"1"}


async def test_elsewhere_both_are_copied() -> None:
    async with kit() as one:
        for name in (b"readme", b"README", NFC, NFD):
            one.far.file(b"/x/" + name, name)
        assert (await one.copy(b"/x")).state is TransferState.DONE
        assert len(one.near.below(b"/to/x")) == 4


@pytest.mark.parametrize(
    ("name", "others", "found"),
    [
        (b"a", [b"b"], None),
        (b"a", [b"A", b"b"], b"A"),
        (b"a", [b"A", b"a"], None),
        (NFD.upper(), [NFC], NFC),
        (b"\xff", [b"\xfe"], None),
        ("straße".encode(), [b"STRASSE"], b"STRASSE"),
    ],
)
def test_which_name_is_meant(name: bytes, others: list[bytes], found: bytes | None) -> None:
    assert confused(name, others) == found
