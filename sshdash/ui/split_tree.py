"""The panes of one tab as a tree of splits: what a person may do to it."""

from collections.abc import Sequence
from dataclasses import replace

from sshdash.ui.split_places import (
    Axis,
    Branch,
    Direction,
    Leaf,
    Node,
    Path,
    Placement,
    Rect,
    fits,
    least,
    leaves,
    lengths,
    place,
)


def renamed(node: Node, names: dict[int, int]) -> Node:
    """Return a node with other numbers for its panes."""
    if isinstance(node, Leaf):
        return Leaf(names.get(node.pane, node.pane))
    return replace(node, parts=tuple(renamed(part, names) for part in node.parts))


class SplitTree:
    """The panes of one tab. There is always one at least."""

    def __init__(self, root: Node) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"<SplitTree {_text(self.root)}>"

    @property
    def panes(self) -> tuple[int, ...]:
        """Return the panes, from the left and the top."""
        return tuple(leaves(self.root))

    def place(self, area: Rect) -> Placement:
        """Return where panes and dividers are."""
        return place(self.root, area)

    def fits(self, area: Rect) -> bool:
        """Return whether every pane can have what it needs at least."""
        return fits(self.root, area)

    def can_split(self, pane: int, axis: Axis, area: Rect) -> bool:
        """Return whether there would be room for another pane."""
        return fits(_split(self.root, pane, axis, Leaf(-1), before=False), area)

    def split(self, pane: int, axis: Axis, new: int, *, before: bool = False) -> None:
        """Give half of a pane's room to a new one, after it or `before` it."""
        self.root = _split(self.root, pane, axis, Leaf(new), before=before)

    def close(self, pane: int) -> None:
        """Take a pane out; those beside it have its room. Raises ValueError for the last one."""
        root = _without(self.root, pane)
        if root is None:
            raise ValueError("the last pane cannot be closed")
        self.root = root

    def swap(self, one: int, other: int) -> None:
        """Let two panes change places."""
        self.root = renamed(self.root, {one: other, other: one})

    def moved(self, pane: int, side: Direction, beside: int | None = None) -> "SplitTree":
        """Return the splits with a pane on one side of another one, or at that edge of them all."""
        root = _without(self.root, pane)
        if root is None or pane == beside:
            return self
        if beside is not None:
            root = _split(root, beside, side.axis, Leaf(pane), before=side.sign < 0)
        else:
            root = _at_edge(root, Leaf(pane), side)
        return SplitTree(root)

    def equalise(self) -> None:
        """Give every part of a split the same room, by how many panes there are along it."""
        self.root = _equal(self.root)

    def next(self, pane: int, step: int = 1) -> int:
        """Return the pane after (or before) another, around the ends."""
        panes = self.panes
        return panes[(panes.index(pane) + step) % len(panes)]

    def neighbour(
        self, pane: int, direction: Direction, area: Rect, recent: Sequence[int] = ()
    ) -> int | None:
        """Return the pane beside another, None at the edge.

        Of several the one that comes first in `recent`, else the one that has most of the border.
        """
        placed = self.place(area).panes
        here = placed[pane]
        beside = {one: _touch(here, rect, direction) for one, rect in placed.items()}
        found = [one for one, cells in beside.items() if cells > 0]
        order = {one: index for index, one in enumerate(recent)}
        return min(found, key=lambda one: (order.get(one, len(order)), -beside[one]), default=None)

    def resize(self, pane: int, direction: Direction, cells: int, area: Rect) -> bool:
        """Push the border of a pane by some cells; return whether anything moved.

        It is the border after the pane, or the one before it where nothing comes after.
        """
        path = _path(self.root, pane)
        for depth in range(len(path) - 1, -1, -1):
            branch = _at(self.root, path[:depth])
            if isinstance(branch, Branch) and branch.axis is direction.axis:
                index = min(path[depth], len(branch.parts) - 2)
                return self.push(path[:depth], index, direction.sign * cells, area)
        return False

    def push(self, path: Path, index: int, cells: int, area: Rect) -> bool:
        """Push a divider by some cells, as far as it goes; return whether it moved."""
        branch = _at(self.root, path)
        if not isinstance(branch, Branch) or not 0 <= index < len(branch.parts) - 1:
            return False
        sizes = lengths(branch, _room(self.root, path, area).length(branch.axis))
        needed = [least(part, branch.axis) for part in branch.parts]
        before, after = sizes[index], sizes[index + 1]
        grown = min(max(before + cells, needed[index]), before + after - needed[index + 1])
        if grown == before or grown < needed[index]:
            return False
        sizes[index], sizes[index + 1] = grown, before + after - grown
        changed = replace(branch, shares=tuple(map(float, sizes)))
        self.root = _put(self.root, path, changed)
        return True


def _split(node: Node, pane: int, axis: Axis, new: Leaf, *, before: bool) -> Node:
    if isinstance(node, Leaf):
        if node.pane != pane:
            return node
        return Branch(axis, (new, node) if before else (node, new), (1.0, 1.0))
    parts, shares = list(node.parts), list(node.shares)
    for index, part in enumerate(parts):
        if isinstance(part, Leaf) and part.pane == pane and node.axis is axis:
            half = shares[index] / 2
            parts[index : index + 1] = [new, part] if before else [part, new]
            shares[index : index + 1] = [half, half]
            return Branch(axis, tuple(parts), tuple(shares))
    parts = [_split(part, pane, axis, new, before=before) for part in parts]
    return replace(node, parts=tuple(parts))


def _at_edge(node: Node, new: Leaf, side: Direction) -> Node:
    """Return a node with a pane along all of one side, which has as much room as one beside it."""
    if isinstance(node, Branch) and node.axis is side.axis:
        parts, shares = node.parts, node.shares
    else:
        parts, shares = (node,), (1.0,)
    share = sum(shares) / len(shares)
    if side.sign < 0:
        return Branch(side.axis, (new, *parts), (share, *shares))
    return Branch(side.axis, (*parts, new), (*shares, share))


def _without(node: Node, pane: int) -> Node | None:
    """Return a node without a pane, None where nothing is left of it."""
    if isinstance(node, Leaf):
        return None if node.pane == pane else node
    parts: list[Node] = []
    shares: list[float] = []
    for part, share in zip(node.parts, node.shares, strict=True):
        rest = _without(part, pane)
        if isinstance(rest, Branch) and rest.axis is node.axis:
            # A branch in one of the same axis is one branch, which moves its borders as one.
            total = sum(rest.shares)
            parts += rest.parts
            shares += [share * own / total for own in rest.shares]
        elif rest is not None:
            parts.append(rest)
            shares.append(share)
    if len(parts) < 2:
        return parts[0] if parts else None
    return Branch(node.axis, tuple(parts), tuple(shares))


def _equal(node: Node) -> Node:
    if isinstance(node, Leaf):
        return node
    shares = tuple(float(_along(part, node.axis)) for part in node.parts)
    return Branch(node.axis, tuple(map(_equal, node.parts)), shares)


def _along(node: Node, axis: Axis) -> int:
    """Return how many panes lie along an axis, where most do."""
    if isinstance(node, Leaf):
        return 1
    counts = [_along(part, axis) for part in node.parts]
    return sum(counts) if node.axis is axis else max(counts)


def _touch(here: Rect, there: Rect, direction: Direction) -> int:
    """Return how many cells of border two panes share on one side of the first."""
    if direction.axis is Axis.COLUMNS:
        near = there.right + 1 == here.x if direction.sign < 0 else here.right + 1 == there.x
        return (min(here.bottom, there.bottom) - max(here.y, there.y)) if near else 0
    near = there.bottom + 1 == here.y if direction.sign < 0 else here.bottom + 1 == there.y
    return (min(here.right, there.right) - max(here.x, there.x)) if near else 0


def _path(node: Node, pane: int) -> Path:
    """Return the way to a pane. Raises ValueError where it is not there."""
    if isinstance(node, Leaf):
        if node.pane == pane:
            return ()
        raise ValueError(f"no pane {pane}")
    for index, part in enumerate(node.parts):
        if pane in leaves(part):
            return (index, *_path(part, pane))
    raise ValueError(f"no pane {pane}")


def _at(node: Node, path: Path) -> Node | None:
    """Return the node at the end of a way, None where it leads nowhere any more."""
    for index in path:
        if isinstance(node, Leaf) or index >= len(node.parts):
            return None
        node = node.parts[index]
    return node


def _room(node: Node, path: Path, area: Rect) -> Rect:
    """Return the room of the node at the end of a way."""
    for index in path:
        assert isinstance(node, Branch)
        sizes = lengths(node, area.length(node.axis))
        area = area.cut(node.axis, sum(sizes[:index]) + index, sizes[index])
        node = node.parts[index]
    return area


def _put(node: Node, path: Path, new: Node) -> Node:
    if not path:
        return new
    assert isinstance(node, Branch)
    parts = list(node.parts)
    parts[path[0]] = _put(parts[path[0]], path[1:], new)
    return replace(node, parts=tuple(parts))


def _text(node: Node) -> str:
    if isinstance(node, Leaf):
        return str(node.pane)
    between = " | " if node.axis is Axis.COLUMNS else " / "
    return f"({between.join(map(_text, node.parts))})"
