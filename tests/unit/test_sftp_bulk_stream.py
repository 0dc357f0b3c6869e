"""How long a command on a host is waited for, and how much of what it says is taken."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.sftp.bulk import stream
from sshdash.sftp.bulk.proof import Proof, file_line, folder_line
from sshdash.sftp.bulk.stream import Hangs, Stream

TAKEN = 9


class SlowChannel:
    """A channel whose other end takes some of the input each time somebody looks, and stops."""

    _recv_window = _send_buf_len = 0
    _recv_buf = ()

    def __init__(self) -> None:
        self.looks = 0

    @property
    def _send_window(self) -> int:
        self.looks += 1
        return min(self.looks, TAKEN)

    def abort(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("sending", [False, True])
async def test_a_command_is_waited_for_as_long_as_it_takes_some_of_its_input(
    monkeypatch: pytest.MonkeyPatch, sending: bool, begun: bool
) -> None:
    for name in ("FIRST", "PATIENCE"):
        monkeypatch.setattr(stream, name, 0.001)
    channel: Any = SlowChannel()
    one = Stream([], more=True)
    one.connection_made(channel)
    if begun:
        one.data_received(b"ready", None)
        assert await one.take() == [b"ready"]
    one.pause_writing()
    with pytest.raises(Hangs):
        await (one.send(b"more") if sending else one.take())
    assert channel.looks > TAKEN
    one.connection_lost(None)


async def test_what_comes_while_it_is_waited_for_is_taken() -> None:
    channel: Any = SlowChannel()
    one = Stream([], more=True)
    one.connection_made(channel)
    asyncio.get_running_loop().call_soon(one.data_received, b"late", None)
    assert await one.take() == [b"late"]
    asyncio.get_running_loop().call_soon(one.connection_lost, None)
    assert await one.take() == []


LINES = [folder_line(b"d"), file_line(b"d/a", 3, 7), file_line(b"d/b", 4, None)]


def told(lines: list[bytes]) -> bytes:
    """Return lines as find tells them."""
    return b"".join(line + b"\0" for line in lines)


@given(st.permutations(LINES), st.lists(st.integers(0, 60), max_size=5).map(sorted))
def test_a_tree_is_whole_in_whatever_order_and_pieces_it_is_told(
    lines: list[bytes], cuts: list[int]
) -> None:
    proof = Proof()
    proof.expect(LINES[:1])
    proof.expect(LINES[1:])
    data = told(lines)
    for begin, end in pairwise([0, *cuts, len(data)]):
        proof.feed(data[begin:end])
    proof.finish()


@pytest.mark.parametrize(
    "lines",
    [
        [],
        LINES[:2],
        [*LINES, LINES[0]],
        [LINES[0], LINES[1], LINES[1]],
        [*LINES, b"f 1 other"],
        [LINES[0], LINES[1], file_line(b"d/b", 5, None)],
        [LINES[0], file_line(b"d/a", 3, 8), LINES[2]],
        [b"l 3 7.0000000000 d", *LINES[1:]],
        [*LINES, b""],
        [b"x" * 1000],
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_a_tree_is_not_whole_where_anything_is_told_otherwise(
    lines: list[bytes], ended: bool
) -> None:
    proof = Proof()
    proof.expect(LINES)
    with pytest.raises(ValueError, match="arrived"):  # noqa: PT012 - which of the two is open
        proof.feed(told(lines) if ended else told(lines)[:-1] + b" more")
        proof.finish()


def test_an_endless_line_is_not_waited_for() -> None:
    proof = Proof()
    proof.expect(LINES)
    with pytest.raises(ValueError, match="arrived"):
        proof.feed(b"f 3 7.0000000000 d/a and more")
