"""How long a command on a host is waited for, and how much of what it says is taken."""

import asyncio
from typing import Any

import pytest

from sshdash.sftp.bulk import stream
from sshdash.sftp.bulk.stream import Hangs, Stream
from sshdash.sftp.find import TreeIndex

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


def test_an_index_takes_no_more_than_it_is_to_hold() -> None:
    line = b"f 3 7.0 \0" + b"n" * 1000 + b"\0"
    index = TreeIndex(10, 5000)
    for _ in range(4):
        index.feed(line)
    with pytest.raises(ValueError, match="more"):
        index.feed(line)
    index = TreeIndex(3, 5000)
    with pytest.raises(ValueError, match="more"):
        index.feed(line * 4)
