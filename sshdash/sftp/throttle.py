"""How fast copies may go: a rate for all of them together, and one for each.

A rate is kept over tenths of a second, not only over minutes, and who waits has as much of it as
every other, however many requests each has under way.
"""

import asyncio
import re
from collections import deque

from sshdash.errors import UsageError

_BURST = 0.05
"""Seconds of a rate that may be saved up while nobody takes anything."""
_SHARE = 0.1
"""Seconds of a rate that one request may be."""
_LEAST = 1024
"""Bytes that are asked for even where that takes longer."""
_SCP = 128
"""Bytes per second in one of scp's Kbit/s."""
_UNITS = {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kbit": 125.0, "mbit": 125e3, "gbit": 125e6}
_TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmg]?(?:b|bit))\s*/\s*s", re.IGNORECASE)
_EXAMPLES = "500 kB/s, 2.5 MB/s, 20 Mbit/s"


class Throttle:
    """A rate in bytes per second, 0 for none."""

    def __init__(self, rate: int = 0) -> None:
        self._rate = rate
        self._level = 0.0
        """Bytes that may be taken at once; below zero, that were taken ahead."""
        self._looked: float | None = None
        self._queues: dict[object, deque[tuple[int, asyncio.Future[None]]]] = {}
        self._served: dict[object, int] = {}
        """Bytes that each of those in the queues had."""
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<Throttle {self._rate} B/s, {len(self._queues)} waiting>"

    @property
    def rate(self) -> int:
        """The rate, which may be changed while copies wait."""
        return self._rate

    @rate.setter
    def rate(self, rate: int) -> None:
        if self._queues:
            self._fill()
        self._rate, self._level = rate, min(0.0, max(self._level, -rate * _BURST))
        self._grant()

    def most(self, size: int) -> int:
        """Return how much of `size` bytes to ask for at once."""
        return min(size, max(_LEAST, int(self._rate * _SHARE))) if self._rate else size

    async def take(self, size: int, who: object) -> None:
        """Wait until `size` more bytes may go."""
        if not self._rate:
            return
        self._fill()
        if not self._queues and self._level > 0:
            self._level -= size
            return
        turn = asyncio.get_running_loop().create_future()
        if who not in self._queues:
            self._queues[who] = deque()
            # Nobody saves up turns while away.
            self._served[who] = min(self._served.values(), default=0)
        self._queues[who].append((size, turn))
        self._grant()
        try:
            await turn
        except asyncio.CancelledError:
            self._grant()
            raise

    def _fill(self) -> None:
        now = asyncio.get_running_loop().time()
        passed = now - self._looked if self._looked is not None else _BURST
        self._looked = now
        self._level = min(self._level + passed * self._rate, self._rate * _BURST)

    def _grant(self) -> None:
        """Let go whose turn it is, and look again when the next may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._rate and self._queues:
            self._fill()
        while self._queues and (self._level > 0 or not self._rate):
            who = min(self._queues, key=self._served.__getitem__)
            size, turn = self._queues[who].popleft()
            if not turn.done():
                turn.set_result(None)
                self._level -= size if self._rate else 0
                self._served[who] += size
            if not self._queues[who]:
                del self._queues[who], self._served[who]
        if self._queues:
            wait = -self._level / self._rate
            self._timer = asyncio.get_running_loop().call_later(max(wait, 0.001), self._grant)


class Pace:
    """The rates that the copies of one job keep to: its own, and that of all."""

    def __init__(self, own: Throttle | None = None, shared: Throttle | None = None) -> None:
        self.own = own or Throttle()
        self._shared = shared or Throttle()

    def __repr__(self) -> str:
        return f"<Pace {self.own}, {self._shared}>"

    @property
    def is_limited(self) -> bool:
        """Whether there is a rate at all."""
        return bool(self.own.rate or self._shared.rate)

    def most(self, size: int) -> int:
        """Return how much of `size` bytes to ask for at once."""
        return self.own.most(self._shared.most(size))

    async def take(self, size: int) -> None:
        """Wait until `size` more bytes may go."""
        if self.own.rate:
            await self.own.take(size, self)
        if self._shared.rate:
            await self._shared.take(size, self)


def parse_limit(text: str, plain: int = 0) -> int:
    """Return the bytes per second that a text such as ``2.5 MB/s`` or ``20 Mbit/s`` means.

    A number without a unit counts `plain` bytes per second each, and is refused where that is 0.
    Units are powers of 1000. Raises UsageError.
    """
    text = text.strip()
    if plain and text.isascii() and text.isdecimal() and int(text):
        return int(text) * plain
    if (found := _TEXT.fullmatch(text)) and (
        rate := int(float(found[1]) * _UNITS[found[2].lower()])
    ):
        return rate
    raise UsageError("Not a rate", text[:80], hint=f"a number and a unit: {_EXAMPLES}")


def parse_scp_limit(text: str) -> int:
    """Return the bytes per second of scp's ``-l``: Kbit/s, or a number with its unit.

    Raises UsageError.
    """
    try:
        return parse_limit(text, _SCP)
    except UsageError as error:
        hint = f"a number is Kbit/s, as in scp; or name the unit: {_EXAMPLES}"
        raise UsageError(error.title, text[:80], hint=hint) from None
