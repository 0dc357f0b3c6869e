"""How a tab is divided among panes: splits inside splits, in proportions, drawn to the cell.

Panes beside each other are parted by one column, panes above each other by one row: the line that
the border is drawn on, and that the mouse takes hold of. Panes and dividers tile the area exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import accumulate

LEAST_COLUMNS = 10
LEAST_ROWS = 2
"""What a pane needs to be of any use."""


class Axis(Enum):
    """How the parts of a split lie."""

    COLUMNS = "columns"
    """Beside each other."""
    ROWS = "rows"
    """Above each other."""


class Direction(Enum):
    """Where to go from a pane: the axis, and the way along it."""

    LEFT = (Axis.COLUMNS, -1)
    RIGHT = (Axis.COLUMNS, 1)
    UP = (Axis.ROWS, -1)
    DOWN = (Axis.ROWS, 1)

    @property
    def axis(self) -> Axis:
        """Return the axis that it leads along."""
        return self.value[0]

    @property
    def sign(self) -> int:
        """Return 1 towards the right and the bottom, else -1."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Return the first column beside it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Return the first row below it."""
        return self.y + self.height

    def contains(self, x: int, y: int) -> bool:
        """Return whether a cell is in it."""
        return self.x <= x < self.right and self.y <= y < self.bottom

    def length(self, axis: Axis) -> int:
        """Return how long it is along an axis."""
        return self.width if axis is Axis.COLUMNS else self.height

    def half(self, side: "Direction") -> "Rect":
        """Return the half of it on one side."""
        length = self.length(side.axis)
        half = length // 2
        return self.cut(side.axis, 0 if side.sign < 0 else length - half, half)

    def nearest_side(self, x: int, y: int) -> "Direction":
        """Return the side that a cell in it is nearest to, by the length of each way across."""
        across, down = (x + 0.5 - self.x) / self.width, (y + 0.5 - self.y) / self.height
        ways = {
            Direction.LEFT: across,
            Direction.RIGHT: 1 - across,
            Direction.UP: down,
            Direction.DOWN: 1 - down,
        }
        return min(ways, key=ways.__getitem__)

    def cut(self, axis: Axis, start: int, length: int) -> "Rect":
        """Return a piece of it: `start` and `length` along an axis, all of it across."""
        if axis is Axis.COLUMNS:
            return replace(self, x=self.x + start, width=length)
        return replace(self, y=self.y + start, height=length)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One pane, by a number of the caller's."""

    pane: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Two parts or more, and what share of the room each of them has."""

    axis: Axis
    parts: tuple["Node", ...]
    shares: tuple[float, ...]


Node = Leaf | Branch
Path = tuple[int, ...]
"""The way from the root to a node: which part to take at each branch."""


@dataclass(frozen=True, slots=True)
class Divider:
    """The line after the part `index` of the branch at `path`."""

    path: Path
    index: int
    axis: Axis
    """Of the branch: the divider of columns is an upright line."""
    rect: Rect


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything is."""

    panes: dict[int, Rect]
    dividers: tuple[Divider, ...]


def leaves(node: Node) -> Iterator[int]:
    """Return the panes, from the left and the top."""
    if isinstance(node, Leaf):
        yield node.pane
    else:
        for part in node.parts:
            yield from leaves(part)


def least(node: Node, axis: Axis) -> int:
    """Return how many cells along an axis a node needs at least."""
    if isinstance(node, Leaf):
        return LEAST_COLUMNS if axis is Axis.COLUMNS else LEAST_ROWS
    needed = [least(part, axis) for part in node.parts]
    return sum(needed) + len(needed) - 1 if node.axis is axis else max(needed)


def fits(node: Node, area: Rect) -> bool:
    """Return whether every pane can have what it needs at least."""
    return all(least(node, axis) <= area.length(axis) for axis in Axis)


def place(node: Node, area: Rect) -> Placement:
    """Return where panes and dividers are; in an area too small, the last ones have no cells."""
    panes: dict[int, Rect] = {}
    dividers: list[Divider] = []

    def put(node: Node, rect: Rect, path: Path) -> None:
        if isinstance(node, Leaf):
            panes[node.pane] = rect
            return
        axis, start = node.axis, 0
        cells = lengths(node, rect.length(axis))
        for index, (part, length) in enumerate(zip(node.parts, cells, strict=True)):
            put(part, rect.cut(axis, start, length), (*path, index))
            start += length
            if index < len(cells) - 1 and start < rect.length(axis):
                dividers.append(Divider(path, index, axis, rect.cut(axis, start, 1)))
                start += 1

    put(node, area, ())
    return Placement(panes, tuple(dividers))


def lengths(branch: Branch, room: int) -> list[int]:
    """Divide `room` cells among the parts by their shares, none below what it needs."""
    needed = [least(part, branch.axis) for part in branch.parts]
    room -= len(needed) - 1
    if room <= sum(needed):
        ends = [min(end, max(room, 0)) for end in accumulate(needed)]
        ends[-1] = max(room, 0)
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]
    fixed: set[int] = set()
    while True:
        free = [index for index in range(len(needed)) if index not in fixed]
        left = room - sum(needed[index] for index in fixed)
        total = sum(branch.shares[index] for index in free)
        short = {one for one in free if branch.shares[one] / total * left < needed[one]}
        if not short:
            break
        fixed |= short
    wanted = dict(zip(free, _rounded([branch.shares[one] for one in free], left), strict=True))
    return [wanted.get(index, needed[index]) for index in range(len(needed))]


def _rounded(shares: Sequence[float], room: int) -> list[int]:
    """Return whole numbers in proportion to the shares that add up to `room`.

    The largest remainders are rounded up, so that none falls below the whole part of its share.
    """
    total = sum(shares)
    exact = [share / total * room for share in shares]
    whole = [int(one + 1e-9) for one in exact]
    order = sorted(range(len(exact)), key=lambda one: whole[one] - exact[one])
    for index in order[: room - sum(whole)]:
        whole[index] += 1
    return whole
