"""A TCP proxy that delays, limits, stalls and cuts: the network between a client and a server."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from types import TracebackType
from typing import Self

_CHUNK = 256 * 1024
_BUFFER = 16 * 1024 * 1024
"""Bytes in flight each way: delay alone must not limit the bandwidth."""


class Proxy:
    """Listens on a free loopback port and passes everything on to ``host:port``.

    `delay` is one way, in seconds: 0.02 makes a round trip of 40 ms. Bytes are stamped when
    they come and sent when they are due, so a full pipe stays full. `rate` limits the bytes
    per second each way, 0 does not. Both may be changed while connections are up.
    """

    def __init__(
        self, port: int, host: str = "127.0.0.1", *, delay: float = 0.0, rate: int = 0
    ) -> None:
        self.target = (host, port)
        self.delay = delay
        self.rate = rate
        self.port = 0
        self.accepted = 0
        """Connections so far."""
        self.bytes_up = 0
        """From the clients to the server, all connections together."""
        self.bytes_down = 0
        self.refusing = False
        """New connections are reset at once."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_CHUNK)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening and cut what is left."""
        assert self._server
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """Return how many connections are up."""
        return len(self._links)

    def stall(self) -> None:
        """Pass nothing on from now, and keep every connection open: a dead network."""
        self._flowing.clear()

    def flow(self) -> None:
        """Pass on again, what was held back included."""
        self._flowing.set()

    def cut(self) -> None:
        """Close every connection on both sides, losing what is in flight."""
        for link in tuple(self._links):
            link.close(reset=False)

    def reset(self) -> None:
        """Reset every connection on both sides (RST)."""
        for link in tuple(self._links):
            link.close(reset=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        if self.refusing:
            _end(writer, reset=True)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target, limit=_CHUNK)
        except OSError:
            _end(writer, reset=True)
            return
        link = _Link(self, (reader, writer), (far_reader, far_writer))
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)
            link.close(reset=False)

    async def wait_flowing(self) -> None:
        """Wait while the network is stalled."""
        await self._flowing.wait()

    def count(self, size: int, up: bool) -> None:
        """Note bytes that were passed on."""
        if up:
            self.bytes_up += size
        else:
            self.bytes_down += size


_Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection: two lanes, one each way."""

    def __init__(self, proxy: Proxy, near: _Pair, far: _Pair) -> None:
        self._writers = (near[1], far[1])
        self._lanes = (_Lane(proxy, near[0], far[1], True), _Lane(proxy, far[0], near[1], False))
        for writer in self._writers:
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self) -> None:
        """Pass bytes on until both ways have ended or the connection broke."""
        tasks = [
            asyncio.create_task(step) for lane in self._lanes for step in (lane.take(), lane.give())
        ]
        try:
            with contextlib.suppress(OSError):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self, reset: bool) -> None:
        """Close both sockets."""
        for writer in self._writers:
            _end(writer, reset)


class _Lane:
    """One way: chunks wait until they are due."""

    def __init__(
        self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, up: bool
    ) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._up = up
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held = 0
        self._changed = asyncio.Event()
        self._free = 0.0
        """When the limited line has sent everything it was given."""

    async def take(self) -> None:
        """Read, and stamp each chunk with the time it is due; b"" is the end."""
        loop = asyncio.get_running_loop()
        while True:
            chunk, buffer = self._sizes()
            while self._held > buffer:
                self._changed.clear()
                await self._changed.wait()
            data = await self._reader.read(chunk)
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
            await self._proxy.wait_flowing()
            self._waiting.popleft()
            self._held -= len(data)
            self._changed.set()
            if not data:
                self._writer.write_eof()
                return
            self._writer.write(data)
            await self._writer.drain()
            self._proxy.count(len(data), self._up)

    def _sizes(self) -> tuple[int, int]:
        """Return how much to read at once and to hold: little of both on a slow line."""
        if not self._proxy.rate:
            return _CHUNK, _BUFFER
        return max(1, min(_CHUNK, self._proxy.rate // 50)), self._proxy.rate // 4

    def _due(self, now: float, size: int) -> float:
        if self._proxy.rate:
            self._free = max(self._free, now) + size / self._proxy.rate
            return self._free + self._proxy.delay
        return now + self._proxy.delay


def _end(writer: asyncio.StreamWriter, reset: bool) -> None:
    if reset and not writer.is_closing():
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    writer.close()
