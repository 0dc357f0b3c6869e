"""Tunnels that are removed: their last clients finish, and what they carried is not forgotten."""

import asyncio
import time
from collections.abc import Iterable

from sshdash.tunnels.counters import Traffic
from sshdash.tunnels.tunnel import Tunnel


class Departures:
    """Sees tunnels off, whoever waits for that; adds up what those that are gone have carried."""

    def __init__(self) -> None:
        self._stopping: dict[asyncio.Task[None], Tunnel] = {}
        self._unlisted: set[Tunnel] = set()
        """Those that are off the list, and whose clients may still be there."""
        self._carried = (0, 0)
        """Bytes up and down of all that have gone."""
        self._together = Traffic(time.monotonic())

    def __repr__(self) -> str:
        """Return those that have not gone yet."""
        return f"<Departures {list(self._stopping.values())}>"

    def together(self, listed: Iterable[Tunnel], now: float) -> Traffic:
        """Return what the tunnels on the list and all that were on it have carried until `now`."""
        up, down = self._carried
        for tunnel in (*listed, *self._unlisted):
            tunnel.traffic.tick(now)
            up, down = up + tunnel.traffic.up, down + tunnel.traffic.down
        self._together.up, self._together.down = up, down
        self._together.tick(now)
        return self._together

    async def see_off(self, tunnel: Tunnel, drain: float | None) -> None:
        """Stop a tunnel, see `Tunnel.stop`; that goes on where whoever waits here gives up."""
        stopping = asyncio.get_running_loop().create_task(tunnel.stop(drain))
        self._stopping[stopping] = tunnel
        stopping.add_done_callback(self._stopped)
        await asyncio.shield(stopping)

    def unlist(self, tunnel: Tunnel) -> None:
        """Count a tunnel here from now on: it is on no list any more."""
        self._unlisted.add(tunnel)
        self._settle(tunnel)

    async def end(self, others: Iterable[Tunnel]) -> None:
        """Stop those that have not gone yet, and `others`, at once."""
        leaving = {*others, *self._stopping.values()}
        await asyncio.gather(*(one.stop() for one in leaving), *self._stopping)

    def _stopped(self, stopping: asyncio.Task[None]) -> None:
        self._settle(self._stopping.pop(stopping))

    def _settle(self, tunnel: Tunnel) -> None:
        """Keep the figures of one that has gone, and nothing else."""
        if tunnel in self._unlisted and tunnel not in self._stopping.values():
            self._unlisted.discard(tunnel)
            up, down = self._carried
            self._carried = up + tunnel.traffic.up, down + tunnel.traffic.down
