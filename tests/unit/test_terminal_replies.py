"""What a terminal answers: numbers in known shapes, never what a remote has chosen."""

import re

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.replies import PER_SECOND, Replies

PAYLOAD = b"payload"


KNOWN = re.compile(
    rb"(?:\x1b\[[?>=;0-9$]*[cnRtuy]"
    rb"|\x1b\](?:4;[0-9]+|1[0-2]);rgb:[0-9a-f]{4}/[0-9a-f]{4}/[0-9a-f]{4}(?:\x07|\x1b\\)"
    rb"|\x1bP(?:1\$r[0-9;:]+m|0\$r|!\|00000000|>\|libghostty)\x1b\\)*"
)
"""What may be sent to a remote that has asked for anything at all."""


def answer(data: bytes) -> bytes:
    emulator = Emulator(80, 24)
    emulator.colours.set_palette([(1, 2, 3)] * 16)
    emulator.colours.set_theme((0xC3, 0xC9, 0xD6), (0x11, 0x14, 0x1A))
    emulator.feed(data)
    return emulator.take_replies()


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1b[>c", b"\x1b[>1;10;0c"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"\x1b[3;7H\x1b[6n", b"\x1b[3;7R"),
        (b"\x1b[18t", b"\x1b[8;24;80t"),
        (b"\x1b[14t", b"\x1b[4;384;640t"),
        (b"\x1b[16t", b"\x1b[6;16;8t"),
        (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
        (b"\x1b[?9999$p", b"\x1b[?9999;0$y"),
        (b"\x1b[?u", b"\x1b[?0u"),
        (b"\x1b[?996n", b"\x1b[?997;1n"),
        (b"\x1b[=c", b"\x1bP!|00000000\x1b\\"),
        (b"\x1b[>q", b"\x1bP>|libghostty\x1b\\"),
        (b"\x1b]10;?\x07", b"\x1b]10;rgb:c3c3/c9c9/d6d6\x07"),
        (b"\x1b]11;?\x1b\\", b"\x1b]11;rgb:1111/1414/1a1a\x1b\\"),
        (b"\x1b]12;?\x07", b"\x1b]12;rgb:c3c3/c9c9/d6d6\x07"),
        (b"\x1b]11;#102030\x07\x1b]11;?\x07", b"\x1b]11;rgb:1010/2020/3030\x07"),
        (
            b"\x1b]4;1;?;2;?\x07",
            b"\x1b]4;1;rgb:0101/0202/0303\x07\x1b]4;2;rgb:0101/0202/0303\x07",
        ),
        (b"\x1b[1;31m\x1bP$qm\x1b\\", b"\x1bP1$r0;1;31m\x1b\\"),
        (b"\x1b[2;9r\x1bP$qr\x1b\\", b"\x1bP1$r2;9r\x1b\\"),
        (b"\x1b[4 q\x1bP$q q\x1b\\", b"\x1bP1$r4 q\x1b\\"),
        (b'\x1bP$q"p\x1b\\', b"\x1bP0$r\x1b\\"),
        (b"\x1bP+q436f\x1b\\", b"\x1bP1+r436F=323536\x1b\\"),
        (b"\x1bP+q5463;524742\x1b\\", b"\x1bP1+r5463\x1b\\\x1bP1+r524742=38\x1b\\"),
    ],
)
def test_what_is_answered(query: bytes, reply: bytes) -> None:
    assert answer(query) == reply


@pytest.mark.parametrize(
    "attack",
    [
        b"\x1b]0;payload\x07\x1b[21t",
        b"\x1b]2;payload\x1b\\\x1b[20t",
        b"\x1b]L payload\x1b\\\x1b[21t",
        b"\x1bP$qpayload\x1b\\",
        b'\x1bP$q"p;payload\x1b\\',
        b"\x1bP$q0;payload\nm\x1b\\",
        b"\x1bP+qpayload\x1b\\",
        b"\x1bP+q7061796c6f6164\x1b\\",
        b"\x1bP+q544e\x1b\\",
        b"\x1b]50;payload\x07\x1b]50;?\x07",
        b"\x1b]52;c;cGF5bG9hZA==\x07\x1b]52;c;?\x07",
        b"\x1b]5522;type=read;payload\x1b\\",
        b"\x1bG payload\r",
        b"\x05",
        b"\x1bZ",
        b"\x1b[1;1;1;1;1;1*y",
        b"\x1b[>q",
        b"\x1b[=c",
        b"\x1b]4;1;?\x07",
        b"\x1b]4;1;rgb:pa/yl/oa\x07\x1b]4;1;?\x07",
        b"\x1b]10;?\x07\x1b]11;?\x07\x1b]12;?\x07",
        b"\x1b[19t\x1b[20t\x1b[21t\x1b[13t\x1b[11t",
        b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
        b"\x1b_Gi=1,a=q,t=f;L2V0Yy9wYXNzd2Q=\x1b\\",
        b"\x1b_payload\x1b\\\x1b^payload\x1b\\\x1bXpayload\x1b\\",
        b"\x1b]9;payload\x07\x1b]777;notify;payload;payload\x07\x1b]99;;payload\x1b\\",
        b"\x1b]7;file://payload/\x07\x1b]1337;ReportCellSize\x07",
        b"\x1b]1337;ReportVariable=payload\x07\x1b]1337;File=inline=1:payload\x07",
        b"\x1b]3008;payload\x1b\\\x1b]66;payload\x1b\\\x1b]21;payload=?\x1b\\",
        b"\x1b[?1$p\x1b[payload$p\x1b[?15n\x1b[?25n\x1b[?26n\x1b[?55n\x1b[?62n\x1b[?63n",
    ],
)
def test_attacks_are_not_answered_with_what_they_bring(attack: bytes) -> None:
    reply = answer(attack)
    assert PAYLOAD not in reply
    assert b"7061796c6f6164" not in reply
    assert b"cGF5" not in reply
    assert KNOWN.fullmatch(reply), reply
    assert b"\r" not in reply
    assert b"\n" not in reply


@pytest.mark.parametrize(
    "query",
    [
        b"\x05",
        b"\x1b[20t",
        b"\x1b[21t",
        b"\x1b]52;c;?\x07",
        b"\x1b]5522;type=read;dGV4dC9wbGFpbg==\x1b\\",
        b"\x1b]5522;type=write\x1b\\\x1b]5522;type=wdata\x1b\\",
        b"\x1b]21;foreground=?\x1b\\",
        b"\x1b]50;?\x07",
        b"\x1b]22;?__current__\x07",
        b"\x1b]99;i=x:p=?;\x1b\\",
        b"\x1bP+q7061796c6f6164\x1b\\",
        b"\x1bP+q7061796c6f6164;6d3b6964\x1b\\",
        b"\x1bP$qpayload\x1b\\",
        b"\x1b_Ga=q,i=1;AAAA\x1b\\",
        b"\x1b[1;1;1;1;1;1*y",
        b"\x1b[1$w",
        b"\x1b[x",
    ],
)
def test_what_is_never_answered(query: bytes) -> None:
    assert answer(query) == b""


def test_a_flood_of_queries_is_bounded() -> None:
    assert len(answer(b"\x1b[6n" * 100_000)) <= 4096


def test_what_is_answered_in_a_second_is_bounded() -> None:
    now = 0.0
    replies = Replies(clock=lambda: now)
    answered = 0
    for _ in range(1000):
        for _ in range(1000):
            replies.add(b"\x1b[0n")
        answered += len(replies.take())
        now += 0.01
    assert answered <= 10 * PER_SECOND + 4096
    assert answered >= 9 * PER_SECOND


def test_who_waits_is_answered_again_after_a_flood() -> None:
    now = 0.0
    replies = Replies(clock=lambda: now)
    for _ in range(10_000):
        replies.add(b"\x1b[0n")
        replies.take()
    replies.add(b"\x1b[0n")
    assert replies.take() == b""
    now = 0.01
    replies.add(b"\x1b[0n")
    assert replies.take() == b"\x1b[0n"


def test_nothing_is_answered_about_a_capability_outside_the_list() -> None:
    for name in ("payload", "rs1", "acsc", "Ms", "flash", "\n", ";rm -rf ~\r"):
        assert answer(b"\x1bP+q%s\x1b\\" % name.encode().hex().encode()) == b""


def test_replies_are_taken_once() -> None:
    replies = Replies(limit=10)
    replies.add(b"\x1b[0n")
    replies.add(b"\x1b[0n")
    replies.add(b"\x1b[0n")
    assert replies.take() == b"\x1b[0n\x1b[0n"
    assert replies.take() == b""


@pytest.mark.parametrize(
    "reply",
    [
        b"\x1b[0n\n",
        b"\x1b[0nrm",
        b"rm\r",
        b"\x1b]l title\x1b\\",
        b"\x1bP1$rm\x1b\\",
        b"\x1bP1$r0m rm\x1b\\",
        b"\x1bP1+r7061=7061\x1b\\",
        b"\x1bP1+r436F=id\x1b\\",
        b"\x1bP>|payload\x1b\\",
        b"\x1bP!|7061796C\x1b\\",
        b"\x1b]11;rgb:pay/loa/d\x07",
        b"\x1b]11;rgb:1010/2020/3030",
        b"\x1b]11;rgb:1010/2020/3030\x07id\r",
        b"\x1b]13;rgb:1010/2020/3030\x07",
        b"\x1b]52;c;\x07",
        b"",
    ],
)
def test_other_shapes_are_dropped(reply: bytes) -> None:
    replies = Replies()
    replies.add(reply)
    assert replies.take() == b""
