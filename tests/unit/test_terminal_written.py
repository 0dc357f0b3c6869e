"""Rows read as the library writes them are the rows read cell by cell."""

import random
from itertools import groupby

import pytest
from rich.console import Console
from rich.style import Style
from textual.strip import Strip

from sshdash.terminal import emulator as emulator_module
from sshdash.terminal.cells import PLAIN, CellStyle, Line, Run, Underline
from sshdash.terminal.emulator import Emulator
from sshdash.terminal.written_rows import WrittenRow, style_of
from sshdash.ui.widgets.terminal_paint import Painter

COLUMNS, ROWS = 40, 12
_TEXTS = (
    "a",
    "word ",
    "x" * 50,
    "é",
    "│─┐",
    "▀▄█",
    "⠿",
    "中文",
    "e\u0301",
    "👩‍💻",
    "\u200e",
    "\xad",
    "\t",
)
_SGR = (
    *(str(code) for code in (0, 1, 2, 3, 4, 5, 7, 8, 9, 21, 22, 24, 27, 39, 49, 53, 55)),
    *("31", "42", "95", "106", "38;5;200", "48;5;17", "38;2;1;2;3", "48;2;250;128;0"),
    *("4:0", "4:1", "4:2", "4:3", "4:4", "4:5", "58;5;3", "58;2;9;8;7", "59"),
)


def wild(dice: random.Random, steps: int = 60) -> bytes:
    """Return what a program might draw: text in many styles, moved, erased and scrolled."""
    out = []
    for _ in range(steps):
        kind = dice.randrange(10)
        if kind < 4:
            out.append(dice.choice(_TEXTS) * dice.randrange(1, 4))
        elif kind < 7:
            out.append(f"\x1b[{';'.join(dice.choices(_SGR[:26], k=dice.randrange(1, 3)))}m")
            out.append(f"\x1b[{dice.choice(_SGR)}m")
        elif kind < 8:
            out.append(f"\x1b[{dice.randrange(1, ROWS + 1)};{dice.randrange(1, COLUMNS + 1)}H")
        elif kind < 9:
            number = dice.randrange(1, 6)
            out.append(f"\x1b[{number}{dice.choice('KJLMP@XSTb')}")
        else:
            out.append(dice.choice(("\r\n", "\x1b[3;8r", "\x1b[r", "\x1b[K", "\x1b#8", "\x1b[2J")))
    return "".join(out).encode()


def joined(line: Line) -> list[tuple[CellStyle, str, int]]:
    """Return the runs of a line with those of one style made one."""
    result = []
    for style, runs in groupby(line.runs, lambda run: run.style):
        members = list(runs)
        text = "".join(run.text for run in members)
        result.append((style, text, sum(run.width for run in members)))
    return result


def read(
    monkeypatch: pytest.MonkeyPatch, streams: list[bytes], worth_it: int
) -> list[list[tuple[CellStyle, str, int]]]:
    """Return every row of the screens that the streams make, read one way or the other."""
    monkeypatch.setattr(emulator_module, "WORTH_IT", worth_it)
    rows = []
    for stream in streams:
        emulator = Emulator(COLUMNS, ROWS)
        emulator.feed(stream)
        lines = emulator.take_damage().lines
        rows += [joined(lines[y]) for y in range(ROWS)]
    return rows


def test_both_ways_of_reading_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [wild(random.Random(seed)) for seed in range(400)]
    by_cells = read(monkeypatch, streams, 1_000)
    as_written = read(monkeypatch, streams, 1)
    for number, (one, other) in enumerate(zip(by_cells, as_written, strict=True)):
        assert one == other, f"stream {number // ROWS}, row {number % ROWS}"


def test_most_rows_of_common_programs_are_read_the_quick_way() -> None:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed("┌──┐ plain é \x1b[1;31mred\x1b[m\r\n".encode() * 4 + "中 wide\r\n".encode())
    rows = emulator._written.read(0, ROWS - 1, COLUMNS)
    assert sorted(rows) == [0, 1, 2, 3]
    assert rows[0][1] == Run("red", 3, CellStyle(foreground=1, bold=True))


def picture(columns: int = 80, rows: int = 6) -> bytes:
    """Return half blocks, each in two colours of its own, with a row that is not as wide."""
    drawn = []
    for y in range(rows):
        drawn.append(f"\x1b[{y + 1};1H")
        width = columns - 10 * (y == 2)
        drawn += [f"\x1b[38;2;{x};{y};9;48;2;{y};{x};{x}m▀" for x in range(width)]
    return "".join(drawn).encode() + b"\x1b[m"


def test_rows_of_a_picture_are_taken_apart_only_where_they_are_looked_at() -> None:
    emulator = Emulator(80, 6)
    emulator.feed(picture())
    lines = emulator.take_damage().lines
    assert all(isinstance(line.runs, WrittenRow) for line in lines.values())
    assert repr(lines[2].runs) == "<WrittenRow [80 columns]>"
    assert lines[1].runs[3] == Run("▀", 1, CellStyle((3, 1, 9), (1, 3, 3)))
    assert len(lines[2].runs) == 71
    assert lines[2].runs[-1] == Run(" " * 10, 10, PLAIN)


def test_a_picture_is_read_alike_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for worth_it in (1, 1_000):
        monkeypatch.setattr(emulator_module, "WORTH_IT", worth_it)
        emulator = Emulator(80, 8)
        emulator.feed(picture() + b"\x1b[7;1Hdone \x1b[44m \x1b[0K")
        lines.append([joined(line) for line in emulator.take_damage().lines.values()])
    assert lines[0] == lines[1]


def test_colours_of_the_palette_are_never_passed_on() -> None:
    emulator = Emulator(80, 6)
    emulator.feed(picture().replace(b"48;2;3;3;3m", b"48;5;7m"))
    rows = [line.runs for line in emulator.take_damage().lines.values()]
    assert [isinstance(row, WrittenRow) for row in rows] == [True, True, True, False, True, True]


def test_what_may_not_be_shown_is_left_to_the_careful_way() -> None:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed("a\u202eb\r\n".encode() + b"a\xc2\x9bm\r\n" + "e\u0301\r\n".encode())
    rows = emulator._written.read(0, ROWS - 1, COLUMNS)
    assert 0 not in rows
    assert 2 not in rows


def test_a_link_is_left_to_the_careful_way() -> None:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(b"a \x1b]8;;https://a.example\x07link\x1b]8;;\x07\r\n" * 6)
    lines = emulator.take_damage().lines
    assert [run.style.link for run in lines[2].runs] == [False, True, False]


def test_a_screen_that_would_take_too_much_is_read_cell_by_cell() -> None:
    emulator = Emulator(2000, 1000)
    assert emulator._written.read(0, 999, 2000) == {}


@pytest.mark.parametrize(
    ("group", "style"),
    [
        ("\x1b[0m", PLAIN),
        ("\x1b[1m\x1b[0m", PLAIN),
        ("\x1b[0m\x1b[38;5;9m\x1b[48;2;1;2;3m", CellStyle(9, (1, 2, 3))),
        ("\x1b[0m\x1b[4:2m", CellStyle(underline=Underline.DOUBLE)),
        ("\x1b[0m\x1b[4:0m", PLAIN),
        ("\x1b[0m\x1b[4:3m\x1b[58;5;3m", CellStyle(underline=Underline.CURLY, underline_colour=3)),
        ("\x1b[0m\x1b[7m\x1b[53m", CellStyle(reverse=True, overline=True)),
    ],
)
def test_a_group_of_sequences_is_a_style(group: str, style: CellStyle) -> None:
    assert style_of(group) == style


def dense(dice: random.Random) -> bytes:
    """Return a picture that is not in two full colours everywhere."""
    kinds = dice.choice((("38;2;{0};9;9;48;2;7;{0};7",), _PICTURED))
    drawn = []
    for y in range(8):
        drawn.append(f"\x1b[{y + 1};1H")
        for x in range(80):
            style = dice.choice(kinds).format(x)
            drawn += (f"\x1b[{style}m", dice.choice("▀[2m8"), dice.choice(("", "", "\x1b[m")))
    return "".join(drawn).encode()


_PICTURED = (
    *("38;2;{0};9;9;48;2;7;{0};7",) * 6,
    *("38;2;{0};9;9", "48;2;7;{0};7", "1;38;2;{0};9;9", "2", "3", "7"),
)


def test_a_picture_is_shown_as_it_was_read() -> None:
    base = Style(color="#d8dbe2", bgcolor="#14161a")
    for seed in range(40):
        emulator, shown, looked_at = (Emulator(80, 8) for _ in range(3))
        emulator.feed(dense(random.Random(seed)))
        painter = Painter(emulator.colours.palette, base, Style(), direct=True)
        console = Console(color_system="truecolor", force_terminal=True)
        for y, line in emulator.take_damage().lines.items():
            assert isinstance(line.runs, WrittenRow)
            strip = painter.line(line, 80)
            for screen, text in (
                (shown, strip.render(console)),
                (looked_at, Strip(list(strip)).render(console)),
            ):
                screen.feed(f"\x1b[{y + 1};1H{text}".encode())
        assert shown.view() == looked_at.view(), f"picture {seed}"
