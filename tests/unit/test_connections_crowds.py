"""What happens to very many channels at the same time is done in many turns of the loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncssh
import pytest
from asyncssh.constants import MSG_CHANNEL_CLOSE, MSG_CHANNEL_EOF
from asyncssh.misc import ConnectionLost
from asyncssh.packet import Byte, UInt32

from tests.unit.wire_kit import WINDOW, GatheringSession, Wired

CROWD = 1000
FIRST = 10
MOST = 100
"""What may happen in one turn."""


class Crowd:
    """A connection with a thousand channels."""

    def __init__(self) -> None:
        self.wired = Wired(direct=True)
        self.ssh = self.wired.ssh
        self.ssh._channels.clear()
        self.ssh._next_recv_chan = FIRST
        self.sessions = [self._channel() for _ in range(CROWD)]

    def _channel(self) -> GatheringSession:
        loop = asyncio.get_running_loop()
        channel: Any = asyncssh.SSHTCPChannel(self.ssh, loop, None, "strict", WINDOW, 32_768)
        channel._session = session = GatheringSession()
        channel._send_chan, channel._send_window, channel._send_pktsize = 1, WINDOW, 32_768
        channel._send_state = channel._recv_state = "open"
        channel._recv_paused = False
        return session

    def all(self, kind: int) -> bytes:
        """Return what ends every channel, as it comes in one read."""
        numbers = range(FIRST, FIRST + CROWD)
        return b"".join(self.wired.peer.packet(Byte(kind) + UInt32(one)) for one in numbers)

    def count(self, what: object) -> int:
        """Return how many channels have had something."""
        return sum(what in session.log for session in self.sessions)

    async def most_in_a_turn(self, what: object) -> int:
        """Return how many had it in one turn at most, once all have."""
        return await most_in_a_turn(lambda: self.count(what), lambda count: count == CROWD)


async def most_in_a_turn(count: Callable[[], int], over: Callable[[int], bool]) -> int:
    """Return how much a count grows in one turn of the loop at most, until it is over."""
    most = before = count()
    while not over(before):
        await asyncio.sleep(0)
        now = count()
        most, before = max(most, now - before), now
    return most


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    one = Crowd()
    yield one
    one.wired.close()
    await asyncio.sleep(0)


async def test_others_get_their_turn_while_a_thousand_learn_of_a_lost_connection(
    crowd: Crowd,
) -> None:
    crowd.ssh._cleanup(ConnectionLost("lost"))
    assert crowd.ssh.is_closed(), "from the first on: who is refused asks whether it is"
    assert await crowd.most_in_a_turn("lost") <= MOST
    assert not crowd.ssh._channels
    async with asyncio.timeout(0):
        await crowd.ssh.wait_closed()


async def test_others_get_their_turn_while_a_thousand_channels_end(crowd: Crowd) -> None:
    crowd.wired.feed(crowd.all(MSG_CHANNEL_EOF))
    assert not crowd.wired.wire.reading, "an end of the connection must not overtake the rest"
    assert await crowd.most_in_a_turn("eof") <= MOST
    assert crowd.wired.wire.reading
    crowd.wired.feed(crowd.all(MSG_CHANNEL_CLOSE))
    assert await crowd.most_in_a_turn("lost") <= MOST
    assert crowd.wired.wire.reading
    assert not crowd.ssh._channels
    assert crowd.wired.failure is None


async def test_others_get_their_turn_while_a_thousand_channels_get_data(crowd: Crowd) -> None:
    numbers = range(FIRST, FIRST + CROWD)
    crowd.wired.feed(b"".join(crowd.wired.peer.data(b"%d" % one, one) for one in numbers))
    said = crowd.wired.peer.data(b"after it", FIRST)
    crowd.wired.feed(said[:20])  # what is read before all of it is done
    crowd.wired.feed(said[20:])

    def served() -> int:
        return sum(bool(session.log) for session in crowd.sessions)

    def over(_: int) -> bool:
        return crowd.sessions[0].received.endswith(b"after it")

    assert await most_in_a_turn(served, over) <= MOST
    received = [session.received.removesuffix(b"after it") for session in crowd.sessions]
    assert received == [b"%d" % one for one in numbers]


async def test_one_that_is_ended_over_its_first_packets_gets_no_more(crowd: Crowd) -> None:
    crowd.wired.feed(crowd.all(MSG_CHANNEL_EOF))
    crowd.ssh._force_close(None)
    before = crowd.count("eof")
    for _ in range(5):
        await asyncio.sleep(0)
    assert crowd.count("eof") == before < CROWD


async def test_what_waits_for_its_turn_comes_before_an_end_that_is_told_all_the_same(
    crowd: Crowd,
) -> None:
    crowd.wired.feed(crowd.all(MSG_CHANNEL_EOF))
    assert crowd.count("eof") < CROWD
    crowd.ssh.connection_lost(None)
    assert crowd.count("eof") == CROWD
