"""What went through one tunnel: bytes, clients and the last half minute. Pure."""

from collections import deque

HISTORY = 30
"""Seconds the sparkline shows."""


class Visit:
    """One client's stay: where it comes from, where it leads, and its bytes."""

    __slots__ = ("_traffic", "began", "down", "number", "origin", "process", "target", "up")

    def __init__(self, traffic: "Traffic", number: int, now: float) -> None:
        self.number = number
        """The first client of the tunnel is 1."""
        self.began = now
        self.origin: tuple[str, int] = ("", 0)
        """Address and port, cleaned; a port of 0 where there is none."""
        self.target = ""
        self.process: str | None = None
        """The process that connected; None until somebody has looked for it."""
        self.up = 0
        self.down = 0
        self._traffic = traffic

    def __repr__(self) -> str:
        """Return the number and the bytes."""
        return f"<Visit {self.number} [{self.up} up, {self.down} down]>"

    def count_up(self, size: int) -> None:
        """Count bytes from the client, also for the tunnel."""
        self.up += size
        self._traffic.up += size

    def count_down(self, size: int) -> None:
        """Count bytes to the client, also for the tunnel."""
        self.down += size
        self._traffic.down += size


class Traffic:
    """Counts one tunnel's bytes and clients; time is passed in, in monotonic seconds.

    Counting happens for every packet and only adds; the per-second ring is worked out whenever
    somebody calls `tick`, at best once a second. Seconds nobody looked at share evenly what
    passed in them.
    """

    __slots__ = ("_down_before", "_ring", "_second", "_up_before", "clients", "down", "total", "up")

    def __init__(self, now: float) -> None:
        self.up = 0
        """Bytes from the clients toward the target."""
        self.down = 0
        """Bytes from the target back to the clients."""
        self.clients = 0
        self.total = 0
        self._ring: deque[tuple[int, int]] = deque([(0, 0)] * HISTORY, HISTORY)
        self._second = int(now)
        self._up_before = 0
        self._down_before = 0

    def __repr__(self) -> str:
        """Return the counts."""
        return f"<Traffic [{self.clients} of {self.total} clients, {self.up} up, {self.down} down]>"

    def enter(self, now: float) -> Visit:
        """Count a client that came; return what counts its own bytes."""
        self.clients += 1
        self.total += 1
        return Visit(self, self.total, now)

    def leave(self) -> None:
        """Count a client that left."""
        self.clients -= 1

    def tick(self, now: float) -> None:
        """Close the seconds that have passed until `now`."""
        passed = int(now) - self._second
        if passed <= 0:
            return
        self._second = int(now)
        up, down = self.up - self._up_before, self.down - self._down_before
        self._up_before, self._down_before = self.up, self.down
        for left in range(min(passed, HISTORY), 0, -1):
            self._ring.append((up // left, down // left))
            up -= up // left
            down -= down // left

    @property
    def rates(self) -> tuple[int, int]:
        """Return bytes per second up and down, over the last whole second."""
        return self._ring[-1]

    @property
    def history(self) -> tuple[int, ...]:
        """Return the bytes both ways of each of the last 30 seconds, the newest last."""
        return tuple(up + down for up, down in self._ring)
