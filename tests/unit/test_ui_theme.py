"""The colours of the themes can be read on each other."""

import pytest
from textual.color import Color
from textual.theme import Theme

from sshdash.ui.theme import DARK, LIGHT


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2, section 1.4.3)."""
    low, high = sorted(map(_luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(text: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in Color.parse(text).normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


STATES = ("primary", "success", "warning", "error")


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_words_stand_out_from_what_is_behind_them(theme: Theme) -> None:
    for ground in (theme.background, theme.surface, theme.panel):
        assert contrast(str(theme.foreground), str(ground)) > 7
        assert contrast(theme.variables["muted"], str(ground)) > 6
        assert contrast(theme.variables["faint"], str(ground)) > 4.5
        for state in STATES:
            assert contrast(getattr(theme, state), str(ground)) > 4.5, state


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", ["cursor", "cursor-blurred", "hover"])
def test_a_row_is_as_legible_under_the_cursor(theme: Theme, ground: str) -> None:
    behind = theme.variables[ground]
    assert contrast(theme.variables["cursor-text"], behind) > 7
    assert contrast(theme.variables["muted"], behind) > 4.5
    assert contrast(theme.variables["faint"], behind) > 3
    for state in STATES:
        assert contrast(getattr(theme, state), behind) > 4.5, state


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_what_is_less_important_is_still_told_apart(theme: Theme) -> None:
    shades = (str(theme.foreground), theme.variables["muted"], theme.variables["faint"])
    on_surface = [contrast(shade, str(theme.surface)) for shade in shades]
    assert on_surface[0] > 1.3 * on_surface[1] > 1.3 * 1.15 * on_surface[2]
