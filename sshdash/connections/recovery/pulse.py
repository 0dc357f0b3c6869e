"""How long it takes to a server and back, measured while somebody looks.

Keepalives measure it too, but those may be minutes apart, or off.
"""

import asyncio
import logging
from collections import deque

import asyncssh

from sshdash.connections.recovery.liveness import ping
from sshdash.connections.transport.transport import Transport

log = logging.getLogger(__name__)

FRESH = 3.0
"""Seconds for which a round trip needs no measuring again."""
_ASIDE = 0.2
"""Seconds until it is measured: whoever looks draws at once, which would be measured as well."""
_BEATS = 8
"""Round trips that are remembered."""


class Pulse:
    """Measures one connection's round trip, and those of the hops that it goes through."""

    def __init__(self, ssh: Transport, hop: "Pulse | None" = None) -> None:
        self._ssh = ssh
        self._hop = hop
        self._beat: asyncio.Task[float | None] | None = None
        self._beats: deque[float] = deque(maxlen=_BEATS)

    def __repr__(self) -> str:
        """Return what was measured."""
        return f"<Pulse [{', '.join(map(str, self.round_trips))}]>"

    @property
    def round_trips(self) -> tuple[float | None, ...]:
        """Return the seconds to each host of the way and back, the nearest first.

        Each is measured from here, so a farther one contains the nearer ones; None where nothing
        was measured. It is the shortest of the latest few: what is longer had to wait for
        something, and the difference between two hosts would be that.
        """
        before = self._hop.round_trips if self._hop else ()
        return (*before, min(self._beats, default=self._ssh.round_trip))

    def feel(self) -> None:
        """Begin to measure on every host of the way whose round trip is not fresh."""
        if self._hop is not None:
            self._hop.feel()
        loop = asyncio.get_running_loop()
        if loop.time() - self._ssh.measured >= FRESH:
            self._begin(_ASIDE)

    def begin(self) -> None:
        """Begin to measure; `round_trips` has it once it is known."""
        self._begin()

    async def measure(self) -> float | None:
        """Measure now; return the seconds, None where the connection is lost over it."""
        beat = self._begin()
        await asyncio.wait({beat})
        return None if beat.cancelled() else beat.result()

    def stop(self) -> None:
        """Wait for no answer any more. Idempotent."""
        if self._beat is not None:
            self._beat.cancel()

    def _begin(self, wait: float = 0.0) -> "asyncio.Task[float | None]":
        if self._beat is None or self._beat.done():
            self._beat = asyncio.get_running_loop().create_task(self._measure(wait))
        return self._beat

    async def _measure(self, wait: float) -> float | None:
        await asyncio.sleep(wait)
        # Two at a time on one way would measure how they wait for each other (Nagle's algorithm).
        before = self._hop._beat if self._hop else None
        if before is not None and not before.done():
            await asyncio.wait({before})
        if self._ssh.is_closed():
            return None
        try:
            await ping(self._ssh)
        except (asyncssh.Error, OSError) as error:
            log.debug("a round trip was not measured: %s", error)
        if self._ssh.is_closed() or self._ssh.round_trip is None:
            return None
        self._beats.append(self._ssh.round_trip)
        return self._ssh.round_trip
