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


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_words_stand_out_from_what_is_behind_them(theme: Theme) -> None:
    grounds = [str(theme.background), str(theme.surface)]
    for ground in grounds:
        assert contrast(str(theme.foreground), ground) > 7
        assert contrast(theme.variables["muted"], ground) > 4.5
        assert contrast(theme.variables["faint"], ground) > 3
