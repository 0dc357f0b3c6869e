"""What a terminal answers: numbers in known shapes, never what a remote has chosen."""

import pytest

from sshdash.terminal.emulator import Emulator
from sshdash.terminal.replies import PER_SECOND, Replies

PAYLOAD = b"payload"


def answer(data: bytes) -> bytes:
    emulator = Emulator(80, 24)
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
    assert all(byte in b"\x1b[?>=;0123456789$cnRtuy" for byte in reply), reply
    assert b"\r" not in reply
    assert b"\n" not in reply


@pytest.mark.parametrize(
    "query",
    [b"\x05", b"\x1b[21t", b"\x1b]52;c;?\x07", b"\x1b[>q", b"\x1bP$qm\x1b\\", b"\x1b]11;?\x07"],
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


def test_replies_are_taken_once() -> None:
    replies = Replies(limit=10)
    replies.add(b"\x1b[0n")
    replies.add(b"\x1b[0n")
    replies.add(b"\x1b[0n")
    assert replies.take() == b"\x1b[0n\x1b[0n"
    assert replies.take() == b""


@pytest.mark.parametrize(
    "reply", [b"\x1b[0n\n", b"\x1b[0nrm", b"rm\r", b"\x1b]l title\x1b\\", b"\x1bP1$rm\x1b\\", b""]
)
def test_other_shapes_are_dropped(reply: bytes) -> None:
    replies = Replies()
    replies.add(reply)
    assert replies.take() == b""
