"""What went through one tunnel: bytes, clients and what passed when. Pure."""

from collections import deque
from statistics import median

HISTORY = 30
"""Seconds the sparkline shows."""
_MINUTE = 60
"""Seconds of the rate over a minute."""
_MINUTES = 6 * 60
"""Minutes that are kept: six hours."""
_HOURS = 90 * 24
"""Hours that are kept: three months."""
_REACHES = 9
"""Clients whose way to the target is remembered."""
_NOTHING = (0, 0)

Passed = tuple[int, int]
"""Bytes up and down."""


class Visit:
    """One client's stay: where it comes from, where it leads, and its bytes."""

    __slots__ = ("_traffic", "began", "down", "number", "origin", "pid", "process", "target", "up")

    def __init__(self, traffic: "Traffic", number: int, now: float) -> None:
        self.number = number
        """The first client of the tunnel is 1."""
        self.began = now
        self.origin: tuple[str, int] = ("", 0)
        """Address and port, cleaned; a port of 0 where there is none."""
        self.pid = 0
        """The process that connected, where the system told that at once; 0 elsewhere."""
        self.target = ""
        self.process: str | None = None
        """What that process is called; None until somebody has looked for it."""
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


class Spans:
    """What passed in each of the last spans of equal length, the newest last."""

    __slots__ = ("_before", "_span", "passed", "seconds")

    def __init__(self, seconds: int, kept: int, now: float) -> None:
        self.seconds = seconds
        self.passed: deque[Passed] = deque(maxlen=kept)
        """Of the spans that are over."""
        self._span = int(now) // seconds
        self._before = _NOTHING

    def __repr__(self) -> str:
        """Return how many spans of which length there are."""
        return f"<Spans [{len(self.passed)} of {self.seconds} s]>"

    def until_now(self, up: int, down: int) -> tuple[Passed, ...]:
        """Return the spans that are over and the one that still runs, given all bytes so far."""
        return (*self.passed, (up - self._before[0], down - self._before[1]))

    def close(self, now: float, up: int, down: int) -> None:
        """End the spans that have passed until `now`, given all bytes so far.

        Spans that nobody has looked at share evenly what passed in them.
        """
        spans = int(now) // self.seconds - self._span
        if spans <= 0:
            return
        self._span += spans
        more_up, more_down = up - self._before[0], down - self._before[1]
        self._before = up, down
        kept = min(spans, self.passed.maxlen or spans)
        if not (more_up or more_down):
            self.passed.extend([_NOTHING] * kept)
            return
        forgotten = spans - kept
        more_up -= more_up * forgotten // spans
        more_down -= more_down * forgotten // spans
        for left in range(kept, 0, -1):
            share = more_up // left, more_down // left
            self.passed.append(share)
            more_up -= share[0]
            more_down -= share[1]


class Traffic:
    """Counts one tunnel's bytes and clients; time is passed in, in monotonic seconds.

    Counting happens for every packet and only adds; what passed when is worked out whenever
    somebody calls `tick`, at best once a second: by the second for a minute, by the minute for
    some hours, and by the hour for as long as anybody runs this.
    """

    __slots__ = (
        "_reached",
        "_reaches",
        "_second",
        "_seen",
        "_start",
        "clients",
        "down",
        "history",
        "hours",
        "minute",
        "minutes",
        "seconds",
        "total",
        "up",
    )

    def __init__(self, now: float) -> None:
        self.up = 0
        """Bytes from the clients toward the target."""
        self.down = 0
        """Bytes from the target back to the clients."""
        self.clients = 0
        self.total = 0
        self.seconds = Spans(1, _MINUTE, now)
        self.seconds.passed.extend([_NOTHING] * _MINUTE)
        self.minutes = Spans(60, _MINUTES, now)
        self.hours = Spans(3600, _HOURS, now)
        self.history = (0,) * HISTORY
        """Bytes both ways of each of the last 30 seconds, the newest last."""
        self.minute: tuple[float, float] = (0.0, 0.0)
        """Bytes per second up and down, over the last minute or since there is a tunnel."""
        self._start = self._second = int(now)
        self._seen = 0
        self._reached = ""
        self._reaches: deque[float] = deque(maxlen=_REACHES)

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
        second = int(now)
        if second <= self._second:
            return
        self._second = second
        for spans in (self.seconds, self.minutes, self.hours):
            spans.close(now, self.up, self.down)
        before, self._seen = self._seen, self.up + self.down
        if self._seen == before and not any(self.minute):
            return  # a tunnel at rest costs next to nothing
        last = tuple(self.seconds.passed)
        known = min(_MINUTE, second - self._start)
        self.minute = (sum(up for up, _ in last) / known, sum(down for _, down in last) / known)
        self.history = tuple(up + down for up, down in last[-HISTORY:])

    @property
    def rates(self) -> Passed:
        """Return bytes per second up and down, over the last whole second."""
        return self.seconds.passed[-1]

    # --- the way to the target ---

    def reached(self, target: str, seconds: float) -> None:
        """Note how long the way to the target took to open; another target starts afresh."""
        if target != self._reached:
            self._reached = target
            self._reaches.clear()
        self._reaches.append(seconds)

    @property
    def reach(self) -> float | None:
        """Return how many seconds the way to the target took to open for the latest client."""
        return self._reaches[-1] if self._reaches else None

    @property
    def usual_reach(self) -> float | None:
        """Return the median of the latest few."""
        return median(self._reaches) if self._reaches else None
