"""A TCP proxy that delays, limits, stalls and cuts: the network between a client and a server."""

import asyncio
import socket
import struct
from collections import deque
from types import TracebackType
from typing import Self

from sshdash.demo.line import Line

_KNOWN = 3
"""Turns of the loop after which a connection that was accepted has its `_accept` called."""


class Proxy(Line):
    """Listens on a free loopback port and passes everything on to ``host:port``.

    `delay` is one way, in seconds, and `rate` in bytes per second each way (0: no limit); both
    may be changed while connections are up.
    """

    def __init__(
        self, port: int, host: str = "127.0.0.1", *, delay: float = 0.0, rate: int = 0
    ) -> None:
        super().__init__(delay, rate)
        self.target = (host, port)
        self.port = 0
        self.accepted = 0
        """Connections so far."""
        self.bytes_up = 0
        """From the clients to the server, all connections together."""
        self.bytes_down = 0
        self.round_trips = 0
        """How many times what came from the server waited for what the client sent because of
        what had come before: with a delay, what one connection took however slow the machine."""
        self._reached = 0
        """The same, of what the server has got."""
        self._under_way: dict[bool, deque[int]] = {True: deque(), False: deque()}
        self.refusing = False
        """New connections are reset at once."""
        self._budget: tuple[int, bool] | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
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
        # asyncio loses those that it accepted in this turn where their server is closed first.
        for listening in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(_KNOWN):
            await asyncio.sleep(0)
        self._server.close()
        self.cut()
        tasks = tuple(self._writers)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """Return how many connections are up."""
        return len(self._writers)

    def stall(self) -> None:
        """Pass nothing on from now, and keep every connection open: a dead network."""
        self._flowing.clear()

    def flow(self) -> None:
        """Pass on again, what was held back included."""
        self._flowing.set()

    def cut(self) -> None:
        """Close every connection on both sides, losing what is in flight."""
        for writers in self._writers.values():
            _end(writers, reset=False)

    def reset(self) -> None:
        """Reset every connection on both sides (RST)."""
        for writers in self._writers.values():
            _end(writers, reset=True)

    def cut_after(self, size: int, reset: bool = False) -> None:
        """Cut (or reset) every connection once so many more bytes were passed on."""
        self._budget = size, reset

    @property
    def is_to_cut(self) -> bool:
        """Return whether a cut that was asked for is still to come."""
        return self._budget is not None

    async def wait_open(self) -> None:
        """Wait while the network is stalled."""
        await self._flowing.wait()

    def took(self, up: bool) -> None:
        """Note which round trip it belongs to."""
        self._under_way[up].append(self.round_trips if up else self._reached + 1)

    def count(self, size: int, up: bool) -> None:
        """Count bytes that were passed on, and the round trips."""
        if up:
            self._reached = max(self._reached, self._under_way[up].popleft())
        else:
            self.round_trips = max(self.round_trips, self._under_way[up].popleft())
        if up:
            self.bytes_up += size
        else:
            self.bytes_down += size
        if self._budget is not None:
            left, reset = self._budget
            self._budget = (left - size, reset) if left > size else None
            if self._budget is None and reset:
                self.reset()
            elif self._budget is None:
                self.cut()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.create_task(self._attend(reader, writer))
        self._writers[task] = (writer,)
        task.add_done_callback(self._forget)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            _end((writer,), reset=True)
            return
        try:
            far = await asyncio.open_connection(*self.target)
        except OSError:
            _end((writer,), reset=True)
            return
        task = asyncio.current_task()
        assert task
        self._writers[task] = (writer, far[1])
        if writer.is_closing():
            return  # it was cut meanwhile
        await self.carry((reader, writer), far)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        _end(self._writers.pop(task), reset=False)


def _end(writers: tuple[asyncio.StreamWriter, ...], reset: bool) -> None:
    for writer in writers:
        if reset and not writer.is_closing():
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        writer.close()
