"""The escape character, as ssh understands it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.terminal.escape_line import EscapeLine
from sshdash.terminal.escapes import RELAYED, Escape, Escapes, escape_character, help_text


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        (b"~.", [Escape.END]),
        (b"ls\r~.", [b"ls\r", Escape.END]),
        (b"ls\n~?x", [b"ls\n", Escape.HELP, b"x"]),
        (b"a~.", [b"a~."]),
        (b"~~.\r", [b"~.\r"]),
        (b"~x~.", [b"~x~."]),
        (b"~/\r", [b"~/\r"]),
        (b"~?~?~R", [Escape.HELP, Escape.HELP, Escape.REKEY]),
        (b"\r~B", [b"\r", Escape.BREAK]),
        (b"~#~V~v", [Escape.CONNECTIONS, Escape.QUIETER, Escape.LOUDER]),
        (b"~\x1a~&", [Escape.SUSPEND, Escape.BACKGROUND]),
        (b"~C-L1:a:2\r", [Escape.COMMAND, b"-L1:a:2\r"]),
    ],
)
def test_sequences_count_at_the_start_of_a_line(typed: bytes, parts: list[bytes | Escape]) -> None:
    assert list(Escapes(b"~").feed(typed)) == parts
    one = Escapes(b"~")
    found = [part for at in range(len(typed)) for part in one.feed(typed[at : at + 1])]
    assert [part for part in found if isinstance(part, Escape)] == [
        part for part in parts if isinstance(part, Escape)
    ]
    assert b"".join(part for part in found if isinstance(part, bytes)) == b"".join(
        part for part in parts if isinstance(part, bytes)
    )


def test_another_character_and_none() -> None:
    assert list(Escapes(escape_character("%")).feed(b"%.")) == [Escape.END]
    assert list(Escapes(escape_character("none")).feed(b"~.")) == [b"~."]
    assert list(Escapes(escape_character("\x01")).feed(b"\x01.")) == [Escape.END]
    assert "^A." in help_text(b"\x01")


def test_what_is_pasted_holds_no_sequence() -> None:
    one = Escapes(b"~")
    one.passed(b"text\r")
    assert list(one.feed(b"~.")) == [Escape.END]
    one.passed(b"text")
    assert list(one.feed(b"~.")) == [b"~."]


def test_looking_away_and_back_is_not_typed() -> None:
    one = Escapes(b"~")
    assert [part for data in (b"\r", b"\x1b[O", b"\x1b[I", b"~.") for part in one.feed(data)] == [
        b"\r",
        b"\x1b[O",
        b"\x1b[I",
        Escape.END,
    ]


@given(st.lists(st.binary(max_size=20)))
def test_nothing_is_lost_without_a_sequence(pieces: list[bytes]) -> None:
    one = Escapes(b"\xff")
    pieces = [piece.replace(b"\xff", b"") for piece in pieces]
    assert b"".join(
        part for piece in pieces for part in one.feed(piece) if isinstance(part, bytes)
    ) == b"".join(pieces)


def test_a_command_without_a_screen_knows_fewer() -> None:
    one = Escapes(b"~", RELAYED)
    assert list(one.feed(b"~C\r~B")) == [b"~C\r", Escape.BREAK]
    assert "~C" not in help_text(b"~", RELAYED)
    assert " ~C   - open a command line\r\n" in help_text(b"~")


def entered(*pieces: bytes) -> tuple[bytes, str, bytes]:
    """Return what a command line echoes, what is entered, and what comes after it."""
    one, echo = EscapeLine(), b""
    for piece in pieces:
        shown, rest = one.feed(piece)
        echo += shown
        if one.over:
            return echo, one.line, rest
    raise AssertionError("the line never ended")


@pytest.mark.parametrize(
    ("typed", "line", "rest"),
    [
        (b"-L 1:a:2\rls\r", "-L 1:a:2", b"ls\r"),
        (b"-Lx\x7f1:a:2\n", "-L1:a:2", b""),
        (b"nonsense\x15-h\r", "-h", b""),
        (b"\r", "", b""),
        (b"-L1\x03x", "", b"x"),
        (b"\x04x", "", b"x"),
        (b"\x1b[A-h\r", "-h", b""),
    ],
)
def test_a_command_line_is_edited_here(typed: bytes, line: str, rest: bytes) -> None:
    assert entered(typed)[1:] == (line, rest)
    pieces = [typed[at : at + 1] for at in range(len(typed))]
    assert entered(*pieces)[1] == line


def test_what_is_pasted_into_a_command_line_waits_for_enter() -> None:
    one = EscapeLine()
    assert one.paste(b"\x1b[200~-D 1080\x07\rrm -rf /\x1b[201~") == b"-D 1080"
    assert not one.over
    one.feed(b"\r")
    assert one.line == "-D 1080"
