"""The lines between panes: they meet, and titles stand in them."""

from rich.style import Style

from sshdash.ui.split_places import Axis, Leaf, Rect
from sshdash.ui.split_tree import SplitTree
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.pane_frame import Caption, PaneFrame, Part

STYLES: dict[str, Style] = {}


def look(name: str) -> Style:
    return STYLES.setdefault(name, Style(meta={"name": name}))


def frame(tree: SplitTree, width: int, height: int, *captions: Caption) -> PaneFrame:
    placed = tree.place(Rect(0, 1, width, height - 1))
    panes = [placed.panes[number] for number in tree.panes]
    dividers = [(one.axis, one.rect) for one in placed.dividers]
    return PaneFrame((width, height), dict(zip(panes, captions, strict=True)), dividers, look)


def drawn(frame: PaneFrame, height: int) -> list[str]:
    rows = [frame.row(y) for y in range(height)]
    assert len({row.cell_length for row in rows}) == 1
    return [row.text for row in rows]


def test_lines_meet_between_four_panes_and_titles_stand_in_them() -> None:
    tree = SplitTree(Leaf(1))
    tree.split(1, Axis.ROWS, 3)
    tree.split(1, Axis.COLUMNS, 2)
    tree.split(3, Axis.COLUMNS, 4)
    web = Caption("web", Mark.UP)
    lost = Caption("db", Mark.FAILED, focused=True)
    assert drawn(frame(tree, 31, 6, web, web, web, lost), 6) == [
        "─ ● web ───────┬─ ● web ───────",
        "               │               ",
        "               │               ",
        "─ ● web ───────┼━ ✖ db ━━━━━━━━",
        "               │               ",
        "               │               ",
    ]


def test_a_line_ends_at_another() -> None:
    tree = SplitTree(Leaf(1))
    tree.split(1, Axis.COLUMNS, 2)
    tree.split(1, Axis.ROWS, 3)
    one = Caption("a", Mark.IDLE)
    assert drawn(frame(tree, 25, 6, one, one, one), 6) == [
        "─ ○ a ──────┬─ ○ a ──────",
        "            │            ",
        "            │            ",
        "─ ○ a ──────┤            ",
        "            │            ",
        "            │            ",
    ]


def test_a_title_gives_way_and_wide_characters_keep_the_width() -> None:
    tree = SplitTree(Leaf(1))
    [row] = drawn(frame(tree, 20, 1, Caption("日本語のとても長い題名です", Mark.UP)), 1)
    assert row == "─ ● 日本語のとて… ──"
    [row] = drawn(frame(tree, 4, 1, Caption("web", Mark.UP)), 1)
    assert row == "────"


def test_what_a_pane_does_with_a_broadcast_is_in_its_line() -> None:
    tree = SplitTree(Leaf(1))
    web = Caption("web ~", Mark.UP, focused=True, part=Part.RECEIVES)
    receiving = frame(tree, 40, 2, web)
    assert receiving.row(0).text.rstrip() == "▶⇉ BROADCAST  ● web ~"
    assert [segment.style for segment in receiving.row(0)] == [look("receiving")]
    skipped = frame(tree, 40, 2, Caption("web ~", Mark.IDLE, part=Part.SKIPPED))
    assert skipped.row(0).text == "─ ○ web ~ ────────────────── ⇉ skipped ─"
    narrow = frame(tree, 20, 2, Caption("web ~", Mark.IDLE, part=Part.SKIPPED))
    assert narrow.row(0).text == "─ ○ web ~ ──────────"


def test_the_sides_of_the_pane_with_the_focus_are_marked() -> None:
    tree = SplitTree(Leaf(1))
    tree.split(1, Axis.COLUMNS, 2)
    tree.split(2, Axis.ROWS, 3)
    one = Caption("a", Mark.UP)
    lines = frame(tree, 41, 11, one, one, Caption("b", Mark.UP, focused=True))
    rows = [lines.row(y) for y in (2, 9)]
    styles = [next(one.style for one in row if "│" in one.text) for row in rows]
    assert styles == [look("line"), look("focused")]
