"""A channel that leaves room on the server empty, and takes it where nothing moves any more."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from asyncssh.constants import MSG_CHANNEL_DATA, MSG_CHANNEL_WINDOW_ADJUST
from asyncssh.packet import Byte, UInt32

from sshdash.connections.transport import channels
from tests.patience import PATIENCE
from tests.unit.wire_kit import OURS, Wired

ROOM, MOST, ALL = 400_000, 100_000, 1_000_000
Narrowed = Callable[..., Wired]


@pytest.fixture
async def narrowed() -> AsyncIterator[Narrowed]:
    """Return what makes connections whose channel is narrowed and has more to send than it may."""
    made: list[Wired] = []

    def make(version: str = "SSH-2.0-OpenSSH_9.2p1 Debian-2") -> Wired:
        one = Wired(direct=True, window=ROOM)
        made.append(one)
        one.ssh.set_extra_info(server_version=version)
        one.channel.narrow(MOST)
        one.channel.write(bytes(ALL))
        return one

    yield make
    for one in made:
        one.close()
    await asyncio.sleep(0)


async def sent(one: Wired) -> int:
    """Return how many bytes of data were sent since the last time."""
    payloads = await one.sent()
    return sum(len(payload) - 9 for payload in payloads if payload[0] == MSG_CHANNEL_DATA)


def give_room(one: Wired, size: int) -> None:
    one.feed(one.peer.packet(Byte(MSG_CHANNEL_WINDOW_ADJUST) + UInt32(OURS) + UInt32(size)))


async def test_no_more_is_with_the_server_than_may_be(narrowed: Narrowed) -> None:
    one = narrowed()
    assert await sent(one) == MOST
    for size in (1, 50_000, MOST):
        give_room(one, size)
        assert await sent(one) == size


async def test_it_takes_all_the_room_where_nothing_moves(
    narrowed: Narrowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "_STUCK", 0.001)
    one = narrowed()
    total = 0
    async with asyncio.timeout(PATIENCE):
        while total < ROOM:
            total += await sent(one)
    give_room(one, 7)
    assert await sent(one) == 7, "and no more than that"


async def test_it_stays_narrow_as_long_as_something_moves(narrowed: Narrowed) -> None:
    one = narrowed()
    assert await sent(one) == MOST
    for _ in range(3):
        give_room(one, 1000)
        assert await sent(one) == 1000
        one.channel._look()
        assert await sent(one) == 0
    one.channel._look()
    assert await sent(one) == ROOM - MOST


async def test_one_that_has_ended_is_left_alone(narrowed: Narrowed) -> None:
    one = narrowed()
    assert await sent(one) == MOST
    one.channel.abort()
    await one.sent()
    one.channel._look()
    assert await sent(one) == 0


async def test_one_that_is_to_close_sends_what_it_was_given_before(narrowed: Narrowed) -> None:
    one = narrowed()
    assert await sent(one) == MOST
    one.channel.close()
    one.channel._look()
    give_room(one, ALL - ROOM)
    assert await sent(one) == ALL - MOST
    assert one.channel._send_state == "closed"


@pytest.mark.parametrize("version", ["SSH-2.0-dropbear_2022.83", "SSH-2.0-AsyncSSH_2.22.0", ""])
async def test_a_server_that_may_wait_for_more_is_sent_all_it_has_room_for(
    narrowed: Narrowed, version: str
) -> None:
    assert await sent(narrowed(version)) == ROOM
