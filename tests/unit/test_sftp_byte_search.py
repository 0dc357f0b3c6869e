"""Searching a file for bytes, across the parts it is read in, both ways round its ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sshdash.errors import FileError, UsageError
from sshdash.sftp import byte_search
from sshdash.sftp.byte_search import find_bytes, sought


def reading(data: bytes) -> Callable[[int, int], Awaitable[bytes]]:
    async def read(offset: int, size: int) -> bytes:
        await asyncio.sleep(0)
        return data[offset : offset + size]

    return read


@pytest.mark.parametrize(
    ("typed", "matched", "is_text"),
    [
        ("de ad", b"\xde\xad", False),
        ("0xDEAD", b"\xde\xad", False),
        ("0x00", b"\0", False),
        ("dead", b"DeAd", True),
        ("Dead", b"Dead", True),
        ('"de ad"', b"de ad", True),
        ("größe", "größe".encode(), True),
        ("a.c", b"a.c", True),
    ],
)
def test_what_is_typed_is_bytes_or_text(typed: str, matched: bytes, is_text: bool) -> None:
    what = sought(typed)
    assert what.pattern.fullmatch(matched)
    assert (what.length, what.is_text) == (len(matched), is_text)


def test_capitals_and_dots_are_meant() -> None:
    assert not sought("Dead").pattern.fullmatch(b"dead")
    assert not sought("a.c").pattern.fullmatch(b"abc")


@pytest.mark.parametrize("typed", ["", "x" * 2000])
def test_nothing_and_too_much_are_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        sought(typed)


@pytest.mark.parametrize("part", [1, 2, 3, 7, 64])
async def test_all_matches_come_in_turn_both_ways(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(byte_search, "_PART", part)
    data = b"\xde\xad..\xde\xad\xde\xad......\xde.\xad.....\xde\xad"
    places = [at for at in range(len(data)) if data[at : at + 2] == b"\xde\xad"]
    what, read = sought("de ad"), reading(data)
    found, at = [], -1
    for _ in range(len(places) + 1):
        hit = await find_bytes(read, len(data), what, at + 1)
        assert hit is not None
        found.append(at := hit)
    assert found == [*places, places[0]]
    found = []
    for _ in places:
        hit = await find_bytes(read, len(data), what, at, back=True)
        assert hit is not None
        found.append(at := hit)
    assert found == places[::-1]


async def test_what_is_not_there_is_looked_for_once_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(byte_search, "_PART", 10)
    counts: list[int] = []
    read = reading(bytes(95))
    assert await find_bytes(read, 95, sought("0x01"), 50, told=counts.append) is None
    assert counts[-1] == 95
    assert await find_bytes(reading(b""), 0, sought("x"), 0) is None


async def test_a_read_that_fails_is_told() -> None:
    async def read(offset: int, size: int) -> bytes:
        raise FileError("gone")

    with pytest.raises(FileError):
        await find_bytes(read, 10, sought("x"), 0)
