"""Layouts as files: what is written is read, and what is wrong is told with its line."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.errors import ConfigError
from sshdash.ui import layout_file
from sshdash.ui.layout_file import (
    Layout,
    TabLayout,
    layout_text,
    name_problem,
    parse_layout,
    read_layout,
    remove_layout,
    write_layout,
)
from sshdash.ui.split_places import Axis, Branch, Leaf, Node, leaves, place
from sshdash.ui.split_places import Rect as Area

TEXT = """\
tabs:
- host: bastion
- columns:
  - host: web-1
    share: 60
  - share: 40
    rows:
    - host: db-1
    - host: me@db-2:2222
"""
LAYOUT: Layout = (
    TabLayout(Leaf(0), ("bastion",)),
    TabLayout(
        Branch(
            Axis.COLUMNS,
            (Leaf(0), Branch(Axis.ROWS, (Leaf(1), Leaf(2)), (1.0, 1.0))),
            (60.0, 40.0),
        ),
        ("web-1", "db-1", "me@db-2:2222"),
    ),
)


def test_a_layout_is_read_as_it_was_written() -> None:
    assert parse_layout(TEXT, "f") == LAYOUT
    assert parse_layout(layout_text(LAYOUT), "f") == LAYOUT
    assert parse_layout(layout_text(()), "f") == ()


def nodes(depth: int = 3) -> st.SearchStrategy[Node]:
    """Return trees whose panes are not numbered yet."""
    leaf: st.SearchStrategy[Node] = st.just(Leaf(0))
    if not depth:
        return leaf
    return st.one_of(
        leaf,
        st.lists(st.tuples(nodes(depth - 1), st.integers(1, 200)), min_size=2, max_size=4).flatmap(
            lambda parts: st.sampled_from(Axis).map(
                lambda axis: Branch(
                    axis, tuple(one for one, _ in parts), tuple(float(two) for _, two in parts)
                )
            )
        ),
    )


def numbered(node: Node, count: list[int]) -> Node:
    if isinstance(node, Leaf):
        count[0] += 1
        return Leaf(count[0] - 1)
    return Branch(node.axis, tuple(numbered(part, count) for part in node.parts), node.shares)


@given(nodes())
def test_the_places_on_the_screen_come_back_to_the_cell_or_the_next(node: Node) -> None:
    node = numbered(node, [0])
    hosts = tuple(f"host-{number}" for number in leaves(node))
    [read] = parse_layout(layout_text((TabLayout(node, hosts),)), "f")
    assert read.hosts == hosts
    area = Area(0, 0, 200, 60)
    before, after = place(node, area).panes, place(read.root, area).panes
    for number, rect in before.items():
        assert abs(after[number].width - rect.width) <= 1
        assert abs(after[number].height - rect.height) <= 1


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "tabs is missing"),
        ("tabs: [", 1, "expected"),
        ("- host: a\n", 1, "tabs is needed"),
        ("tabs: web-1\n", 1, "a list is needed"),
        ("tabs:\n- host: a\n- hots: b\n", 3, "hots is not known; known: host, share, columns"),
        ("tabs:\n- host: a\n  columns: []\n", 2, "one of host, columns, rows"),
        ("tabs:\n- share: 3\n", 2, "one of host, columns, rows"),
        ("tabs:\n- columns:\n  - host: a\n", 3, "columns needs two parts"),
        ("tabs:\n- columns:\n  - host: a\n    share: -1\n  - host: b\n", 4, "share is a number"),
        ("tabs:\n- columns:\n  - host: a\n    share: nan\n  - host: b\n", 4, "share is a number"),
        ("tabs:\n- host: a\n  host: b\n", 3, "host is there twice"),
        ("tabs:\n- host: [a]\n", 2, "one word"),
        ("tabs:\n- host: ''\n", 2, "a host is needed"),
        ("tabs:\n- password: hunter2\n", 2, "password is not known"),
        ("tabs:\n- &a\n  rows: [*a, *a]\n", 2, "more than 20 splits"),
        ("tabs: [" + "{host: a}, " * 300 + "]", 1, "more than 200 terminals"),
        ("x" + "[" * 5000, 0, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_layout(text, Path("/x/morning.yaml"))
    assert raised.value.line == line or not line
    assert words in raised.value.detail
    assert "/x/morning.yaml" in raised.value.detail


def test_a_file_is_for_its_owner_alone_and_goes_without_a_trace(tmp_path: Path) -> None:
    file = tmp_path / "config" / "layouts" / "morning.yaml"
    write_layout(file, LAYOUT)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert read_layout(file) == LAYOUT
    write_layout(file, ())
    assert read_layout(file) == ()
    assert [one.name for one in file.parent.iterdir()] == ["morning.yaml"]
    remove_layout(file)
    assert read_layout(file) is None
    remove_layout(file)
    assert list(file.parent.iterdir()) == []


def test_a_file_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="no UTF-8"):
        read_layout(file)
    file.write_text("#" * 200_000)
    with pytest.raises(ConfigError, match="more than 100000 bytes"):
        read_layout(file)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "../x", ".hidden", "a\x1b[m", "é" * 40])
def test_names_that_are_no_names(name: str) -> None:
    assert name_problem(name)


def test_broken_files_are_listed_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout_file, "layouts_dir", lambda: tmp_path)
    assert layout_file.list_layouts() == []
    write_layout(layout_file.layout_file("good one"), LAYOUT)
    (tmp_path / "bad.yaml").write_text("tabs:\n- hots: b\n")
    bad, good = layout_file.list_layouts()
    assert (good.name, good.layout, good.problem) == ("good one", LAYOUT, None)
    assert isinstance(bad.problem, ConfigError)
    assert bad.problem.line == 2
    assert (tmp_path / "bad.yaml").read_text() == "tabs:\n- hots: b\n"
