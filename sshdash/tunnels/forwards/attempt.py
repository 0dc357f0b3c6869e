"""What is tried for one client, until it is given up."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Attempt:
    """Does one thing for a client; `give_up`, before or meanwhile, ends that."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    def __repr__(self) -> str:
        """Return how it is."""
        return f"<Attempt [{'given up' if self._is_over else self._task or 'not begun'}]>"

    async def make(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do it; return False where that was given up. Raises what `work` does."""
        self._task = task = asyncio.get_running_loop().create_task(work)
        if self._is_over:
            self._end(task)
        try:
            await asyncio.wait({task})
        finally:
            if task.cancel():  # whoever waits here has gone
                await asyncio.wait({task})
        if not task.cancelled():
            task.result()
        return not self._is_over

    def give_up(self) -> None:
        """End it. Idempotent."""
        self._is_over = True
        if self._task is not None:
            self._end(self._task)

    @staticmethod
    def _end(task: "asyncio.Task[None]") -> None:
        """Cancel what has begun by then: else it could let go of nothing that it holds."""
        task.get_loop().call_soon(task.cancel)
