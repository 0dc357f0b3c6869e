"""Rows as strips: exactly as wide as the screen, readable, and harmless to the outer terminal."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.color import Color
from rich.style import Style

from sshdash.terminal.cells import CellStyle, Cursor, CursorShape, Run
from sshdash.terminal.emulator import Emulator
from sshdash.ui.theme import DARK, LIGHT
from sshdash.ui.widgets.terminal_paint import Painter, named_colours
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


def test_what_fits_is_left_alone() -> None:
    run = Run("漢字é", 5, CellStyle(), ("漢", "", "字", "", "é"))
    assert fitting(run) == ["漢字é"]


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
        CellStyle(bold=True, italic=True, underline=True, strike=True, reverse=True, dim=True)
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
