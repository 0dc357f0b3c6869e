"""How many files are still to get their names."""

import asyncio


class Countdown:
    """Begins with `number`, and is over once each of them is getting its name or has failed."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._placing: set[bytes] = set()
        """Targets that were counted and have not ended."""
        self._over = asyncio.Event()
        if not number:
            self._over.set()

    def __repr__(self) -> str:
        """Return how many are left."""
        return f"<Countdown {self._left}>"

    def placing(self, target: bytes) -> None:
        """Count a file whose name is asked for in this turn of the loop."""
        self._placing.add(target)
        self._count()

    def ended(self, target: bytes) -> None:
        """Count a file unless it was counted before."""
        if target in self._placing:
            self._placing.remove(target)
        else:
            self._count()

    async def over(self) -> None:
        """Return once it is over, after the turn of the loop in which it came to that."""
        await self._over.wait()

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            self._over.set()
