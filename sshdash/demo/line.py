"""A line between two sockets: it takes time, and may be narrow."""

import asyncio
import contextlib
import socket
from collections import deque

_CHUNK = 256 * 1024
_BUFFER = 16 * 1024 * 1024
"""Bytes in flight each way: delay alone must not limit the bandwidth."""

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """How a line behaves; may be changed while something goes over it.

    `delay` is one way, in seconds: 0.02 makes a round trip of 40 ms. Bytes are stamped when
    they come and sent when they are due, so a full line stays full. `rate` limits the bytes per
    second each way, 0 does not.
    """

    def __init__(self, delay: float = 0.0, rate: int = 0) -> None:
        self.delay = delay
        self.rate = rate

    async def wait_open(self) -> None:
        """Wait until bytes may pass: at once, unless a subclass holds them."""

    def took(self, up: bool) -> None:
        """Note that something came, which is counted once it is passed on."""

    def count(self, size: int, up: bool) -> None:
        """Note bytes that were passed on, `up` from the near end to the far one."""

    async def carry(self, near: End, far: End) -> None:
        """Carry bytes between two ends until both have ended or one broke."""
        lanes = (_Lane(self, near[0], far[1], True), _Lane(self, far[0], near[1], False))
        for _, writer in (near, far):
            _send_at_once(writer)
        tasks = [asyncio.create_task(step) for lane in lanes for step in (lane.take(), lane.give())]
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Lane:
    """One way: chunks wait until they are due."""

    def __init__(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool
    ) -> None:
        self._line = line
        self._reader = reader
        self._writer = writer
        self._up = up
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._changed = asyncio.Event()
        self._free = 0.0
        """When a narrow line will have sent everything it was given."""

    async def take(self) -> None:
        """Read, and stamp each chunk with the time it is due; b"" is the end."""
        loop = asyncio.get_running_loop()
        while True:
            chunk, buffer = self._sizes()
            while self._held > buffer:
                self._changed.clear()
                await self._changed.wait()
            data = await self._reader.read(chunk)
            if data:
                self._line.took(self._up)
            self._waiting.append((self._due(loop.time(), len(data)), data))
            self._held += len(data)
            self._changed.set()
            if not data:
                return

    async def give(self) -> None:
        """Write each chunk when it is due."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            due, data = self._waiting[0]
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            await self._line.wait_open()
            self._waiting.popleft()
            self._held -= len(data)
            self._changed.set()
            if not data:
                self._writer.write_eof()
                return
            self._writer.write(data)
            await self._writer.drain()
            self._line.count(len(data), self._up)

    def _sizes(self) -> tuple[int, int]:
        """Return how much to read at once and to hold: little of both on a narrow line."""
        if not self._line.rate:
            return _CHUNK, _BUFFER
        return max(1, min(_CHUNK, self._line.rate // 50)), self._line.rate // 4

    def _due(self, now: float, size: int) -> float:
        if self._line.rate:
            self._free = max(self._free, now) + size / self._line.rate
            return self._free + self._line.delay
        return now + self._line.delay


def _send_at_once(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw.family in (socket.AF_INET, socket.AF_INET6):
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
