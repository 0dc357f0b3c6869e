"""Writes a large file to the disk while it still comes in, so that the last fsync is short.

Only a hint: whether the content is durable is decided by the fsync at the end, which sees the
same write errors.
"""

import asyncio
from collections.abc import Awaitable, Callable

from sshdash.errors import SSHDashError

_EVERY = 2.0
"""Seconds between two hints, and before the first: what comes in meanwhile is soon on the disk."""


class EarlySync:
    """Calls `sync` now and then while a file comes in, never twice at the same time."""

    def __init__(self, sync: Callable[[], Awaitable[None]]) -> None:
        self._sync = sync
        self._last = asyncio.get_running_loop().time()
        self._task: asyncio.Task[None] | None = None
        self._useless = False

    def wrote(self) -> None:
        """Note that something was written."""
        now = asyncio.get_running_loop().time()
        if now - self._last >= _EVERY and self._task is None and not self._useless:
            self._last = now
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the hints; nothing of them runs any more afterwards."""
        self._useless = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        try:
            await self._sync()
        except SSHDashError:
            self._useless = True
        finally:
            self._task = None
