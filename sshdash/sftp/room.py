"""A bound on what is held in memory at the same time."""

import asyncio
from collections import deque
from types import TracebackType


class Room:
    """So many bytes for everybody; whoever finds too few waits for a turn."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    def __repr__(self) -> str:
        return f"<Room {self._free} of {self._size} free, {len(self._queue)} waiting>"

    def take(self, size: int) -> "_Held":
        """Hold `size` bytes, all there are at most, while an ``async with`` lasts."""
        return _Held(self, min(size, self._size))

    def give_back(self, size: int) -> None:
        """Let others have what was acquired."""
        self._free += size
        self._wake()

    async def acquire(self, size: int) -> None:
        """Wait for a turn; `give_back` has to follow."""
        if not self._queue and size <= self._free:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += size
            self._wake()
            raise

    def _wake(self) -> None:
        while self._queue:
            size, turn = self._queue[0]
            if not turn.done():
                if size > self._free:
                    return
                self._free -= size
                turn.set_result(None)
            self._queue.popleft()


class _Held:
    """Some of it, for a while: made for every file, so without a generator."""

    __slots__ = ("_room", "_size")

    def __init__(self, room: Room, size: int) -> None:
        self._room = room
        self._size = size

    async def __aenter__(self) -> None:
        await self._room.acquire(self._size)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._room.give_back(self._size)
