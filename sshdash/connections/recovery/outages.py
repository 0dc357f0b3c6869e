"""Waiting out an outage: whether a lost connection is expected back, and when it is there again.

The manager decides whether and when a host is dialled again. What lives on its connection says
here that it needs it, and waits here for it; nothing of that dials by itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from sshdash.connections.names import canonical
from sshdash.errors import Cancelled
from sshdash.events import ConnectionChanged, Event, EventBus
from sshdash.states import ConnectionState
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.connection import ConnectionSnapshot

_NOTICED = 1.0
"""Seconds after which a connection that was met as lost is up after all."""
_EXPECTED = (ConnectionState.WAITING, ConnectionState.CONNECTING, ConnectionState.CONNECTED)


class Interest(Protocol):
    """The wish that a host's connection comes back when it is lost."""

    def release(self) -> None:
        """Give the wish up; twice is once."""
        ...


class Supervisor(Protocol):
    """What is needed of the manager."""

    def status(self, host: str) -> "ConnectionSnapshot":
        """Return how the connection of a host stands."""
        ...

    def interest(self, host: str, purpose: str) -> Interest:
        """Have the connection brought back when it is lost, until the interest is released."""
        ...


class Outages:
    """The outages of all hosts, for whatever has to outlive them."""

    def __init__(self, manager: Supervisor, events: EventBus) -> None:
        self._manager = manager
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        """Who waits for a change, by the name that the change will be told of."""
        events.subscribe(self._note)

    def __repr__(self) -> str:
        """Return how many wait."""
        return f"<Outages [{sum(map(len, self._waiting.values()))} waiting]>"

    def interest(self, host: str, purpose: str) -> Interest:
        """Return a claim on the host's connection; see `Supervisor.interest`."""
        return self._manager.interest(host, purpose)

    def status(self, host: str) -> "ConnectionSnapshot | None":
        """Return how the host's connection stands."""
        return self._manager.status(host)

    def is_expected(self, host: str) -> bool:
        """Return whether a connection that was lost comes back by itself, or is back already.

        Where dialling again was given up it is still expected: the person may try once more.
        """
        status = self._manager.status(host)
        return status.state in _EXPECTED or bool(status.gives_up)

    def is_out(self, host: str) -> bool:
        """Return whether there is no connection to the host now."""
        return self._manager.status(host).state is not ConnectionState.CONNECTED

    def was_out(self, host: str, since: float) -> bool:
        """Return whether the host was or is out, after `since` by the monotonic clock."""
        return self.is_out(host) or self._manager.status(host).since > since

    async def settle(self, hosts: Iterable[str]) -> None:
        """Return once one of the hosts is out, or it is clear that none is.

        What lives on a connection may meet its end a moment before the manager does.
        """
        names = tuple(hosts)
        try:
            async with asyncio.timeout(_NOTICED):
                while not any(map(self.is_out, names)):
                    await self._change(*names)
        except TimeoutError:
            return

    def retry_in(self, host: str) -> float | None:
        """Return the seconds until the host is dialled again, None where that is not planned."""
        at = self._manager.status(host).retry_at
        return None if at is None else max(0.0, at - time.monotonic())

    async def back(self, host: str, given_up: Callable[[], None] = lambda: None) -> None:
        """Return when the host is connected; raises Cancelled where the person ended that.

        `given_up` is called where nothing more is tried unless the person asks for it.
        """
        while (status := self._manager.status(host)).state is not ConnectionState.CONNECTED:
            if status.state is ConnectionState.IDLE:
                raise Cancelled("disconnected", host=clean(host))
            if status.gives_up:
                given_up()
            await self._change(host)

    async def up(self, host: str) -> None:
        """Return when the host is connected, whoever brings that about and whenever."""
        while self.is_out(host):
            await self._change(host)

    async def _change(self, *hosts: str) -> None:
        """Return when the state of one of the hosts' connections has changed."""
        change = asyncio.get_running_loop().create_future()
        names = {canonical(host) for host in hosts}
        for name in names:
            self._waiting.setdefault(name, set()).add(change)
        try:
            await change
        finally:
            for name in names:
                waiting = self._waiting[name]
                waiting.discard(change)
                if not waiting:
                    del self._waiting[name]

    def _note(self, event: Event) -> None:
        if isinstance(event, ConnectionChanged):
            for change in self._waiting.get(event.host, ()):
                if not change.done():
                    change.set_result(None)


class NoOutages:
    """For commands that run once: what is lost stays lost."""

    def interest(self, host: str, purpose: str) -> Interest:
        """Return a claim that nobody honours."""
        return _Ignored()

    def status(self, host: str) -> "ConnectionSnapshot | None":
        """Return None: nobody knows."""
        return None

    def is_expected(self, host: str) -> bool:
        """Return False."""
        return False

    def is_out(self, host: str) -> bool:
        """Return False: nobody knows."""
        return False

    def was_out(self, host: str, since: float) -> bool:
        """Return False: nobody knows."""
        return False

    async def settle(self, hosts: Iterable[str]) -> None:
        """Return at once."""

    def retry_in(self, host: str) -> float | None:
        """Return None: it is not dialled again."""
        return None

    async def back(self, host: str, given_up: Callable[[], None] = lambda: None) -> None:
        """Raise Cancelled: nobody brings it back."""
        raise Cancelled("the connection is not made again", host=clean(host))

    async def up(self, host: str) -> None:
        """Return at once: nobody knows."""


class _Ignored:
    """An interest in nothing."""

    def release(self) -> None:
        """Do nothing."""


def outage_text(seconds: float) -> str:
    """Return how long an outage lasted: ``3 s``, ``2 min 05 s``, ``3 h 05 min``."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {second:02} s"
    hours, minute = divmod(minutes, 60)
    return f"{hours} h {minute:02} min"
