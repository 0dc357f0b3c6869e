"""One line of the benchmark table: what we did beside what the tool people use did."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADER = ("what", "sshdash", "beside", "ratio", "goal", "note")


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


def draw(rows: Sequence[Row]) -> str:
    """Return the rows as a table of aligned columns."""
    lines = [HEADER]
    lines += [
        (row.name, row.ours, row.peer, f"{row.ratio:.2f}×", row.target, row.note) for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    drawn = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    drawn.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(drawn)
