"""The SOCKS parser, which reads whatever strangers send."""

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshdash.tunnels.refusal import Refusal
from sshdash.tunnels.socks import Handshake, Request

GREETING = b"\x05\x01\x00"


def fed(data: bytes, cuts: list[int]) -> tuple[Handshake, bytes]:
    """Feed data in pieces; return the handshake and everything it answered."""
    handshake = Handshake()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    answer, rest = b"", b""
    for start, end in pairwise(edges):
        if handshake.done:
            rest += data[start:end]
        else:
            answer += handshake.feed(data[start:end])
    handshake.rest += rest
    return handshake, answer


NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
PORTS = st.integers(1, 65535)
CUTS = st.lists(st.integers(0, 400), max_size=6)


@given(name=NAMES, port=PORTS, early=st.binary(max_size=50), cuts=CUTS)
def test_socks5_name_at_any_cut(name: str, port: int, early: bytes, cuts: list[int]) -> None:
    packed = name.encode()
    request = b"\x05\x01\x00\x03" + bytes((len(packed),)) + packed + port.to_bytes(2, "big")
    handshake, answer = fed(GREETING + request + early, cuts)
    assert handshake.request == Request(5, name, port)
    assert (answer, handshake.rest, handshake.error) == (b"\x05\x00", early, "")


@given(address=st.ip_addresses(), port=PORTS, early=st.binary(max_size=50), cuts=CUTS)
def test_socks5_address_at_any_cut(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    port: int,
    early: bytes,
    cuts: list[int],
) -> None:
    kind = b"\x01" if address.version == 4 else b"\x04"
    request = b"\x05\x01\x00" + kind + address.packed + port.to_bytes(2, "big")
    handshake, _ = fed(GREETING + request + early, cuts)
    assert handshake.request == Request(5, str(address), port)
    assert handshake.rest == early


@given(name=NAMES, user=st.binary(max_size=200), port=PORTS, cuts=CUTS)
def test_socks4a_at_any_cut(name: str, user: bytes, port: int, cuts: list[int]) -> None:
    user = user.replace(b"\0", b"")
    start = b"\x04\x01" + port.to_bytes(2, "big") + b"\0\0\0\x07" + user + b"\0"
    handshake, answer = fed(start + name.encode() + b"\0early", cuts)
    assert handshake.request == Request(4, name, port)
    assert (answer, handshake.rest) == (b"", b"early")


@given(data=st.binary(max_size=1500), cuts=CUTS)
@example(data=GREETING + b"\x05\x01\x00\x03\x03a\0b\0\x50", cuts=[])
@example(data=b"\x04" + b"\x01" * 1400, cuts=[3])
def test_any_bytes_end_in_a_sane_state(data: bytes, cuts: list[int]) -> None:
    handshake, answer = fed(data, cuts)
    assert len(answer) <= 12
    if handshake.request:
        host = handshake.request.host
        assert 0 < len(host) <= 255
        assert host.isascii()
        assert host.isprintable()
        assert " " not in host
        assert 0 < handshake.request.port <= 65535
        assert not handshake.error
    elif not handshake.error:
        assert len(handshake._buffer) <= 1024


def test_an_endless_handshake_is_ended() -> None:
    handshake = Handshake()
    for _ in range(300):
        handshake.feed(b"\x04\x01\x00\x50\x01\x02\x03\x04" if not handshake._buffer else b"x")
        if handshake.error:
            break
    assert "too long" in handshake.error


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (None, 0),
        (Refusal.OTHER, 1),
        (Refusal.LOST, 1),
        (Refusal.SHORTAGE, 1),
        (Refusal.PROHIBITED, 2),
        (Refusal.NETWORK_UNREACHABLE, 3),
        (Refusal.HOST_UNREACHABLE, 4),
        (Refusal.UNKNOWN_NAME, 4),
        (Refusal.TIMED_OUT, 4),
        (Refusal.REFUSED, 5),
    ],
)
def test_replies(refusal: Refusal | None, code: int) -> None:
    reply = Request(5, "host", 80).reply(refusal)
    assert reply == bytes((5, code, 0, 1)) + bytes(6)
    assert Request(4, "host", 80).reply(refusal)[:2] == bytes((0, 91 if refusal else 90))
