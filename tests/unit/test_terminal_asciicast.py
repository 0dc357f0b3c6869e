"""Recordings as files: asciicast written and read, and the text of a terminal."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.errors import UsageError
from sshdash.terminal.asciicast import (
    CastEncoder,
    CastEvent,
    Code,
    Header,
    read_events,
    read_header,
)
from sshdash.terminal.transcript import ALTERNATE, Transcript

HEADER = Header(80, 24, 1_700_000_000, "xterm-256color", "web-1")
V3 = '{"version": 3, "term": {"cols": 80, "rows": 24}}'


def recorded(*lines: str) -> list[CastEvent]:
    """Return what a reader makes of lines that were written."""
    header, *events = "".join(lines).splitlines()
    _, version = read_header(header, "some.cast")
    return list(read_events(events, "some.cast", version))


def test_the_header_and_every_kind_of_event() -> None:
    one = CastEncoder()
    first = json.loads(begin := one.begin(HEADER, 100.0))
    assert first == {
        "version": 3,
        "term": {"cols": 80, "rows": 24, "type": "xterm-256color"},
        "timestamp": 1_700_000_000,
        "title": "web-1",
    }
    events = (
        one.output(100.5, b"hi\r\n"),
        one.resize(101.0, 100, 30),
        one.mark(101.0, "dropped"),
        one.end(103.0, 7),
    )
    assert [json.loads(line) for line in events] == [
        [0.5, "o", "hi\r\n"],
        [0.5, "r", "100x30"],
        [0.0, "m", "dropped"],
        [2.0, "x", "7"],
    ]
    assert recorded(begin, *events)[1] == CastEvent(1.0, Code.RESIZE, "100x30")


def test_intervals_that_are_rounded_do_not_drift() -> None:
    one = CastEncoder()
    lines = [one.output(at * 0.0104, b"x") for at in range(1, 10_001)]
    assert abs(recorded(one.begin(HEADER, 0.0), *lines)[-1].at - 104.0) < 0.002


def test_characters_in_two_pieces_and_bytes_that_are_none() -> None:
    one = CastEncoder()
    euro = "€".encode()
    assert one.output(0.0, euro[:2]) == ""
    assert json.loads(one.output(0.0, euro[2:]))[2] == "€"
    assert json.loads(one.output(0.0, b"\xff\x1b[m"))[2] == "\ufffd\x1b[m"


def test_version_2_has_absolute_times() -> None:
    header, version = read_header('{"version": 2, "width": 80, "height": 24}', "a")
    assert (header.columns, header.rows, version) == (80, 24, 2)
    events = list(read_events(['[1.5, "o", "a"]', "", '[2, "o", "b"]'], "a", version))
    assert [event.at for event in events] == [1.5, 2.0]


def test_what_is_not_known_is_passed_over() -> None:
    lines = ["# a comment", '[1, "z", "?"]', '[1, "o", "a"]']
    assert list(read_events(lines, "a", 3)) == [CastEvent(2.0, Code.OUTPUT, "a")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "a.cast:1: not JSON"),
        ("[]", "a.cast:1: an object"),
        ('{"version": 1}', "a.cast:1: version 1"),
        ('{"version": 3, "width": 80, "height": 24}', "a.cast:1: term is missing"),
        ('{"version": 3, "term": {"cols": 0, "rows": 1}}', "a.cast:1: cols"),
        ('{"version": 3, "term": {"cols": 5}}', "a.cast:1: rows"),
        ("[" * 100_000, "a.cast:1: not JSON"),
    ],
)
def test_bad_headers_name_the_line(line: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_header(line, "a.cast")
    assert words in caught.value.detail


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '[1, "o"]',
        '["1", "o", "a"]',
        '[-1, "o", "a"]',
        '[NaN, "o", "a"]',
        '[1e400, "o", "a"]',
        '[1, "o", 5]',
        '[1, "r", "80"]',
        '[1, "r", "0x10"]',
        '[1, "r", "99999x10"]',
        "nonsense\x1b[31m",
    ],
)
def test_bad_events_name_the_line(line: str) -> None:
    with pytest.raises(UsageError, match="Not a recording") as caught:
        list(read_events(['[0, "o", "fine"]', line], "a.cast", 3))
    assert caught.value.detail.startswith("a.cast:3: ")
    assert caught.value.detail.isprintable()


@given(st.binary(max_size=300), st.integers(1, 20))
def test_whatever_is_recorded_can_be_read_again(data: bytes, size: int) -> None:
    one = CastEncoder()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    lines = [one.output(0.0, piece) for piece in pieces]
    events = recorded(one.begin(HEADER, 0.0), *lines, one.end(0.0, 0))
    text = "".join(event.text for event in events if event.code is Code.OUTPUT)
    assert text == data.decode("utf-8", "replace")


# -- the text


def read(*pieces: bytes) -> str:
    one = Transcript()
    return "".join(map(one.feed, pieces)) + one.finish()


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"one\r\ntwo\r\n", "one\ntwo\n"),
        (b"no end", "no end\n"),
        (b"\x1b[1;31mred\x1b[m and \x1b]0;title\x07plain\r\n", "red and plain\n"),
        (b"ech\b \b\bcho\r\n", "echo\n"),
        (b"10%\r50%\r100%\r\n", "100%\n"),
        (b"long line\rshort\x1b[K\r\n", "short\n"),
        (b"abd\b\x1b[@c\r\n", "abcd\n"),
        (b"abxc\b\b\x1b[P\r\n", "abc\n"),
        (b"a\tb\r\n", "a       b\n"),
        (b"a\x1b[2Cb\x1b[1Gc\r\n", "c  b\n"),
        (b"$ vi\r\n\x1b[?1049h\x1b[2JX\r\nY\x1b[?1049l$ \r\n", f"$ vi\n{ALTERNATE}\n$\n"),
        (b"\xff\xfe\r\n", "\ufffd\ufffd\n"),
        (b"\x1bPq#0;2\x1b\\sixel\r\n", "sixel\n"),
        ("right\u202eleft\r\n".encode(), "rightleft\n"),
        (b"\x1b\x1b[31mx\r\n", "x\n"),
        (b"\x9b\x00\x7fx\r\n", "\ufffdx\n"),
        (b"a" * 40_000, f"{'a' * 16384}\n{'a' * 16384}\n{'a' * 7232}\n"),
        (b"\x1b[999999999999C!\x1b[9999@\x1b[99999P", " " * 16383 + "!\n"),
        (b"\x1b]52;c;" + b"A" * 10_000 + b"\x07after\r\n", "after\n"),
    ],
)
def test_what_a_person_would_read(sent: bytes, text: str) -> None:
    assert read(sent) == text
    assert read(*(sent[at : at + 1] for at in range(len(sent)))) == text


def test_a_string_that_never_ends_takes_no_memory() -> None:
    one = Transcript()
    for _ in range(1000):
        one.feed(b"\x1b]0;" + b"x" * 10_000)
    assert len(one._rest) <= 256
    assert one.feed(b"\x07back\r\n") == "back\n"


@given(st.binary(max_size=200))
def test_no_bytes_leave_an_escape(data: bytes) -> None:
    shown = read(data, b"\x1b", data)
    assert all(char == "\n" or char.isprintable() or char > "\x9f" for char in shown)


@given(
    st.lists(
        st.sampled_from(
            (
                "\x1b[31m",
                "\x1b[K",
                "\b",
                "\x1b[?1049h",
                "\x1b[?1049l",
                "word",
                "  ",
                "\n",
                "\r\n",
                "\r\r\n",
                "\r",
                "\t",
                "é漢",
                "\u202e",
                "\u2028",
                "\xa0\n",
            )
        ),
        max_size=30,
    )
)
def test_whole_lines_read_as_one_byte_at_a_time(parts: list[str]) -> None:
    sent = "".join(parts).encode()
    assert read(sent) == read(*(sent[at : at + 1] for at in range(len(sent))))
