"""What serial consoles need: ends of lines, and echo on this side."""

import pytest

from sshdash.terminal.serial import LineEnding, SerialLine


@pytest.mark.parametrize(
    ("ending", "sent"),
    [
        (LineEnding.CR, b"ls\rab\r"),
        (LineEnding.LF, b"ls\nab\n"),
        (LineEnding.CRLF, b"ls\r\nab\r\n"),
    ],
)
def test_what_enter_sends(ending: LineEnding, sent: bytes) -> None:
    one = SerialLine()
    one.ending = ending
    assert one.sent(b"ls\rab\r") == sent


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (b"ls\r", b"ls\r\n"),
        (b"\x7f", b"\b \b"),
        (b"\x03", b"^C"),
        (b"\x1b[A\x1bOP\x1b[1;5C", b""),
        (b"\x1b[200~pasted\x1b[201~", b"pasted"),
        ("é\t".encode(), "é\t".encode()),
    ],
)
def test_local_echo(typed: bytes, shown: bytes) -> None:
    one = SerialLine()
    assert one.echoed(typed) == b""
    one.local_echo = True
    assert one.echoed(typed) == shown


def test_words_for_the_tab() -> None:
    one = SerialLine()
    assert one.words == ""
    one.local_echo, one.ending = True, LineEnding.CR.following
    assert one.words == "echo LF"
    assert LineEnding.CRLF.following is LineEnding.CR
