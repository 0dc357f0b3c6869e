"""Forwards that were let go of, and whose last clients finish."""

import asyncio
from typing import TYPE_CHECKING

from sshdash.tunnels.forwards.forwarder import Forwarder

if TYPE_CHECKING:
    from sshdash.connections.connection import Lease


class Draining:
    """The former forwards of one tunnel; each keeps its lease until its clients have gone."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._vacating: set[asyncio.Future[None]] = set()

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Draining [{len(self._tasks)}]>"

    def begin(self, forwarder: Forwarder, lease: "Lease", seconds: float) -> None:
        """Take a forward over: free its port, and reset the clients it has left in `seconds`."""
        loop = asyncio.get_running_loop()
        vacated: asyncio.Future[None] = loop.create_future()
        self._vacating.add(vacated)
        task = loop.create_task(self._drain(forwarder, lease, seconds, vacated))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def vacated(self) -> None:
        """Return when the ports are free."""
        if self._vacating:
            await asyncio.wait(tuple(self._vacating))

    async def finished(self) -> None:
        """Return when the last clients have gone."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def end(self) -> None:
        """Reset the clients that are left."""
        await self.vacated()  # one that has not begun yet would give nothing back
        for task in self._tasks:
            task.cancel()
        await self.finished()

    async def _drain(
        self,
        forwarder: Forwarder,
        lease: "Lease",
        seconds: float,
        vacated: "asyncio.Future[None]",
    ) -> None:
        try:
            try:
                await forwarder.vacate()
            finally:
                self._vacating.discard(vacated)
                vacated.set_result(None)
            await forwarder.clients.drain(seconds)
        finally:
            try:
                await forwarder.close()
            finally:
                lease.release()
