"""What a hostile remote may send: ignored, bounded, and never passed on to our own terminal."""

import random

import pytest
from rich.style import Style

from sshdash.terminal.emulator import Emulator
from sshdash.ui.widgets.terminal_paint import Painter

COLUMNS, ROWS = 40, 6
BASE = Style.parse("#d5dae5 on #12151c")


def after(data: bytes) -> Emulator:
    """Return a terminal that has read `data`, and a line behind it."""
    emulator = Emulator(COLUMNS, ROWS)
    for at in range(0, len(data), 65536):
        emulator.feed(data[at : at + 65536])
    emulator.feed(b"\x18\x1b[m\x1b(B\x0f\x1b[r\x1b[?69l\x1b[?6l\x1b[?7h\x1b[2J\x1b[Hin step again")
    return emulator


@pytest.mark.parametrize(
    "data",
    [
        b"x\x1b[2000000000b",
        b"\x1b[99999;99999HX",
        b"\x1b[" + b";" * (1 << 20) + b"H",
        b"\x1b[" + b"1;" * 500_000 + b"m",
        b"\x1b[" + b"9" * 1_000_000 + b"C",
        b"\x1b[38;2;" + b"9999999999;" * 1000 + b"m",
        b"\x1b[?40h\x1b[?3h\x1b[?3l" * 1000,
        b"\x1b[1000000000S\x1b[1000000000T\x1b[1000000000L\x1b[1000000000M",
        b"\x1b[1000000000@\x1b[1000000000P\x1b[1000000000X\x1b[1000000000I\x1b[1000000000Z",
        b"e" + "\u0301".encode() * 100_000,
        b"\x1b]0;" + b"t" * 1_000_000 + b"\x07",
        b"\x1b]8;;" + b"u" * 1_000_000 + b"\x07x\x1b]8;;\x07",
        b"\x1b]4;" + b"1;?;" * 100_000 + b"1;?\x07",
        b"\x1bPq" + b"#0;2;0;0;0~" * 100_000 + b"\x1b\\",
        b"\x1b[>1u" * 100_000,
        b"\x1b7" * 100_000 + b"\x1b8" * 100_000,
        b"\x1b[?1049h\x1b[?1049l" * 2_000,
        b"\x1b[?2026h\x1b[?2026l" * 20_000,
        b"\x1b]9;n\x07\x1b]9;4;1;5\x07\x1b]7;file://h/x\x07\x1b]52;c;aGk=\x07" * 5_000,
    ],
    ids=lambda data: repr(data[:16]),
)
def test_a_flood_of_one_sequence_leaves_the_terminal_in_step(data: bytes) -> None:
    emulator = after(data)
    lines = emulator.take_damage().lines
    assert (emulator.columns, emulator.rows) == (COLUMNS, ROWS)
    assert emulator.screen_text()[0] == "in step again"
    assert all(sum(run.width for run in line.runs) == COLUMNS for line in lines.values())
    assert len(emulator.take_replies()) <= 4096
    assert len(emulator.take_title() or "") <= 80


@pytest.mark.parametrize(
    "data",
    [
        b'\x1bPq"1;1;8;8#0;2;99;0;0#0~~@@vv\x1b\\',  # sixel
        b"\x1bPpS(A[0,0])\x1b\\",  # ReGIS
        b"\x1bPtmux;passed through\x1b\\",
        b"\x1bP+Q536D\x1b\\\x1bP+p544e=6964\x1b\\",
        b"\x1b]1337;File=name=eA==;inline=1:AAAA\x07",
        b"\x1b]1337;SetUserVar=x=eA==\x07\x1b]1337;RunApplescript=x\x07",
        b"\x1b]50;#1\x07\x1b]3;WM_NAME=x\x07\x1b]46;/tmp/log\x07\x1b]701;C\x07",
        b"\x1b]9;7;calc\x07\x1b]9;2;box\x07\x1b]9;1;1000\x07\x1b]9;5\x07\x1b]9;6;macro\x07",
        b"\x1b]99;i=1:p=close;\x1b\\\x1b]22;pointer\x07\x1b]133;A\x07",
        b"\x1b_Gf=24,s=1,v=1,a=T;AAAA\x1b\\\x1b_Ga=T,t=f;L2V0Yy9wYXNzd2Q=\x1b\\",
        b"\x1b[5i\x1b[4i\x1b[?5i\x1b[8;1;1t\x1b[3;9;9t\x1b[2t\x1b[22;0t\x1b[23;0t",
        b"\x1b[?1005h\x1b[?1015h\x1b]Pfffffff\x1b\\\x1b]R\x1b\\",
    ],
    ids=lambda data: repr(data[:16]),
)
def test_what_no_terminal_of_ours_does_has_no_effect(data: bytes) -> None:
    emulator = Emulator(COLUMNS, ROWS)
    emulator.feed(data + b"after")
    assert emulator.screen_text()[0] == "after"
    assert (emulator.columns, emulator.rows) == (COLUMNS, ROWS)
    assert emulator.take_replies() == b""
    assert emulator.effects.clipboard is None
    assert not emulator.effects.notifications


def test_random_strings_raise_nothing_and_draw_no_controls(
    capfd: pytest.CaptureFixture[str],
) -> None:
    dice = random.Random(1)
    pieces = [
        *(
            b"\x1b]%d;" % number
            for number in (0, 2, 4, 7, 8, 9, 10, 11, 52, 99, 104, 133, 777, 1337)
        ),
        *(b"\x1bP", b"\x1b_", b"\x1b[", b"\x1b", b"\x07", b"\x1b\\", b"\x9c", b";", b"?", b"4;1;"),
        *(b"notify;", b"c;", b"aGk=", b"file://h/", b"rgb:", b"i=1:d=0:e=1;", b"$q", b"+q544e"),
        *("漢\u202e\u0301\x9b".encode(), b"\xff\xfe", b"text", b"\x00", b"m", b"2026h", b"?2026l"),
    ]
    emulator = Emulator(COLUMNS, ROWS)
    painter = Painter(emulator.colours.palette, BASE, Style(), direct=True)
    for _ in range(6_000):
        emulator.feed(b"".join(dice.choices(pieces, k=dice.randrange(1, 12))))
        if dice.random() < 0.05:
            for line in emulator.take_damage().lines.values():
                strip = painter.line(line, COLUMNS)
                assert strip.text.isprintable() or not any(ord(one) < 32 for one in strip.text)
                assert "\u202e" not in strip.text
            emulator.effects.told = False
            emulator.effects.notifications.clear()
            emulator.take_title()
            emulator.take_replies()
    # A callback that raises tells it on stderr, for nobody can catch it.
    assert capfd.readouterr().err == ""
