"""Lines and words are split as OpenSSH splits them, whatever bytes a file holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.config.lexer import LexError, decode_lines, split_keyword, split_words, take_word
from sshdash.config.numbers import port_number, scaled, seconds
from sshdash.config.patterns import match_list, matches, matches_host


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Port 22", ("port", "22")),
        ("  Port\t=  22  ", ("port", "22")),
        ("Port=22", ("port", "22")),
        ("Port==22", ("port", "=22")),
        ('"Port" 22', ("port", "22")),
        ("# Port 22", None),
        ("   ", None),
        ("", None),
        ('"Port 22', None),
        ("Port", ("port", "")),
        ("User bob\r", ("user", "bob")),
        ("User bob \f", ("user", "bob")),
        ("ÄPort 1", ("Äport", "1")),
    ],
)
def test_a_line_gives_its_keyword_and_the_rest(line: str, expected: tuple[str, str] | None) -> None:
    assert split_keyword(line) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b\tc", ["a", "b", "c"]),
        ('"a b" c', ["a b", "c"]),
        ("'a \"b' c", ['a "b', "c"]),
        ("a\\ b", ["a b"]),
        ('"a\\ b"', ["a\\ b"]),
        ('a\\"b', ['a"b']),
        ("a\\nb", ["a\\nb"]),
        ("a # b", ["a"]),
        ("a#b", ["a#b"]),
        ('""', [""]),
        ('a"b c"d', ["ab cd"]),
        ("", []),
    ],
)
def test_words_lose_their_quotes_and_comments(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@pytest.mark.parametrize("text", ['"a', "'a", 'a "b', "a 'b\""])
def test_an_open_quote_is_refused(text: str) -> None:
    with pytest.raises(LexError):
        split_words(text)


def test_bytes_of_any_encoding_survive() -> None:
    data = bytes(range(1, 256)).replace(b"\n", b"")
    (line,) = decode_lines(data)
    assert line.encode("utf-8", "surrogateescape") == data


def test_a_line_ends_at_its_first_nul() -> None:
    assert decode_lines(b"Port 1\x002\nUser x") == ["Port 1", "User x"]


@given(st.text())
def test_splitting_never_loops_or_fails_otherwise(text: str) -> None:
    split_keyword(text)
    rest: str | None = text
    for _ in range(len(text) + 2):
        _, rest = take_word(rest)
        if rest is None:
            break
    else:
        pytest.fail("the text never ended")
    try:
        split_words(text)
    except LexError:
        assert '"' in text or "'" in text


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1)))
def test_quoted_words_come_back(words: list[str]) -> None:
    quoted = " ".join('"' + w.replace("\\", "\\\\").replace('"', '\\"') + '"' for w in words)
    assert split_words(quoted) == words


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("web", "web", True),
        ("web", "WEB", False),
        ("web-1", "web-*", True),
        ("web-1.prod", "*.prod", True),
        ("prod", "*.prod", False),
        ("aba", "ab*ba", False),
        ("abcba", "ab*ba", True),
        ("web1", "web?", True),
        ("web", "web?", False),
        ("", "*", True),
        ("axbxc", "a*b*c", True),
        ("axbx", "a*b*c", False),
        ("aaaa", "a**a", True),
        ("caf\udcc3\udca9", "caf??", True),
        ("café", "caf?", False),
        ("[a]", "[a]", True),
    ],
)
def test_patterns(text: str, pattern: str, expected: bool) -> None:
    assert matches(text, pattern) is expected


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_patterns_agree_with_a_regular_expression(pattern: str, text: str) -> None:
    import re

    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    assert matches(text, pattern) is bool(re.fullmatch(expression, text))


def test_a_long_pattern_takes_no_time() -> None:
    assert not matches("a" * 5000, "*a" * 200 + "b")


def test_pattern_lists_negate() -> None:
    assert match_list("web", "w*,!db") == 1
    assert match_list("web", "w*,!web") == -1
    assert match_list("web", "!db") == 0
    assert match_list("web", "") == 0
    assert matches_host("WEB.Example", "*.EXAMPLE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("90", 90), ("1m", 60), ("1h30m", 5400), ("1W", 604800), ("2h5", 7205)]
    + [("1h 2m", 3720), ("+2d", 172800), ("-0", 0)]
    + [(text, None) for text in ("", "x", "5x", "-1", "1h ", "m", "9999999999", "1h -2m", "+-1")],
)
def test_times(text: str, expected: int | None) -> None:
    assert seconds(text) == expected


def test_ports_and_sizes() -> None:
    assert [port_number(text) for text in ("22", "ssh", "65536", "22x", "", "no-such")] == [
        22,
        22,
        -1,
        -1,
        -1,
        -1,
    ]
    assert [scaled(text) for text in ("1G", "1.5k", "10", "1z", "x")] == [
        2**30,
        1536,
        10,
        None,
        None,
    ]
