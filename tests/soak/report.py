"""What a soak counts, and whether that is good."""

from collections import Counter
from dataclasses import dataclass, field

MOST_GROWTH = 24 << 20
"""Bytes that a process's memory may grow by after it has warmed up."""


@dataclass
class Report:
    """The figures of one run."""

    seed: int
    seconds: float = 0.0
    up: int = 0
    """Bytes that were compared, from clients to targets."""
    down: int = 0
    whole: int = 0
    """Conversations that came to their end, each byte of them right."""
    broken: int = 0
    """Those that a cut ended, as it should: with a reset, or where sshd is the end, a close."""
    wrong: list[str] = field(default_factory=list)
    """What should never be: bytes that differ, or an end of file that nobody sent."""
    faults: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    """SSH connections that were made again."""
    reconnects: int = 0
    """Tunnels that came back, each time one did."""
    away: list[float] = field(default_factory=list)
    """Seconds a tunnel was away, faults that last included."""
    back: list[float] = field(default_factory=list)
    """Seconds from the end of the fault to the last tunnel's being back."""
    not_back: list[str] = field(default_factory=list)
    """Tunnels that were not open in the end, or carried nothing."""
    descriptors: int = 0
    """Files and sockets left over."""
    tasks: list[str] = field(default_factory=list)
    """Tasks left over."""
    growth: int = 0
    """Bytes of memory gained after the first part of the run."""

    @property
    def is_good(self) -> bool:
        """Return whether nothing was wrong, lost or left over."""
        leaks = self.descriptors > 0 or self.tasks or self.growth > MOST_GROWTH
        return not (self.wrong or self.not_back or leaks) and self.whole > 0

    def __str__(self) -> str:
        """Return the figures, one a line."""
        faults = ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        lines = [
            f"seed            {self.seed}",
            f"seconds         {self.seconds:.0f}",
            f"bytes verified  {self.up / 1e6:.1f} MB up, {self.down / 1e6:.1f} MB down",
            f"conversations   {self.whole} whole, {self.broken} cut",
            f"faults          {sum(self.faults.values())}: {faults or 'none'}",
            f"reconnects      {self.connections} connections, {self.reconnects} tunnels",
            f"away            {_worst(self.away)}, the fault included",
            f"back            {_worst(self.back)} after the fault's end",
            f"left over       {self.descriptors} descriptors, {len(self.tasks)} tasks, "
            f"{self.growth / 1e6:+.1f} MB of memory",
            *(f"NOT BACK        {text}" for text in self.not_back),
            *(f"TASK LEFT       {text}" for text in self.tasks),
            *(f"WRONG           {text}" for text in self.wrong[:20]),
            f"verdict         {'good' if self.is_good else 'NOT GOOD'}",
        ]
        return "\n".join(lines)


def _worst(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    middle = sorted(seconds)[len(seconds) // 2]
    return f"p50 {middle:.2f} s, worst {max(seconds):.2f} s"
