"""What a channel that speaks rcp gives: to whoever is cancelled, and of what never ends."""

import asyncio
from typing import Any, cast

import pytest

from sshdash.sftp.scp_channel import ScpChannel


class Stdout:
    """What a program writes, as far as it is fed."""

    def __init__(self) -> None:
        self.fed: asyncio.Queue[bytes] = asyncio.Queue()
        self.starved = asyncio.Event()

    async def read(self, size: int) -> bytes:
        if self.fed.empty():
            self.starved.set()
        return await self.fed.get()


async def test_a_read_that_is_cancelled_takes_nothing_of_the_file() -> None:
    stdout = Stdout()
    channel = ScpChannel(cast(Any, None), (cast(Any, None), cast(Any, stdout)))
    stdout.fed.put_nowait(b"first ")
    reading = asyncio.ensure_future(channel.data(12))
    await stdout.starved.wait()  # the beginning is there, and more is waited for
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    stdout.fed.put_nowait(b"second\0")
    assert b"".join(await channel.data(12)) == b"first second"
    await channel.answer()


class Flood:
    """A program that writes the same without an end, all of it there at once."""

    def __init__(self, what: bytes) -> None:
        self.left = 40
        self._what = what * 10_000

    async def read(self, size: int) -> bytes:
        self.left -= 1
        return self._what if self.left else b""


@pytest.mark.parametrize("what", [b"\0", b"\n"])
async def test_everybody_has_a_turn_while_what_means_nothing_comes_without_an_end(
    what: bytes,
) -> None:
    flood, turns = Flood(what), 0
    channel = ScpChannel(cast(Any, None), (cast(Any, None), cast(Any, flood)))

    async def read() -> None:
        while flood.left > 1:
            await (channel.line() if what == b"\n" else channel.record())

    reading = asyncio.ensure_future(read())
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    await reading
    assert turns > 5, "it was looked through in one turn"
