"""While a terminal rests, the lines above its screen are compressed, a little at a time."""

import asyncio

from sshdash.terminal.emulator import Emulator

REST = 1.0
"""Seconds without output after which a terminal rests."""
_BETWEEN = 0.02
"""Seconds between two steps, each of which holds the event loop for some of a millisecond."""


class RestingTerminal:
    """Compresses the scrollback of one emulator whenever nothing has come for a while.

    What is read of it later, by scrolling or searching, is decompressed by the library.
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._loop = asyncio.get_running_loop()
        self._latest = 0.0
        self._next: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<RestingTerminal [{'waiting' if self._next else 'at rest'}]>"

    def disturb(self) -> None:
        """Note that output has come: the rest begins anew."""
        self._latest = self._loop.time()
        if self._next is None:
            self._next = self._loop.call_later(REST, self._step)

    def stop(self) -> None:
        """Compress no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _step(self) -> None:
        left = self._latest + REST - self._loop.time()
        if left > 0:
            self._next = self._loop.call_later(left, self._step)
        elif self._emulator.compress():
            self._next = self._loop.call_later(_BETWEEN, self._step)
        else:
            self._next = None
