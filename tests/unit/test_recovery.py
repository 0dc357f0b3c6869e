"""What is opened again after an outage, what is not, and what is told of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sshdash.errors import SessionError
from sshdash.events import (
    ConnectionChanged,
    Event,
    EventBus,
    HostRestored,
    SessionChanged,
    TransferChanged,
    TunnelChanged,
)
from sshdash.recovery import Recovery
from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState


class FakeOutages:
    """One connection that is up or not, and who wants it."""

    def __init__(self) -> None:
        self.out = False
        self.expected = True
        self.held = 0

    def interest(self, host: str, purpose: str) -> "FakeOutages":
        self.held += 1
        return self

    def release(self) -> None:
        self.held -= 1

    def is_out(self, host: str) -> bool:
        return self.out

    def is_expected(self, host: str) -> bool:
        return self.expected


class Kit:
    """A recovery, and what it did."""

    def __init__(self) -> None:
        self.bus = EventBus()
        self.outages = FakeOutages()
        self.reopened: list[str] = []
        self.failing = 0
        """How many of the next shells cannot be opened, because the host is gone again."""
        self.told: list[HostRestored] = []
        self.bus.subscribe(self._note)
        self.recovery = Recovery(
            self.outages,  # type: ignore[arg-type]
            self.bus,
            self.reopen,
            lambda tunnel: "web",
            lambda job: ("web",),
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, HostRestored):
            self.told.append(event)

    async def reopen(self, session: str) -> None:
        self.reopened.append(session)
        self.session(session, SessionState.OPENING)
        if self.failing:
            self.failing -= 1
            self.session(session, SessionState.LOST)
            raise SessionError("gone again")
        self.session(session, SessionState.RUNNING)

    def session(self, name: str, state: SessionState) -> None:
        self.bus.emit(SessionChanged(name, "web", SessionState.OPENING, state))

    def connection(self, state: ConnectionState) -> None:
        self.outages.out = state is not ConnectionState.CONNECTED
        self.bus.emit(ConnectionChanged("web", ConnectionState.IDLE, state))

    def lose(self) -> None:
        self.connection(ConnectionState.LOST)
        self.connection(ConnectionState.WAITING)

    async def rest(self) -> None:
        """Let everything happen that can."""
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def kit() -> AsyncIterator[Kit]:
    one = Kit()
    try:
        yield one
    finally:
        await one.recovery.close()
    assert one.outages.held == 0


async def test_a_shell_whose_host_is_not_expected_back_is_not_waited_for() -> None:
    async with kit() as one:
        one.session("a", SessionState.RUNNING)
        one.outages.expected = False
        one.lose()
        one.session("a", SessionState.LOST)
        assert not one.recovery.is_waiting("a")
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert one.reopened == []


async def test_lost_shells_are_opened_again_and_those_that_exited_are_not() -> None:
    async with kit() as one:
        for name in ("a", "b", "c"):
            one.session(name, SessionState.RUNNING)
        assert one.outages.held == 3
        one.session("c", SessionState.EXITED)
        assert one.outages.held == 2
        one.lose()
        one.session("a", SessionState.LOST)
        one.session("b", SessionState.LOST)
        assert one.recovery.is_waiting("a")
        assert one.recovery.shells == 2
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert one.reopened == ["a", "b"]
        assert [(event.shells, event.missing) for event in one.told] == [(2, 0)]
        assert one.recovery.shells == 0


async def test_a_shell_that_was_closed_meanwhile_stays_closed() -> None:
    async with kit() as one:
        one.session("a", SessionState.RUNNING)
        one.lose()
        one.session("a", SessionState.LOST)
        one.recovery.forget("a")
        assert one.outages.held == 0
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert not one.reopened
        assert not one.told


async def test_a_shell_lost_while_it_was_opened_again_is_opened_the_next_time() -> None:
    async with kit() as one:
        one.session("a", SessionState.RUNNING)
        one.lose()
        one.session("a", SessionState.LOST)
        one.failing = 1
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert one.reopened == ["a"]
        one.lose()
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert one.reopened == ["a", "a"]
        assert [event.shells for event in one.told] == [1]


async def test_a_loss_that_is_heard_of_after_the_return_is_made_good_too() -> None:
    async with kit() as one:
        one.session("a", SessionState.RUNNING)
        one.lose()
        one.connection(ConnectionState.CONNECTED)
        one.session("a", SessionState.LOST)
        await one.rest()
        assert one.reopened == ["a"]


async def test_tunnels_and_copies_are_waited_for_before_it_is_told() -> None:
    async with kit() as one:
        one.lose()
        opened, lost = TunnelState.OPEN, TunnelState.RECONNECTING
        one.bus.emit(TunnelChanged("t1", opened, lost))
        one.bus.emit(TransferChanged("j1", TransferState.COPYING, TransferState.WAITING))
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert not one.told
        one.bus.emit(TunnelChanged("t1", lost, opened))
        one.bus.emit(TransferChanged("j1", TransferState.WAITING, TransferState.SCANNING))
        await one.rest()
        assert not one.told
        one.bus.emit(TransferChanged("j1", TransferState.SCANNING, TransferState.COPYING))
        await one.rest()
        event = one.told[0]
        assert (event.host, event.shells, event.tunnels, event.copies) == ("web", 0, 1, 1)


async def test_a_disconnected_host_is_forgotten() -> None:
    async with kit() as one:
        one.session("a", SessionState.RUNNING)
        one.lose()
        one.session("a", SessionState.LOST)
        one.connection(ConnectionState.IDLE)
        assert one.recovery.shells == 0
        one.connection(ConnectionState.CONNECTED)
        await one.rest()
        assert not one.reopened
        one.recovery.forget("a")
