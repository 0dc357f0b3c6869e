"""One line of the benchmark table: what we did beside what the tool people use did."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, ours and the peer's taken in the same run on the same machine."""

    name: str
    """What was measured."""
    ours: str
    """Our figure with its unit."""
    peer: str
    """The other tool's figure with its unit, after its name."""
    ratio: float
    """Ours divided by the peer's, in the sense that `target` speaks of."""
    target: str
    """What the first version must reach, for example ``<= 1.0``."""
    note: str = ""
    """What a reader needs to know to believe the figures."""
