"""Who waits for a host is woken by what becomes of that host, and by nothing else."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sshdash.connections.recovery.outages import Outages
from sshdash.connections.snapshot import ConnectionSnapshot
from sshdash.errors import Cancelled
from sshdash.events import ConnectionChanged, EventBus
from sshdash.states import ConnectionState

WAITING, CONNECTED, IDLE = (
    ConnectionState.WAITING,
    ConnectionState.CONNECTED,
    ConnectionState.IDLE,
)


class Manager:
    """Hosts that all wait to be dialled again, and how often each was looked at."""

    def __init__(self) -> None:
        self.events = EventBus()
        self.states: dict[str, ConnectionState] = {}
        self.looks: Counter[str] = Counter()

    def status(self, host: str) -> ConnectionSnapshot:
        self.looks[host] += 1
        return ConnectionSnapshot(host, self.states.get(host, WAITING))

    def interest(self, host: str, purpose: str) -> Any:
        raise NotImplementedError

    def move(self, host: str, state: ConnectionState) -> None:
        before, self.states[host] = self.states.get(host, WAITING), state
        self.events.emit(ConnectionChanged(host, before, state))


async def settled(condition: Callable[[], bool]) -> None:
    """Let what was woken run."""
    for _ in range(20):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came")


async def test_a_host_that_is_back_wakes_those_who_wait_for_it_alone() -> None:
    manager = Manager()
    outages = Outages(manager, manager.events)
    hosts = [f"host-{number}" for number in range(1000)]
    waits = {host: asyncio.create_task(outages.back(host)) for host in hosts}
    await settled(lambda: manager.looks.total() == len(hosts))
    manager.looks.clear()
    manager.move("host-7", CONNECTED)
    await settled(waits["host-7"].done)
    assert set(manager.looks) == {"host-7"}
    for wait in waits.values():
        wait.cancel()
    await asyncio.gather(*waits.values(), return_exceptions=True)
    assert "[0 waiting]" in repr(outages)


async def test_a_host_that_is_disconnected_ends_the_waiting() -> None:
    manager = Manager()
    outages = Outages(manager, manager.events)
    wait = asyncio.create_task(outages.back("web"))
    await settled(lambda: bool(manager.looks))
    manager.move("web", IDLE)
    with pytest.raises(Cancelled):
        await wait


async def test_a_name_is_one_however_it_is_written() -> None:
    manager = Manager()
    outages = Outages(manager, manager.events)
    wait = asyncio.create_task(outages.up("ssh://me@web:2200"))
    await settled(lambda: bool(manager.looks))
    manager.states["ssh://me@web:2200"] = CONNECTED
    manager.move("me@web:2200", CONNECTED)
    await settled(wait.done)


async def test_of_several_hosts_each_may_end_the_waiting() -> None:
    manager = Manager()
    outages = Outages(manager, manager.events)
    manager.states.update(one=CONNECTED, two=CONNECTED)
    wait = asyncio.create_task(outages.settle(iter(["one", "two"])))
    await settled(lambda: manager.looks.total() == 2)
    manager.move("two", WAITING)
    await settled(wait.done)
    assert "[0 waiting]" in repr(outages)
