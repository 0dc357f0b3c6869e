"""The gate for remote text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.untrusted import clean, clean_lines


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain.txt", "plain.txt"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f", "\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u2028line", "\\u2028line"),
        ("flag\U000e0067", "flag\\U000e0067"),
        (b"\xff\xfename", "\\xff\\xfename"),
        ("[red]x[/]", "[red]x[/]"),
        ("👩\u200d💻 ünïcode 漢字", "👩\u200d💻 ünïcode 漢字"),
    ],
)
def test_what_does_not_print_is_shown(hostile: str | bytes, shown: str) -> None:
    assert clean(hostile) == shown


@given(st.one_of(st.text(max_size=600), st.binary(max_size=600)), st.integers(2, 300))
def test_nothing_hidden_passes_and_the_bound_holds(text: str | bytes, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit
    for char in shown:
        assert unicodedata.category(char) not in {"Cc", "Cs", "Co", "Zl", "Zp"}
        assert unicodedata.category(char) != "Cf" or char in "\u200c\u200d"


def test_a_pile_of_combining_marks_is_cut() -> None:
    assert "\\u0301" in clean("a" + "\u0301" * 50)
    assert clean("e\u0301") == "e\u0301"


def test_a_cut_is_marked() -> None:
    assert clean("x" * 300, 10) == "x" * 9 + "…"


def test_lines_stay_lines_and_are_bounded() -> None:
    assert clean_lines("Welcome\r\n\x1b[2Jto\tyou\n\n") == "Welcome\n\\x1b[2Jto  you"
    assert clean_lines("a\n" * 100, lines=3) == "a\na\na\n…"
    assert len(clean_lines(b"\xff" * 1_000_000)) < 20_000
