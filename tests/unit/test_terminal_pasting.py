"""A long paste arrives whole, at the pace of the remote, and can be stopped."""

import asyncio

import pytest

from sshdash.terminal.keyboard import encode_paste
from sshdash.terminal.pasting import AT_ONCE, Pasting


class Remote:
    """Takes what is sent, when it has room."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.may = asyncio.Semaphore(0)

    async def room(self) -> None:
        await self.may.acquire()

    def take(self, pieces: int) -> None:
        for _ in range(pieces):
            self.may.release()


@pytest.mark.parametrize("bracketed", [True, False])
async def test_it_arrives_as_if_sent_at_once(bracketed: bool) -> None:
    text = "".join(f"line {number} é漢\x1b[201~\r\n" for number in range(5_000))
    remote = Remote()
    remote.take(1_000)
    pasting = Pasting(text, bracketed=bracketed, send=remote.sent.append, room=remote.room)
    await pasting.run()
    assert b"".join(remote.sent) == encode_paste(text, bracketed=bracketed)
    assert pasting.sent == pasting.total == len(text)
    assert max(map(len, remote.sent)) < AT_ONCE * 4


async def test_no_end_of_a_line_is_cut_in_two() -> None:
    text = "x" * (AT_ONCE - 1) + "\r\nnext"
    remote = Remote()
    remote.take(10)
    await Pasting(text, bracketed=False, send=remote.sent.append, room=remote.room).run()
    assert b"".join(remote.sent).count(b"\r") == 1


async def test_it_waits_for_room_and_is_stopped() -> None:
    remote = Remote()
    pasting = Pasting(
        "x" * AT_ONCE * 100, bracketed=True, send=remote.sent.append, room=remote.room
    )
    running = asyncio.create_task(pasting.run())
    remote.take(3)
    while pasting.sent < 3 * AT_ONCE:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert pasting.sent == 3 * AT_ONCE
    pasting.stop()
    remote.take(1)
    await running
    assert pasting.sent == 3 * AT_ONCE
    assert b"".join(remote.sent) == b"\x1b[200~" + b"x" * 3 * AT_ONCE + b"\x1b[201~"
