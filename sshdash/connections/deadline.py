"""A time limit that stands still while a person is asked something."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

LOGIN_SECONDS = 120.0
"""How long a login may take, without the time that people need: what sshd allows by default."""


class Deadline:
    """Limits the body of an ``async with`` to `seconds` of working time; 0 means no limit.

    Raises TimeoutError at its end, as `asyncio.timeout` does.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """The limit that is in force."""
        self._left: float | None = seconds or None
        self._timeout = asyncio.timeout(None)
        self._pauses = 0
        self._running = False

    async def __aenter__(self) -> Self:
        """Start the clock."""
        await self._timeout.__aenter__()
        self._running = True
        self._resume()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the clock."""
        self._running = False
        await self._timeout.__aexit__(kind, error, trace)

    def restart(self, seconds: float) -> None:
        """Give the body `seconds` from now on, whatever was left; 0 means no limit."""
        self.seconds = seconds
        self._left = seconds or None
        if not self._pauses and self._running and not self._timeout.expired():
            self._timeout.reschedule(None)
            self._resume()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock for a while; may be nested and used from other tasks."""
        if self._pauses == 0:
            self._pause()
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if self._pauses == 0:
                self._resume()

    def _pause(self) -> None:
        when = self._timeout.when()
        if self._running and when is not None and not self._timeout.expired():
            self._left = max(0.0, when - asyncio.get_running_loop().time())
            self._timeout.reschedule(None)

    def _resume(self) -> None:
        if self._running and self._left is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._left)
