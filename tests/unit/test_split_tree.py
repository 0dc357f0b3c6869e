"""The tree of panes: they tile the area, whatever was done to it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.ui.split_places import (
    LEAST_COLUMNS,
    LEAST_ROWS,
    Axis,
    Branch,
    Direction,
    Leaf,
    Node,
    Rect,
    least,
)
from sshdash.ui.split_tree import SplitTree

AREA = Rect(0, 1, 120, 39)


def grid() -> SplitTree:
    """Return two columns, the right one of two rows: 1 | (2 / 3)."""
    tree = SplitTree(Leaf(1))
    tree.split(1, Axis.COLUMNS, 2)
    tree.split(2, Axis.ROWS, 3)
    return tree


def cells(tree: SplitTree, area: Rect) -> Counter[tuple[int, int]]:
    """Return how often each cell is covered by a pane or a divider."""
    placed = tree.place(area)
    rects = [*placed.panes.values(), *(one.rect for one in placed.dividers)]
    return Counter(
        (x, y)
        for rect in rects
        for x in range(rect.x, rect.right)
        for y in range(rect.y, rect.bottom)
    )


def test_a_split_halves_the_room_but_for_the_line_between() -> None:
    placed = grid().place(Rect(0, 0, 81, 25))
    assert placed.panes == {
        1: Rect(0, 0, 40, 25),
        2: Rect(41, 0, 40, 12),
        3: Rect(41, 13, 40, 12),
    }
    assert [one.rect for one in placed.dividers] == [Rect(40, 0, 1, 25), Rect(41, 12, 40, 1)]


def test_a_split_along_the_same_axis_is_one_more_part_of_it() -> None:
    tree = grid()
    tree.split(1, Axis.COLUMNS, 4, before=True)
    assert repr(tree) == "<SplitTree (4 | 1 | (2 / 3))>"
    assert tree.panes == (4, 1, 2, 3)


def test_closing_gives_the_room_to_those_beside() -> None:
    tree = grid()
    tree.close(2)
    assert repr(tree) == "<SplitTree (1 | 3)>"
    tree.close(1)
    assert tree.place(AREA).panes == {3: AREA}
    with pytest.raises(ValueError, match="last pane"):
        tree.close(3)


def test_what_is_left_of_a_split_joins_the_one_around_it() -> None:
    tree = grid()
    tree.split(2, Axis.COLUMNS, 4)
    tree.close(3)
    assert repr(tree) == "<SplitTree (1 | 2 | 4)>"
    placed = tree.place(Rect(0, 0, 122, 10)).panes
    assert [placed[one].width for one in (1, 2, 4)] == [60, 30, 30]


@pytest.mark.parametrize(
    ("pane", "direction", "there"),
    [
        (1, Direction.RIGHT, 2),
        (1, Direction.LEFT, None),
        (1, Direction.UP, None),
        (2, Direction.DOWN, 3),
        (3, Direction.UP, 2),
        (3, Direction.LEFT, 1),
    ],
)
def test_the_focus_moves_by_direction(pane: int, direction: Direction, there: int | None) -> None:
    assert grid().neighbour(pane, direction, AREA) == there


def test_of_two_neighbours_the_one_seen_last_is_taken() -> None:
    assert grid().neighbour(1, Direction.RIGHT, AREA, recent=(1, 3, 2)) == 3


def test_the_border_after_a_pane_moves_and_for_the_last_the_one_before() -> None:
    tree = grid()
    width = tree.place(AREA).panes[1].width
    assert tree.resize(1, Direction.RIGHT, 3, AREA)
    assert tree.place(AREA).panes[1].width == width + 3
    assert tree.resize(3, Direction.LEFT, 3, AREA)
    assert tree.place(AREA).panes[1].width == width
    height = tree.place(AREA).panes[2].height
    assert tree.resize(3, Direction.UP, 2, AREA)
    assert tree.place(AREA).panes[2].height == height - 2
    assert not tree.resize(1, Direction.DOWN, 1, AREA)


def test_a_border_stops_where_a_pane_would_be_too_small() -> None:
    tree = grid()
    assert tree.resize(1, Direction.LEFT, 1000, AREA)
    assert tree.place(AREA).panes[1].width == LEAST_COLUMNS
    assert not tree.resize(1, Direction.LEFT, 1, AREA)
    assert tree.resize(2, Direction.DOWN, 1000, AREA)
    assert tree.place(AREA).panes[3].height == LEAST_ROWS


def test_there_is_no_split_without_room() -> None:
    tree = SplitTree(Leaf(1))
    assert tree.can_split(1, Axis.COLUMNS, Rect(0, 0, 2 * LEAST_COLUMNS + 1, 9))
    assert not tree.can_split(1, Axis.COLUMNS, Rect(0, 0, 2 * LEAST_COLUMNS, 9))
    assert not tree.can_split(1, Axis.ROWS, Rect(0, 0, 80, 2 * LEAST_ROWS))


def test_swap_move_and_equalise() -> None:
    tree = grid()
    tree.swap(1, 3)
    assert tree.panes == (3, 2, 1)
    tree = tree.moved(3, Direction.RIGHT, 1)
    assert repr(tree) == "<SplitTree (2 / (1 | 3))>"
    tree.split(2, Axis.COLUMNS, 4)
    tree.split(4, Axis.COLUMNS, 5)
    tree.equalise()
    placed = tree.place(Rect(0, 0, 92, 21)).panes
    assert {placed[one].width for one in (2, 4, 5)} == {30}
    assert {rect.height for rect in placed.values()} == {10}
    assert (tree.next(3), tree.next(2, -1)) == (2, 3)


def test_a_pane_is_moved_to_an_edge_of_them_all() -> None:
    tree = SplitTree(Leaf(1))
    assert tree.moved(1, Direction.LEFT) is tree
    tree.split(1, Axis.COLUMNS, 2)
    assert repr(tree.moved(2, Direction.LEFT)) == "<SplitTree (2 | 1)>"
    below = tree.moved(1, Direction.DOWN)
    assert repr(below) == "<SplitTree (2 / 1)>"
    below.split(2, Axis.COLUMNS, 3)
    assert repr(below.moved(3, Direction.UP)) == "<SplitTree (3 / 2 / 1)>"
    placed = below.moved(3, Direction.UP).place(Rect(0, 0, 20, 32)).panes
    assert [rect.height for rect in placed.values()] == [10, 10, 10]


@pytest.mark.parametrize(
    ("x", "y", "side"),
    [
        (11, 12, Direction.LEFT),
        (28, 12, Direction.RIGHT),
        (20, 11, Direction.UP),
        (20, 18, Direction.DOWN),
    ],
)
def test_a_cell_has_a_nearest_side_and_the_half_there(x: int, y: int, side: Direction) -> None:
    rect = Rect(10, 10, 21, 9)
    assert rect.nearest_side(x, y) is side
    half = rect.half(side)
    assert half.contains(x, y)
    assert half.length(side.axis) == rect.length(side.axis) // 2
    ends = {(half.x, half.y), (half.right, half.bottom)}
    assert ends & {(rect.x, rect.y), (rect.right, rect.bottom)}


actions = st.lists(
    st.tuples(
        st.sampled_from(("split", "split", "close", "resize", "swap", "move", "equalise")),
        st.integers(0, 99),
        st.integers(0, 99),
        st.sampled_from(Axis),
        st.sampled_from(Direction),
    ),
    max_size=25,
)
areas = st.builds(Rect, st.just(0), st.just(1), st.integers(0, 200), st.integers(0, 60))


def grown(
    done: list[tuple[str, int, int, Axis, Direction]], area: Rect
) -> tuple[SplitTree, set[int]]:
    tree, alive = SplitTree(Leaf(0)), {0}
    for new, (what, one, other, axis, direction) in enumerate(done, start=1):
        pane, beside = (tree.panes[each % len(tree.panes)] for each in (one, other))
        if what == "split":
            tree.split(pane, axis, new, before=bool(other % 2))
            alive.add(new)
        elif what == "close" and len(alive) > 1:
            tree.close(pane)
            alive.remove(pane)
        elif what == "resize":
            tree.resize(pane, direction, other, area)
        elif what == "swap":
            tree.swap(pane, beside)
        elif what == "move":
            tree = tree.moved(pane, direction, beside if one % 3 else None)
        elif what == "equalise":
            tree.equalise()
    return tree, alive


def well_formed(node: Node, axis: Axis | None = None) -> bool:
    """Return whether no branch has fewer than two parts or lies in one of its own axis."""
    if isinstance(node, Leaf):
        return True
    proportions = len(node.shares) == len(node.parts) and min(node.shares) > 0
    parts = all(well_formed(part, node.axis) for part in node.parts)
    return len(node.parts) > 1 and node.axis is not axis and proportions and parts


@given(actions, areas)
def test_panes_and_lines_tile_the_area_exactly(
    done: list[tuple[str, int, int, Axis, Direction]], area: Rect
) -> None:
    tree, alive = grown(done, area)
    assert sorted(tree.panes) == sorted(alive)
    assert well_formed(tree.root)
    covered = cells(tree, area)
    assert covered.total() == area.width * area.height
    assert set(covered.values()) <= {1}
    assert all(area.contains(x, y) for x, y in covered)


@given(actions, areas)
def test_no_pane_is_below_its_least_size_where_all_fit(
    done: list[tuple[str, int, int, Axis, Direction]], area: Rect
) -> None:
    tree, _ = grown(done, area)
    if tree.fits(area):
        for rect in tree.place(area).panes.values():
            assert rect.width >= LEAST_COLUMNS
            assert rect.height >= LEAST_ROWS
    else:
        assert any(least(tree.root, axis) > area.length(axis) for axis in Axis)


@given(actions, st.sampled_from(Direction), st.integers(1, 30))
def test_pushing_a_border_moves_nothing_else(
    done: list[tuple[str, int, int, Axis, Direction]], direction: Direction, by: int
) -> None:
    tree, _ = grown(done, AREA)
    before = tree.place(AREA)
    for one in before.dividers:
        if not tree.fits(AREA) or not isinstance(tree.root, Branch):
            return
        root = tree.root
        if tree.push(one.path, one.index, direction.sign * by, AREA):
            assert tree.root != root
            moved = [
                old.rect
                for old, new in zip(before.dividers, tree.place(AREA).dividers, strict=True)
                if (old.path, old.index) != (one.path, one.index)
                and old.path[: len(one.path) + 1]
                not in ((*one.path, one.index), (*one.path, one.index + 1))
                and old.rect != new.rect
            ]
            assert moved == []
        tree.root = root


def test_a_border_that_is_gone_cannot_be_pushed() -> None:
    tree = grid()
    [upright, level] = tree.place(AREA).dividers
    tree.close(3)
    assert tree.push(upright.path, upright.index, 2, AREA)
    assert not tree.push(level.path, level.index, 2, AREA)
