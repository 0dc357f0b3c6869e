"""How a proxy tells its clients' dialects apart, and that no bytes at all upset it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshdash.tunnels.proxy.handshake import Handshake
from sshdash.tunnels.proxy.http_proxy import LONGEST_HEAD
from tests.unit.handshake_kit import CUTS, fed

SOCKS5 = b"\x05\x01\x00"
BEGINNINGS = (
    b"",
    SOCKS5,
    SOCKS5 + b"\x05\x01\x00\x03",
    b"\x05\x01\x02\x01",
    b"\x04\x01\x00\x50\x00\x00\x00\x01",
    b"CONNECT ",
    b"CONNECT db:5432 HTTP/1.1\r\n",
    b"GET /proxy.pac HTTP/1.1\r\nHost: ",
    b"GET http://",
    b"GET http://a/ HTTP/1.1\r\nA: ",
    b"S",
    b"SSH-",
)
BYTES = st.builds(bytes.__add__, st.sampled_from(BEGINNINGS), st.binary(max_size=1500))
LINES = st.lists(
    st.sampled_from(
        [b"CONNECT", b" ", b"a:1", b"[::1]:2", b"HTTP/1.1", b"\r\n", b"\n", b"\0", b"x"]
    )
).map(b"".join)


@given(data=BYTES | LINES, cuts=CUTS)
@example(data=SOCKS5 + b"\x05\x01\x00\x03\x03a\0b\0\x50", cuts=[])
@example(data=b"\x04" + b"\x01" * 1400, cuts=[3])
@example(data=b"CONNECT [fe80::1%a\0b]:80 HTTP/1.1\r\n\r\n", cuts=[])
@example(data=b"A" * 9000, cuts=[8192])
def test_any_bytes_end_in_a_sane_state_whatever_the_cuts(data: bytes, cuts: list[int]) -> None:
    whole, whole_answer = fed(data, [])
    pieces, pieces_answer = fed(data, cuts)
    assert pieces_answer == whole_answer
    assert (pieces.request, pieces.error, pieces.done, pieces.rest) == (
        (whole.request, whole.error, whole.done, whole.rest)
    )
    assert len(whole_answer) <= 2048
    if whole.request:
        host = whole.request.host
        assert 0 < len(host) <= 255
        assert all(0x21 <= ord(char) <= 0x7E for char in host)
        assert 0 < whole.request.port <= 65535
        assert not whole.error


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
        (b"\x06\x01\x00", "neither"),
        (b"\x00", "neither"),
        (b"*1\r\n$4\r\nPING\r\n", "neither"),
        (b"get / http/1.1\r\n", "neither"),
        (b"Hello there", "neither"),
        (b"HELLO\r\n", "neither"),
        (b"A" * 25, "neither"),
    ],
)
def test_other_protocols_are_closed_at_once_and_named(said: bytes, reason: str) -> None:
    handshake, answer = fed(said, [])
    assert answer == b""
    assert handshake.done
    assert reason in handshake.error


@pytest.mark.parametrize(
    "endless", [b"x", b"\x01", b"A: b\r\n"], ids=["letters", "ones", "headers"]
)
@pytest.mark.parametrize(
    "start", [b"\x04\x01\x00\x50\x01\x02\x03\x04", b"CONNECT a:1 HTTP/1.1\r\nA: "]
)
def test_an_endless_handshake_is_ended(start: bytes, endless: bytes) -> None:
    handshake = Handshake()
    handshake.feed(start)
    fed_in = 0
    while not handshake.done:
        handshake.feed(endless)
        fed_in += len(endless)
        assert fed_in <= LONGEST_HEAD
    assert "too long" in handshake.error


def test_a_password_is_not_in_its_words() -> None:
    handshake = Handshake()
    handshake.feed(b"\x05\x01\x02\x01\x02me\x06secret")
    assert "secret" not in repr(handshake)
    handshake.feed(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50")
    assert "127.0.0.1" in repr(handshake)
    assert "secret" not in repr(handshake)


def test_what_went_wrong_is_told_by_who_gave_up() -> None:
    handshake = Handshake()
    assert handshake.mishap(left=True) == "", "it has only looked"
    assert "took too long" in handshake.mishap(left=False)
    handshake.feed(b"\x05")
    assert "middle of its request" in handshake.mishap(left=True)
    handshake.feed(b"\x00")
    assert "no way to log in" in handshake.mishap(left=True)
    served = Handshake()
    served.feed(b"GET / HTTP/1.1\r\n\r\n")
    assert served.mishap(left=True) == ""
