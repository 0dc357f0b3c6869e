"""Looks after connections when the world changed: after sleep, and in another network.

Each is asked for a sign of life at once, with little time to answer, where its keepalive would
take a minute to notice; and what waits is dialled soon.
"""

import asyncio
import functools
import logging
from collections.abc import Callable

from sshdash.connections.connection import Connection
from sshdash.connections.recovery.roaming import NetworkWatch, has_moved
from sshdash.connections.recovery.wakefulness import SleepWatch
from sshdash.connections.registry import Registry

log = logging.getLogger(__name__)

PROBE_SECONDS = 6.0
"""Seconds to answer: enough for a wireless network that is just coming back."""
_SILENCE = 10.0
"""Seconds after which it is not taken for granted any more that a connection is alive."""
_PER_HOP = 0.5
"""Seconds more for each hop, so that the one to blame is found first."""
_MINUTE = 60


class Vigil:
    """Watches the clock and the network for all connections of a registry."""

    def __init__(self, registry: Registry, hurry: Callable[[], None]) -> None:
        self._registry = registry
        self._hurry = hurry
        self.sleep = SleepWatch(self._woke)
        self.network = NetworkWatch(self._moved)
        self._started = False
        self._probes: dict[Connection, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin, once."""
        if not self._started:
            self._started = True
            self.sleep.start()
            self.network.start()

    async def stop(self) -> None:
        """End, and with it what is being asked."""
        self.sleep.stop()
        self.network.stop()
        probes = tuple(self._probes.values())
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    def _woke(self, slept: float) -> None:
        log.info("awake after %.0f s", slept)
        self._probe(f"no answer after {_duration(slept)} asleep", lambda connection: True)
        self._hurry()

    def _moved(self) -> None:
        log.info("the network changed")
        self._probe("no answer since the network changed", _is_elsewhere)
        self._hurry()

    def doubt(self, connection: Connection) -> None:
        """Ask a connection that somebody wants to use, where it was silent for a while."""
        if connection.silent_for > _SILENCE:
            self._ask(connection, "no answer")

    def _probe(self, reason: str, concerned: Callable[[Connection], bool]) -> None:
        """Ask every connection that is `concerned`."""
        for shared in self._registry:
            for connection in filter(None, (shared.connection, *shared.spares)):
                if concerned(connection):
                    self._ask(connection, reason)

    def _ask(self, connection: Connection, reason: str) -> None:
        """Ask a connection, unless it is being asked already."""
        if connection in self._probes:
            return
        seconds = PROBE_SECONDS + _PER_HOP * (len(connection.route) - 1)
        task = asyncio.create_task(
            connection.probe(seconds, reason), name=f"asking {connection.host}"
        )
        self._probes[connection] = task
        task.add_done_callback(functools.partial(self._answered, connection))

    def _answered(self, connection: Connection, _: "asyncio.Task[None]") -> None:
        del self._probes[connection]


def _is_elsewhere(connection: Connection) -> bool:
    """Return whether a connection may have been cut by a change; those behind a hop go with it."""
    if len(connection.route) > 1:
        return False
    return connection.socket is None or has_moved(connection.socket)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * _MINUTE else f"{seconds / _MINUTE:.0f} min"
