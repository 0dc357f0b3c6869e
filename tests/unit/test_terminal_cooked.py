"""What stands in for the local terminal's line editing where the remote has no terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.terminal.cooked import Cooked, shown


@pytest.mark.parametrize(
    ("typed", "echo", "sent"),
    [
        (b"ls\r", b"ls\r\n", b"ls\n"),
        (b"lx\x7fs\r", b"lx\b \bs\r\n", b"ls\n"),
        ("é\x7fe\r".encode(), "é\b \be\r\n".encode(), b"e\n"),
        (b"\x7f\x7fa\r", b"a\r\n", b"a\n"),
        (b"abc\x15d\r", b"abc\b \b\b \b\b \bd\r\n", b"d\n"),
        (b"rm -rf\x17ls\r", b"rm -rf\b \b\b \b\b \bls\r\n", b"rm ls\n"),
        (b"a\x04b\r", b"ab\r\n", b"ab\n"),
        (b"a\x1b[A\x1bOB\x1b[3~b\r", b"ab\r\n", b"ab\n"),
        (b"\x01\x7f\r", b"^A\b \b\b \b\r\n", b"\n"),
        (b"a\tb\r", b"a\tb\r\n", b"a\tb\n"),
        (b"one\ntwo\n", b"one\r\ntwo\r\n", b"one\ntwo\n"),
    ],
)
def test_a_line_is_edited_here(typed: bytes, echo: bytes, sent: bytes) -> None:
    assert Cooked().feed(typed) == (echo, sent)
    one_by_one = Cooked()
    parts = [one_by_one.feed(typed[at : at + 1]) for at in range(len(typed))]
    assert b"".join(part[0] for part in parts) == echo
    assert b"".join(part[1] for part in parts) == sent


def test_ctrl_d_on_an_empty_line_ends_the_input() -> None:
    line = Cooked()
    assert line.feed(b"a\r\x04b") == (b"a\r\n", b"a\n")
    assert line.ended


def test_ctrl_c_interrupts() -> None:
    line = Cooked()
    assert line.feed(b"a\x03b\r") == (b"a^C\r\n", b"")
    assert line.interrupted


def test_a_line_has_an_end() -> None:
    line = Cooked()
    echo, _ = line.feed(b"x" * 5000)
    assert echo.endswith(b"\a")
    assert line.feed(b"\r")[1] == b"x" * 4095 + b"\n"


def test_output_gets_the_ends_of_lines_that_a_terminal_needs() -> None:
    assert shown(b"a\nb\n") == b"a\r\nb\r\n"


@given(st.lists(st.binary(max_size=30)))
def test_anything_typed_leaves_it_alive(pieces: list[bytes]) -> None:
    line = Cooked()
    for piece in pieces:
        echo, sent = line.feed(piece)
        assert b"\x1b" not in echo
        assert b"\x1b" not in sent
