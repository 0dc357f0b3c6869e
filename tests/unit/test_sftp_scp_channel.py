"""What a channel that speaks rcp gives when whoever reads it is cancelled."""

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
