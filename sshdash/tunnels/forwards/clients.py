"""The clients that one forward serves."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

from sshdash.tunnels.counters import Traffic, Visit
from sshdash.tunnels.forwards.observer import Observer
from sshdash.tunnels.forwards.relay import Relay

MAX_CLIENTS = 1024
"""Clients one tunnel serves at a time, those that left while their channel opens included."""
_AT_ONCE = 32
"""Clients reset in one turn of the loop: some milliseconds, with what follows."""


class Arrival(Protocol):
    """A client in its handshake."""

    relay: Relay | None
    """What carries it, once it has said where it wants to go."""

    def abort(self) -> None:
        """End it."""


class Clients:
    """Everybody who is there, and the work that is under way for them."""

    def __init__(self, traffic: Traffic, observer: Observer) -> None:
        self._traffic = traffic
        self._observer = observer
        self._relays: set[Relay] = set()
        self._arriving: set[Arrival] = set()
        """Those that have not said yet where they want to go."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()
        """Set when a client has gone."""
        self._resetting: deque[Relay | Arrival] = deque()
        """Those whose turn to be reset has not come yet."""
        self._reset_all = asyncio.Event()
        """Set while there are none of those."""
        self._reset_all.set()

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Clients [{len(self._relays)}]>"

    def __len__(self) -> int:
        """Return how many there are, those that left while their channel opens included."""
        return len(self._relays)

    def enter(self, *, is_remote: bool = False) -> Relay:
        """Return the relay of a client that came, here or to the server."""
        relay = Relay(self._traffic, self._forget, client_is_remote=is_remote)
        self._relays.add(relay)
        return relay

    def greet(self, arrival: Arrival) -> None:
        """Note a client that begins its handshake."""
        self._arriving.add(arrival)

    def greeted(self, arrival: Arrival) -> None:
        """Note that its handshake is over, or that it went."""
        self._arriving.discard(arrival)
        self._left.set()

    def _forget(self, relay: Relay) -> None:
        self._relays.discard(relay)
        self._left.set()

    def full(self) -> bool:
        """Return whether there are so many that no more is let in, and tell of that."""
        here = len(self._relays) + len(self._arriving)
        if here < MAX_CLIENTS and len(self._tasks) < MAX_CLIENTS:
            return False
        self._observer.troubled(f"more than {MAX_CLIENTS} clients at a time")
        return True

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something for a client, in a task of its own."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def visits(self) -> list[Visit]:
        """Return the clients that are there, in the order they came."""
        here = [relay.visit for relay in self._relays if relay.is_here]
        return sorted(here, key=lambda visit: visit.number)

    def cut(self, number: int) -> bool:
        """Reset one client alone; return whether it was there."""
        for relay in tuple(self._relays):
            if relay.visit.number == number and relay.is_here:
                relay.abort()
                return True
        return False

    async def drain(self, seconds: float) -> None:
        """Let the clients that are there finish; reset those that are left after `seconds`."""
        before, arriving = set(self._relays), set(self._arriving)
        try:
            async with asyncio.timeout(seconds):
                while self._left_of(before, arriving):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            self._reset(self._left_of(before, arriving))

    def _left_of(self, before: set[Relay], arriving: set[Arrival]) -> set[Relay | Arrival]:
        """Return those of some clients that are still there, as what they have become."""
        before |= {one.relay for one in arriving if one.relay is not None}
        silent = {one for one in arriving & self._arriving if one.relay is None}
        return {*(before & self._relays), *silent}

    def reset(self) -> None:
        """Begin to reset all of them; `all_reset` returns when it is done."""
        self._reset(self._relays)

    def reset_carried(self) -> None:
        """Begin to reset those that have, or had, a channel; others wait on."""
        self._reset(relay for relay in self._relays if relay.is_through)

    async def all_reset(self) -> None:
        """Return when nobody is left who was to be reset."""
        await self._reset_all.wait()

    def _reset(self, clients: "Iterable[Relay | Arrival]") -> None:
        """Reset some now and the others in the next turns: a thousand would hold the loop."""
        is_under_way = bool(self._resetting)
        self._resetting.extend(clients)
        if not is_under_way:
            self._reset_all.clear()
            self._reset_some()

    def _reset_some(self) -> None:
        try:
            for _ in range(min(_AT_ONCE, len(self._resetting))):
                self._resetting.popleft().abort()
        finally:
            if self._resetting:
                asyncio.get_running_loop().call_soon(self._reset_some)
            else:
                self._reset_all.set()
