"""Rows as strips: exactly as wide as the screen, readable, and harmless to the outer terminal."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color as TextualColor
from textual.filter import DimFilter, Monochrome
from textual.theme import Theme

from sshdash.terminal.cells import (
    PLAIN,
    CellStyle,
    Cursor,
    CursorShape,
    Line,
    Run,
    ScreenColours,
    Underline,
)
from sshdash.terminal.emulator import Emulator
from sshdash.ui.hosting import Hosting
from sshdash.ui.theme import DARK, LIGHT
from sshdash.ui.widgets.terminal_paint import Painter, _contrast, named_colours
from sshdash.ui.widgets.terminal_strip import WrittenStrip
from sshdash.ui.widgets.terminal_width import fitting

COLUMNS = 16
BASE = Style.parse("#d5dae5 on #12151c")
SELECTION = Style.parse("on #2a3a5e")


def painter(emulator: Emulator) -> Painter:
    return Painter(emulator.colours.palette, BASE, SELECTION)


@given(st.text(max_size=60), st.integers(0, COLUMNS - 1), st.sampled_from(CursorShape))
@example("👩\u200d👩\u200d👧", 1, CursorShape.BLOCK)
@example("1\ufe0f\u20e3❤️🇩🇪\u0e33﷽", 0, CursorShape.BAR)
@example("a\u200bb\u2060c\ufeffd\U000e0041", 2, CursorShape.HOLLOW)
@example("漢" * 20, 15, CursorShape.UNDERLINE)
def test_any_text_fills_its_row_exactly(text: str, column: int, shape: CursorShape) -> None:
    emulator = Emulator(COLUMNS, 4)
    emulator.feed(text.encode("utf-8", "surrogatepass"))
    paint = painter(emulator)
    for y, line in emulator.take_damage().lines.items():
        for cursor in (None, Cursor(column, y, visible=True, shape=shape)):
            strip = paint.line(line._replace(selected=(2, 9)), COLUMNS, cursor)
            assert strip.cell_length == COLUMNS
            assert sum(segment.cell_length for segment in strip) == COLUMNS
            for char in strip.text:
                assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
                assert unicodedata.bidirectional(char) not in ("LRE", "RLE", "LRO", "RLO", "PDF")


def test_a_picture_is_passed_on_as_it_would_be_painted() -> None:
    emulator = Emulator(80, 4)
    for y in range(4):
        emulator.feed(f"\x1b[{y + 1};1H".encode())
        for x in range(70):
            extra = ("", "1;", "7;", "4;")[x % 4]
            emulator.feed(f"\x1b[0;{extra}38;2;{x};9;9{';48;2;9;9;9' * (x % 2)}m▄".encode())
    lines = list(emulator.take_damage().lines.values())
    console = Console(color_system="truecolor", force_terminal=True)
    screens = []
    for direct in (True, False):
        paint = Painter(emulator.colours.palette, BASE, SELECTION, direct=direct)
        shown = Emulator(80, 4)
        for y, line in enumerate(lines):
            strip = paint.line(line, 80)
            assert isinstance(strip, WrittenStrip) is direct
            shown.feed(f"\x1b[{y + 1};1H{strip.render(console)}".encode())
        runs = [line.runs for line in shown.take_damage().lines.values()]
        screens.append([[(run.text, run.style) for run in row] for row in runs])
    assert [_cells(row) for row in screens[0]] == [_cells(row) for row in screens[1]]
    assert ("▄", CellStyle((4, 9, 9), (0x12, 0x15, 0x1C))) in _cells(screens[0][0])


def _cells(row: list[tuple[str, CellStyle]]) -> list[tuple[str, CellStyle]]:
    return [(char, style) for text, style in row for char in text]


def test_a_picture_with_the_cursor_or_a_selection_is_painted() -> None:
    emulator = Emulator(80, 4)
    emulator.feed("".join(f"\x1b[38;2;{x};9;9m▄" for x in range(80)).encode())
    line = emulator.take_damage().lines[0]
    paint = Painter(emulator.colours.palette, BASE, SELECTION, direct=True)
    strip = paint.line(line, 80, Cursor(3, 0, visible=True))
    assert strip.cell_length == 80
    assert [segment.style.reverse for segment in strip if segment.style][2:5] == [None, True, None]
    chosen = paint.line(line._replace(selected=(1, 2)), 80)
    assert [segment.style.bgcolor for segment in chosen if segment.style][1] == SELECTION.bgcolor


def test_filters_change_what_is_passed_on_where_they_must() -> None:
    emulator = Emulator(80, 4)
    for sgr in ("", "2;"):
        emulator.feed("".join(f"\x1b[{sgr}38;2;{x};9;9m▄" for x in range(80)).encode())
    paint = Painter(emulator.colours.palette, BASE, SELECTION, direct=True)
    bright, dim, *_ = (paint.line(line, 80) for line in emulator.take_damage().lines.values())
    black = TextualColor(0, 0, 0)
    assert bright.apply_filter(DimFilter(), black) is bright
    assert dim.apply_filter(DimFilter(), black) is not dim
    grey = bright.apply_filter(Monochrome(), black)
    assert "38;2;1;9;9" not in grey.render(Console(color_system="truecolor", force_terminal=True))


def test_what_fits_is_left_alone() -> None:
    run = Run("漢字é", 5, CellStyle(), ("漢", "", "字", "", "é"))
    assert fitting(run) == ["漢字é"]


@pytest.mark.parametrize("clusters", [False, True])
@pytest.mark.parametrize(
    ("text", "drawn", "clustered"),
    [
        ("👨\u200d👩\u200d👧", "👨👩👧", "👨"),
        ("👍🏽", "👍··", "👍"),
        ("❤️", "❤", "❤ "),
        ("☎\ufe0e", "☎", "☎"),
        ("⌚\ufe0e", "⌚", "·"),
        ("1\ufe0f\u20e3", "1\u20e3", "1 "),
        ("🇩🇪", "D E ", "🇩🇪"),
        ("🏴\u200d☠️", "🏴☠", "🏴"),
        ("e\u0301o\u0308", "e\u0301o\u0308", "e\u0301o\u0308"),
        ("§ΩАⅧ①■", "§ΩАⅧ①■", "§ΩАⅧ①■"),
        ("각\u1100\u1161\u11a8", "각\u1100\u1161\u11a8", "각\u1100\u1161\u11a8"),
    ],
)
def test_sequences_that_terminals_draw_in_different_widths_are_taken_apart(
    text: str, drawn: str, clustered: str, clusters: bool
) -> None:
    emulator = Emulator(COLUMNS, 2)
    emulator.feed(b"\x1b[?2027h" if clusters else b"")
    emulator.feed(f"{text}|".encode())
    strip = painter(emulator).line(emulator.take_damage().lines[0], COLUMNS)
    assert strip.text.rstrip() == (clustered if clusters else drawn) + "|"
    assert cell_len(strip.text.partition("|")[0]) == emulator.column - 1


@pytest.mark.parametrize("clusters", [False, True])
@pytest.mark.parametrize(
    ("text", "clustered", "apart"),
    [
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧", "👨👩👧"),
        ("👍🏽", "👍🏽", "👍··"),
        ("❤️", "❤️", "❤"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3", "1\u20e3"),
        ("🏴\u200d☠️", "🏴\u200d☠️", "🏴☠"),
        ("👩🏽\u200d❤️\u200d💋\u200d👨🏿", "👩🏽\u200d❤️\u200d💋\u200d👨🏿", "👩··❤💋👨··"),
        ("🇩🇪🇫🇷", "🇩🇪🇫🇷", "D E F R "),
    ],
)
def test_joined_emoji_are_drawn_where_both_terminals_count_them_as_one(
    text: str, clustered: str, apart: str, clusters: bool
) -> None:
    emulator = Emulator(COLUMNS, 2)
    emulator.feed(b"\x1b[?2027h" if clusters else b"")
    emulator.feed(f"{text}|".encode())
    paint = Painter(emulator.colours.palette, BASE, SELECTION, hosting=Hosting(clusters=True))
    strip = paint.line(emulator.take_damage().lines[0], COLUMNS)
    assert strip.text.rstrip() == (clustered if clusters else apart) + "|"
    assert strip.cell_length == COLUMNS
    shown = Emulator(COLUMNS, 2)
    shown.feed(b"\x1b[?2027h" + strip.text.rstrip().encode())
    assert shown.column == emulator.column


UNDERLINED = "".join(
    f"\x1b[4:{kind}{colour}mab\x1b[0m "
    for kind in range(1, 6)
    for colour in ("", ";58:2::9:8:7", ";58:5:1")
)


def drawn_underlines(hosting: Hosting, direct: bool = True) -> tuple[str, list[CellStyle]]:
    """Return what is written for every underline in every colour, and what comes of it."""
    emulator = Emulator(COLUMNS * 4, 1)
    emulator.feed(UNDERLINED.encode())
    paint = Painter(emulator.colours.palette, BASE, SELECTION, direct=direct, hosting=hosting)
    strip = paint.line(emulator.take_damage().lines[0], COLUMNS * 4)
    written = strip.render(Console(color_system="truecolor", force_terminal=True))
    shown = Emulator(COLUMNS * 4, 1)
    shown.feed(written.encode())
    styles = [run.style for run in shown.take_damage().lines[0].runs if "ab" in run.text]
    return written, styles


def test_underlines_are_drawn_in_their_kind_and_colour_where_they_can_be() -> None:
    written, styles = drawn_underlines(Hosting(underlines=True))
    red = tuple(Emulator(1, 1).colours.palette[3:6])
    assert [(style.underline, style.underline_colour) for style in styles] == [
        (kind, colour) for kind in list(Underline)[1:] for colour in (None, (9, 8, 7), red)
    ]
    # Whoever ignores a sequence with colons has read a plain underline before it.
    plain = re.sub(r"\x1b\[[0-9]+:[0-9:]*m", "", written)
    assert ":" not in plain
    shown = Emulator(COLUMNS * 4, 1)
    shown.feed(plain.encode())
    runs = [run for run in shown.take_damage().lines[0].runs if "ab" in run.text]
    assert [run.style.underline for run in runs] == [Underline.SINGLE] * 15


@pytest.mark.parametrize(("hosting", "direct"), [(Hosting(), True), (Hosting(True), False)])
def test_other_terminals_get_underlines_without_colons(hosting: Hosting, direct: bool) -> None:
    written, styles = drawn_underlines(hosting, direct)
    assert ":" not in written
    assert all(style.underline for style in styles)


def test_a_special_underline_gives_way_to_what_is_laid_over_it() -> None:
    emulator = Emulator(COLUMNS, 1)
    emulator.feed(b"\x1b[4:3mabc")
    paint = Painter(
        emulator.colours.palette, BASE, SELECTION, direct=True, hosting=Hosting(underlines=True)
    )
    line = emulator.take_damage().lines[0]._replace(selected=(1, 1))
    console = Console(color_system="truecolor", force_terminal=True)
    written = paint.line(line, COLUMNS).render(console)
    assert written.count("\x1b[4:3m") == 2
    (grey,) = Monochrome().apply(
        [Segment("a", paint.style(CellStyle(underline=Underline.CURLY)))], TextualColor(0, 0, 0)
    )
    assert grey.style is not None
    assert grey.style.underline


def test_half_of_a_wide_character_leaves_a_blank() -> None:
    assert "".join(fitting(Run("b", 2, CellStyle(), ("", "b")))) == " b"
    assert len("".join(fitting(Run("漢", 1, CellStyle(), ("漢",))))) == 1


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("background", range(16))
def test_named_colours_can_be_read_on_each_other(theme: object, background: int) -> None:
    colours = named_colours(DARK if theme is DARK else LIGHT)
    emulator = Emulator(COLUMNS, 4)
    emulator.colours.set_palette(colours)
    base = Style.parse("#d5dae5 on #12151c" if theme is DARK else "#232936 on #fafbfc")
    paint = Painter(emulator.colours.palette, base, SELECTION)
    for foreground in (None, *range(16)):
        style = paint.style(CellStyle(foreground=foreground, background=background))
        assert style.color is not None
        assert style.bgcolor is not None
        assert contrast(style.color, style.bgcolor) >= 2.8


def test_attributes_reach_the_strip() -> None:
    paint = painter(Emulator(COLUMNS, 4))
    style = paint.style(
        CellStyle(
            bold=True, italic=True, underline=Underline.SINGLE, strike=True, reverse=True, dim=True
        )
    )
    assert style.bold
    assert style.italic
    assert style.underline
    assert style.strike
    assert style.reverse
    assert style.dim
    assert not style.blink


def contrast(one: Color, other: Color) -> float:
    """Return about what WCAG 2 calls the contrast ratio."""
    low, high = sorted(map(brightness, (one, other)))
    return (high + 0.05) / (low + 0.05)


def brightness(colour: Color) -> float:
    parts = zip((0.2126, 0.7152, 0.0722), colour.get_truecolor(), strict=True)
    return float(sum(weight * (part / 255) ** 2.2 for weight, part in parts))


@pytest.mark.parametrize("underline", [one for one in Underline if one])
def test_every_underline_is_drawn_as_the_nearest(underline: Underline) -> None:
    style = painter(Emulator(COLUMNS, 2)).style(CellStyle(underline=underline))
    assert style.underline
    assert bool(style.underline2) is (underline is Underline.DOUBLE)


def test_blinking_is_drawn_where_it_is_wanted() -> None:
    palette = Emulator(COLUMNS, 2).colours.palette
    for blink in (True, False):
        paint = Painter(palette, BASE, SELECTION, blink=blink)
        assert bool(paint.style(CellStyle(blink=True)).blink) is blink
        cursor = Cursor(0, 0, visible=True, blinking=True)
        strip = paint.line(Line((Run("x", 1, CellStyle()),)), 1, cursor)
        assert all(bool(one.style and one.style.blink) is blink for one in strip)


def screen_style(data: bytes, cells: CellStyle = PLAIN) -> Style:
    emulator = Emulator(COLUMNS, 2)
    emulator.feed(data)
    colours = emulator.colours
    return Painter(colours.palette, BASE, SELECTION, colours.screen).style(cells)


def test_a_reverse_video_screen_swaps_the_default_colours() -> None:
    plain = screen_style(b"")
    swapped = screen_style(b"\x1b[?5h")
    assert (swapped.color, swapped.bgcolor) == (plain.bgcolor, plain.color)
    assert screen_style(b"\x1b[?5h\x1b[?5l") == plain
    mixed = screen_style(b"\x1b[?5h", CellStyle(foreground=(1, 2, 3)))
    assert mixed.color == Color.from_rgb(1, 2, 3)
    assert mixed.bgcolor == plain.color


def test_colours_that_a_program_sets_are_drawn_until_it_resets_them() -> None:
    changed = screen_style(b"\x1b]10;#010203\x07\x1b]11;rgb:04/05/06\x07")
    assert (changed.color, changed.bgcolor) == (Color.from_rgb(1, 2, 3), Color.from_rgb(4, 5, 6))
    assert screen_style(b"\x1b]10;#010203\x07\x1b]110\x07") == screen_style(b"")
    indexed = screen_style(b"\x1b]4;200;#0a0b0c\x07", CellStyle(foreground=200))
    assert indexed.color == Color.from_rgb(10, 11, 12)


def test_the_cursor_has_the_colour_a_program_gives_it() -> None:
    colours = ScreenColours(cursor=(9, 8, 7))
    paint = Painter(Emulator(COLUMNS, 2).colours.palette, BASE, SELECTION, colours)
    row = Line((Run("x", 1, CellStyle(reverse=True)),))
    (segment,) = paint.line(row, 1, Cursor(0, 0, visible=True))
    assert segment.style is not None
    assert segment.style.bgcolor == Color.from_rgb(9, 8, 7)
    assert not segment.style.reverse


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_plain_text_and_named_colours_can_be_read_on_the_background(theme: Theme) -> None:
    behind = Color.parse(theme.background or "")
    assert _contrast(Color.parse(theme.foreground or ""), behind) >= 7
    named = named_colours(theme)
    for index in (*range(1, 7), *range(9, 15)):
        assert _contrast(Color.from_rgb(*named[index]), behind) >= 3, index


def drawn_colours(data: str) -> list[tuple[str, str, str]]:
    """Return text, its colour and the colour behind it, of what the first row holds."""
    emulator = Emulator(COLUMNS, 2)
    emulator.colours.set_palette(named_colours(DARK))
    emulator.feed(data.encode())
    strip = painter(emulator).line(emulator.take_damage().lines[0], COLUMNS)
    found = []
    for text, style, _ in strip:
        assert style is not None
        assert style.color is not None
        assert style.bgcolor is not None
        if text.strip():
            found.append((text, style.color.get_truecolor().hex, style.bgcolor.get_truecolor().hex))
    return found


def test_a_picture_in_256_colours_has_the_colours_it_asks_for() -> None:
    data = "\x1b[38;5;130;48;5;131m▀\x1b[38;5;24;48;5;25m▄\x1b[38;5;238;48;5;240mdim"
    assert drawn_colours(data) == [
        ("▀", "#af5f00", "#af5f5f"),
        ("▄", "#005f87", "#005faf"),
        ("dim", "#444444", "#585858"),
    ]


def test_the_edge_of_a_field_has_the_colour_of_the_field() -> None:
    field, edge = drawn_colours("\x1b[30;44m dir \x1b[34;42m\ue0b0")
    assert edge[0] == "\ue0b0"
    assert edge[1] == field[2]


def test_a_block_in_the_colour_behind_it_is_not_seen() -> None:
    [(_, colour, behind), *_] = drawn_colours("\x1b[31;41m█\x1b[mx")
    assert colour == behind
