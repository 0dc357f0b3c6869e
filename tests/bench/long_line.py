"""A slow line in a process of its own, so that it takes no time of whoever measures.

``python -m tests.bench.long_line PORT DELAY RATE`` prints the port it listens on and passes
everything on to PORT until its standard input ends.
"""

import asyncio
import sys
from types import TracebackType

from sshdash import loop
from tests.servers.proxy import Proxy


class LongLine:
    """Starts the process; entering gives the port to connect to."""

    def __init__(self, port: int, delay: float, rate: int = 0) -> None:
        self._words = (str(port), str(delay), str(rate))
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> int:
        """Start it and return its port."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.long_line", *self._words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout
        return int(await self._process.stdout.readline())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        assert self._process
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


async def main(port: int, delay: float, rate: int) -> None:
    """Pass everything on until standard input ends."""
    async with Proxy(port, delay=delay, rate=rate) as proxy:
        print(proxy.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    loop.run(main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
