"""What happens to the network and to the server, one thing after the other, as chance has it."""

import asyncio
import random
from collections.abc import Sequence

from tests.servers.proxy import Proxy
from tests.servers.sshd import RealSshd
from tests.soak.report import Report

_PAUSE = (0.3, 3.0)
"""Seconds between two faults."""
_SPELL = (0.2, 5.0)
"""Seconds that one lasts which does not pass at once."""


class Faults:
    """Does harm to connections; each method is one kind, and ends with the network as before."""

    def __init__(
        self, chance: random.Random, server: RealSshd, lines: Sequence[Proxy], report: Report
    ) -> None:
        self._chance = chance
        self._server = server
        self._lines = lines
        self._report = report
        self.over = asyncio.Event()
        """Set while nothing is wrong."""

    async def go_on(self, tell: "asyncio.Queue[float]") -> None:
        """Do harm until cancelled; what time it was when each fault was over goes to `tell`."""
        kinds = (
            self.cut, self.cut, self.reset, self.cut_in_bulk, self.cut_in_bulk, self.stall,
            self.stall_and_cut, self.crawl, self.shut_out, self.kill, self.suspend, self.restart,
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(self._chance.uniform(*_PAUSE))
                fault = self._chance.choice(kinds)
                self._report.faults[fault.__name__.replace("_", " ")] += 1
                doing = asyncio.ensure_future(fault(self._chance.choice(self._lines)))
                try:
                    await asyncio.shield(doing)
                finally:
                    await asyncio.wait({doing})  # a server that was stopped is started again
                tell.put_nowait(loop.time())
        finally:
            self._calm()

    def _calm(self) -> None:
        self._server.resume()
        for line in self._lines:
            line.flow()
            line.refusing, line.rate, line.delay = False, 0, 0.0

    async def _spell(self) -> None:
        await asyncio.sleep(self._chance.uniform(*_SPELL))

    async def cut(self, line: Proxy) -> None:
        line.cut()

    async def reset(self, line: Proxy) -> None:
        line.reset()

    async def cut_in_bulk(self, line: Proxy) -> None:
        line.cut_after(self._chance.randrange(1, 2_000_000), reset=self._chance.random() < 0.5)

    async def stall(self, line: Proxy) -> None:
        line.stall()
        await self._spell()
        line.flow()

    async def stall_and_cut(self, line: Proxy) -> None:
        line.stall()
        await self._spell()
        line.cut()
        line.flow()

    async def crawl(self, line: Proxy) -> None:
        line.rate, line.delay = 200_000, 0.05
        await self._spell()
        line.rate, line.delay = 0, 0.0

    async def shut_out(self, line: Proxy) -> None:
        line.refusing = True
        line.reset()
        await self._spell()
        line.refusing = False

    async def kill(self, line: Proxy) -> None:
        await asyncio.to_thread(self._server.kill_connections)

    async def suspend(self, line: Proxy) -> None:
        await asyncio.to_thread(self._server.suspend)
        await self._spell()
        await asyncio.to_thread(self._server.resume)

    async def restart(self, line: Proxy) -> None:
        await asyncio.to_thread(self._server.stop)
        await self._spell()
        await asyncio.to_thread(self._server.start)
