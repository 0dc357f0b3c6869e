"""Copy mode: where the cursor goes, what is selected, and that it never leaves the rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshdash.terminal.copy_mode import CopyMode, Shape, Span, Wish
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.grid import Grid
from sshdash.terminal.motions import Place
from sshdash.terminal.selection import Selection

COLUMNS, ROWS = 20, 6
TEXT = (
    "first line here\r\n"  # 0
    "\r\n"  # 1
    "ab-cd ef  gh\r\n"  # 2
    "0123456789 the end of it all, world\r\n"  # 3, 4
    "wide 世界世界世界世世界 x\r\n"  # 5, 6
    "\r\n"  # 7
    "tail"  # 8
)
NAMES = {
    "$": "dollar_sign",
    "^": "circumflex_accent",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
    "/": "slash",
    "?": "question_mark",
    ";": "semicolon",
    ",": "comma",
    "%": "percent_sign",
    "*": "asterisk",
    "#": "number_sign",
}


def copying(row: int, column: int, text: str = TEXT) -> tuple[CopyMode, Emulator]:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(text.encode())
    grid = Grid(emulator)
    return CopyMode(grid, Place(row, column), grid.top, COLUMNS, ROWS), emulator


def press(mode: CopyMode, keys: str) -> Wish:
    wish = Wish.NOTHING
    for key in keys.split():
        names = key if key[0].isdigit() and len(key) > 1 else [key]
        for name in names:
            wish = mode.press(NAMES.get(name, name), name if len(name) == 1 else "")
    return wish


@pytest.mark.parametrize(
    ("start", "keys", "end"),
    [
        ((2, 3), "h", (2, 2)),
        ((2, 0), "h", (2, 0)),
        ((2, 3), "l", (2, 4)),
        ((2, 11), "l", (2, 11)),
        ((2, 0), "5l", (2, 5)),
        ((2, 0), "99l", (2, 11)),
        ((5, 5), "l", (5, 7)),
        ((5, 7), "h", (5, 5)),
        ((2, 0), "f f", (2, 7)),
        ((2, 0), "t f", (2, 6)),
        ((2, 11), "F c", (2, 3)),
        ((2, 11), "T c", (2, 4)),
        ((2, 0), "f x", (2, 0)),
        ((2, 0), "2f x", (2, 0)),
        ((2, 0), "f escape l", (2, 1)),
        ((3, 11), "f e", (3, 13)),
        ((3, 11), "3f l", (4, 13)),
        ((3, 11), "f e ; ;", (3, 15)),
        ((3, 11), "f l ; ; ,", (4, 7)),
        ((3, 11), "t e ;", (3, 14)),
        ((3, 11), "t l 2;", (4, 12)),
        ((4, 9), "T d ;", (3, 18)),
        ((4, 3), "F 0", (3, 0)),
        ((4, 3), "F 0 ; f e", (3, 13)),
        ((2, 0), "; ,", (2, 0)),
        ((5, 0), "2f 界", (5, 11)),
        ((5, 9), "T 世", (5, 7)),
        ((5, 9), "F 世", (5, 5)),
        ((2, 0), "%", (2, 0)),
        ((2, 8), "k", (1, 0)),
        ((2, 8), "k k", (0, 8)),
        ((2, 8), "k k j j", (2, 8)),
        ((2, 8), "3j", (5, 7)),
        ((4, 3), "0", (3, 0)),
        ((3, 3), "$", (4, 14)),
        ((3, 3), "$ k k", (2, 11)),
        ((2, 0), "w", (2, 2)),
        ((2, 0), "w w w", (2, 6)),
        ((2, 0), "W", (2, 6)),
        ((2, 0), "3w", (2, 6)),
        ((0, 11), "w", (2, 0)),
        ((3, 15), "w", (3, 19)),
        ((3, 19), "e", (4, 0)),
        ((4, 0), "b", (3, 19)),
        ((2, 0), "e", (2, 1)),
        ((2, 0), "E", (2, 4)),
        ((2, 6), "b", (2, 3)),
        ((2, 6), "B", (2, 0)),
        ((2, 0), "b", (0, 11)),
        ((5, 0), "w", (5, 5)),
        ((5, 5), "w", (6, 5)),
        ((8, 0), "w", (8, 3)),
        ((0, 0), "b", (0, 0)),
        ((4, 3), "{", (1, 0)),
        ((4, 3), "}", (7, 0)),
        ((4, 3), "} }", (8, 0)),
        ((4, 3), "{ {", (0, 0)),
        ((4, 3), "g", (0, 0)),
        ((4, 3), "G", (8, 0)),
        ((4, 3), "3G", (2, 0)),
        ((4, 3), "H", (3, 0)),
        ((4, 3), "M", (5, 0)),
        ((4, 3), "L", (8, 0)),
        ((8, 3), "ctrl+u", (5, 3)),
        ((8, 3), "ctrl+b", (2, 3)),
        ((0, 0), "ctrl+f", (6, 0)),
        ((0, 0), "ctrl+d", (3, 0)),
    ],
)
def test_motions(start: tuple[int, int], keys: str, end: tuple[int, int]) -> None:
    mode, _ = copying(*start)
    press(mode, keys)
    assert mode.at == end


def test_the_first_character_that_is_not_blank() -> None:
    mode, _ = copying(0, 9, "    text")
    press(mode, "^")
    assert mode.at == (0, 4)
    press(mode, "0")
    assert mode.at == (0, 0)


@pytest.mark.parametrize(
    ("start", "keys", "text"),
    [
        ((2, 0), "v e", "ab"),
        ((2, 4), "v b b b", "ab-cd"),
        ((2, 0), "v $", "ab-cd ef  gh"),
        ((3, 11), "v j", "the end of it all, wo"),
        ((3, 11), "V", "0123456789 the end of it all, world"),
        ((2, 3), "V j", "ab-cd ef  gh\n0123456789 the end of it all, world"),
        ((2, 3), "ctrl+v j l", "cd\n34"),
        ((2, 8), "ctrl+v k k", "n\n\n"),
        ((5, 5), "v l", "世界"),
        ((2, 3), "v l o h", "-cd"),
        ((2, 3), "v V", "ab-cd ef  gh"),
    ],
)
def test_what_is_selected(start: tuple[int, int], keys: str, text: str) -> None:
    mode, emulator = copying(*start)
    press(mode, keys)
    assert mode.span is not None
    selection = Selection(emulator)
    selection.select(mode.span.start, mode.span.end, rectangle=mode.span.rectangle)
    assert selection.text() == text


def test_selecting_begins_changes_and_ends() -> None:
    mode, _ = copying(2, 3)
    assert mode.span is None
    press(mode, "v l")
    assert mode.span == Span(Place(2, 3), Place(2, 4))
    press(mode, "ctrl+v")
    assert mode.shape is Shape.BLOCK
    press(mode, "15l")
    assert mode.at == (2, 19)
    press(mode, "ctrl+v")
    assert not mode.selecting
    assert mode.at == (2, 11)
    press(mode, "v")
    assert press(mode, "escape") is Wish.NOTHING
    assert not mode.selecting
    assert press(mode, "escape") is Wish.LEAVE


def test_what_it_asks_for() -> None:
    mode, _ = copying(2, 3)
    assert press(mode, "y") is Wish.COPY
    assert press(mode, "q") is Wish.LEAVE
    assert press(mode, "/") is Wish.SEARCH_DOWN
    assert press(mode, "?") is Wish.SEARCH_UP
    assert press(mode, "n") is Wish.NEXT_MATCH
    assert press(mode, "5 escape") is Wish.NOTHING
    assert press(mode, "f13") is Wish.UNKNOWN
    assert mode.at == (2, 3)


def test_output_moves_nothing() -> None:
    mode, emulator = copying(2, 3)
    grid = mode._rows
    assert isinstance(grid, Grid)
    press(mode, "v l l")
    before = (mode.at, mode.top, mode.span)
    for _ in range(30):
        emulator.feed(b"more\r\n" * 7)
        grid.look()
        mode.keep_up(COLUMNS, ROWS)
        assert (mode.at, mode.top, mode.span) == before
    emulator.feed(b"\x1b[3J")
    grid.look()
    mode.keep_up(COLUMNS, ROWS)
    assert not mode.selecting
    assert grid.first <= mode.at.row < grid.end


KEYS = st.sampled_from(
    [
        *"hjklwbeWBE0123456789gGHMLvVoyn",
        *NAMES.values(),
        *("ctrl+u", "ctrl+d", "ctrl+b", "ctrl+f", "ctrl+e", "ctrl+y", "ctrl+v", "escape", "f5"),
    ]
)
WRITTEN = st.sampled_from(
    [
        "word ",
        "a-b",
        "\r\n",
        "世界",
        "   ",
        "x" * 45,
        "\x1b[3J",
        "\x1b[2J\x1b[H",
        "\x1bc",
        "l\r\n" * 40,
    ]
)
RESIZED = st.tuples(st.integers(2, 30), st.integers(1, 9))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(KEYS, WRITTEN, RESIZED), max_size=80))
def test_it_never_leaves_the_rows(steps: list[str | tuple[int, int]]) -> None:
    mode, emulator = copying(8, 0)
    grid = mode._rows
    assert isinstance(grid, Grid)
    for step in steps:
        if isinstance(step, tuple):
            emulator.resize(*step)
        elif step in NAMES.values() or len(step) == 1 or step.startswith(("ctrl", "esc", "f5")):
            mode.press(step)
        else:
            emulator.feed(step.encode())
        grid.look()
        mode.keep_up(emulator.columns, emulator.rows)
        assert grid.first <= mode.at.row < grid.end
        assert 0 <= mode.at.column < emulator.columns
        assert grid.first <= mode.top <= grid.screen
        assert mode.top <= mode.at.row < mode.top + emulator.rows
        cells = grid.cells(mode.at.row)
        assert cells[mode.at.column] != "" or mode.at.column == 0
        if (span := mode.span) is not None:
            assert grid.first <= span.start.row <= span.end.row < grid.end


def test_where_the_selection_began_may_be_dropped() -> None:
    emulator = Emulator(COLUMNS, ROWS, scrollback=500)
    emulator.feed(b"row\r\n" * 4000)
    grid = Grid(emulator)
    mode = CopyMode(grid, Place(grid.first, 0), grid.first, COLUMNS, ROWS)
    press(mode, "v 3000j")
    first, cursor = grid.first, mode.at
    for _ in range(40):
        emulator.feed(b"row\r\n" * 50)
        grid.look()
        mode.keep_up(COLUMNS, ROWS)
        assert mode.span is not None
        assert mode.span.start == Place(grid.first, 0)
        assert mode.span.end == cursor
    assert first < grid.first < cursor.row


BRACKETS = "if (a[0] == {b: (c)})\r\n{\r\n  x(]\r\n}) end ("


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0, 0), (1, 0)),
        ((0, 3), (1, 0)),
        ((1, 0), (0, 3)),
        ((0, 5), (0, 7)),
        ((0, 7), (0, 5)),
        ((0, 12), (0, 19)),
        ((0, 16), (0, 18)),
        ((2, 0), (4, 0)),
        ((4, 0), (2, 0)),
        ((3, 3), (4, 1)),
        ((3, 4), (3, 4)),
        ((4, 7), (4, 7)),
    ],
)
def test_the_other_half_of_a_bracket(start: tuple[int, int], end: tuple[int, int]) -> None:
    mode, _ = copying(*start, text=BRACKETS)
    press(mode, "%")
    assert mode.at == end


def test_a_key_that_waits_for_a_character_is_shown_and_takes_every_key() -> None:
    mode, _ = copying(2, 0)
    press(mode, "2 f")
    assert mode.count == "2f"
    assert press(mode, "q") is Wish.NOTHING
    assert mode.count == ""
    assert mode.at == (2, 0)
    press(mode, "v f c")
    assert mode.span == Span(Place(2, 0), Place(2, 3))


@pytest.mark.parametrize(
    ("row", "column", "begins", "word"),
    [
        (2, 0, (2, 0), "ab"),
        (2, 1, (2, 0), "ab"),
        (2, 2, (2, 3), "cd"),
        (2, 8, (2, 10), "gh"),
        (3, 19, (3, 19), "of"),
        (4, 0, (3, 19), "of"),
        (4, 8, (4, 10), "world"),
        (6, 2, (5, 5), "世界世界世界世世界"),
        (1, 0, (1, 0), ""),
    ],
)
def test_the_word_under_the_cursor(
    row: int, column: int, begins: tuple[int, int], word: str
) -> None:
    mode, _ = copying(row, column)
    assert press(mode, "*") is Wish.WORD_DOWN
    assert press(mode, "#") is Wish.WORD_UP
    assert mode.word() == (Place(*begins), word)
