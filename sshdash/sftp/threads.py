"""Blocking file calls in threads of their own, so that nothing else waits for a slow disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sshdash.sftp.failures import from_system

Result = TypeVar("Result")

_THREADS = 8


class Threads:
    """Runs blocking calls, and never leaves one behind."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="sshdash-files")

    async def run(
        self,
        operation: str,
        path: bytes,
        call: Callable[[], Result],
        undo: Callable[[Result], None] | None = None,
    ) -> Result:
        """Return what `call` returns; OSError becomes FileError.

        A thread cannot be stopped, so a cancelled caller still waits for it, and `undo` takes
        back what it made: nobody else would know of it.
        """
        running = asyncio.get_running_loop().run_in_executor(self._pool, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await _settled(running)
            if running.exception() is None and undo:
                undo(running.result())
            raise
        except OSError as error:
            raise from_system(error, operation, path) from error

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False)


async def _settled(running: "asyncio.Future[Result]") -> None:
    """Wait until a thread is done, whoever cancels meanwhile."""
    while not running.done():
        try:
            await asyncio.wait((running,))
        except asyncio.CancelledError:
            continue
