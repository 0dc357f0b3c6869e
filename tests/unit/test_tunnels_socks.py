"""SOCKS as the handshake of a proxy reads it, which is whatever strangers send."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.tunnels.forwards.refusal import Refusal
from sshdash.tunnels.proxy.handshake import Handshake
from sshdash.tunnels.proxy.socks import SocksRequest
from tests.unit.handshake_kit import CUTS, NAMES, PORTS, fed

GREETING = b"\x05\x01\x00"


@given(name=NAMES, port=PORTS, early=st.binary(max_size=50), cuts=CUTS)
def test_socks5_name_at_any_cut(name: str, port: int, early: bytes, cuts: list[int]) -> None:
    packed = name.encode()
    request = b"\x05\x01\x00\x03" + bytes((len(packed),)) + packed + port.to_bytes(2, "big")
    handshake, answer = fed(GREETING + request + early, cuts)
    assert handshake.request == SocksRequest(name, port, 5)
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
    assert handshake.request == SocksRequest(str(address), port, 5)
    assert handshake.rest == early


@given(user=st.binary(max_size=255), password=st.binary(max_size=255), early=st.binary(), cuts=CUTS)
def test_any_user_and_password_will_do_and_are_forgotten(
    user: bytes, password: bytes, early: bytes, cuts: list[int]
) -> None:
    login = b"\x01" + bytes((len(user),)) + user + bytes((len(password),)) + password
    request = b"\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50"
    handshake, answer = fed(b"\x05\x02\x01\x02" + login + request + early, cuts)
    assert answer == b"\x05\x02\x01\x00"
    assert handshake.request == SocksRequest("10.0.0.1", 80, 5)
    assert handshake.rest == early


def test_no_password_is_asked_for_where_none_is_needed() -> None:
    assert Handshake().feed(b"\x05\x03\x02\x01\x00") == b"\x05\x00"


@given(name=NAMES, user=st.binary(max_size=200), port=PORTS, cuts=CUTS)
def test_socks4a_at_any_cut(name: str, user: bytes, port: int, cuts: list[int]) -> None:
    user = user.replace(b"\0", b"")
    start = b"\x04\x01" + port.to_bytes(2, "big") + b"\0\0\0\x07" + user + b"\0"
    handshake, answer = fed(start + name.encode() + b"\0early", cuts)
    assert handshake.request == SocksRequest(name, port, 4)
    assert (answer, handshake.rest) == (b"", b"early")


def test_the_longest_name_and_user_are_served() -> None:
    name = b"n" * 255
    handshake, _ = fed(GREETING + b"\x05\x01\x00\x03\xff" + name + b"\0\x50", [])
    assert handshake.request == SocksRequest(name.decode(), 80, 5)
    start = b"\x04\x01\0\x50\0\0\0\x01"
    handshake, _ = fed(start + b"u" * 255 + b"\0" + name + b"\0", [])
    assert handshake.request == SocksRequest(name.decode(), 80, 4)
    handshake, _ = fed(start + b"\0" + name + b"n\0", [])
    assert "too long" in handshake.error


def test_only_an_address_that_is_none_is_followed_by_a_name() -> None:
    for address, host in ((bytes(4), "0.0.0.0"), (b"\0\0\x01\x01", "0.0.1.1")):
        handshake, _ = fed(b"\x04\x01\0\x50" + address + b"\0early\0", [])
        assert handshake.request == SocksRequest(host, 80, 4)
        assert handshake.rest == b"early\0"


@pytest.mark.parametrize("byte", range(256))
def test_of_a_name_only_printable_ascii_is_sent(byte: int) -> None:
    name = b"a" + bytes((byte,)) + b"z"
    handshake, told = fed(GREETING + b"\x05\x01\x00\x03\x03" + name + b"\0\x50", [])
    if 0x20 < byte < 0x7F:
        assert handshake.request == SocksRequest(name.decode(), 80, 5)
    else:
        assert handshake.request is None
        assert told == b"\x05\x00" + b"\x05\x04\x00\x01" + bytes(6)


@pytest.mark.parametrize(
    ("said", "answer", "reason"),
    [
        (GREETING + b"\x05\x02\x00\x01", b"\x05\x00\x05\x07", "asked for BIND"),
        (GREETING + b"\x05\x03\x00\x01", b"\x05\x00\x05\x07", "asked for UDP ASSOCIATE"),
        (GREETING + b"\x05\xf0\x00\x01", b"\x05\x00\x05\x07", "asked for command 240"),
        (GREETING + b"\x05\x01\x00\x07", b"\x05\x00\x05\x08", "unknown kind of address"),
        (GREETING + b"\x04\x01\x00\x01", b"\x05\x00\x05\x01", "changed its version"),
        (GREETING + b"\x05\x01\x00\x01\x7f\0\0\x01\0\0", b"\x05\x00\x05\x01", "port 0"),
        (b"\x05\x01\x03", b"\x05\xff", "a login that is not served"),
        (b"\x05\x00", b"", "no way to log in"),
        (b"\x05\x01\x02\x05\x01a\x01b", b"\x05\x02\x01\x01", "garbled its login"),
        (b"\x04\x02\x00\x50\x7f\x00\x00\x01", b"\x00\x5b", "asked for BIND"),
        (b"\x04\x01\x00\x00\x7f\x00\x00\x01\0", b"\x00\x5b", "port 0"),
        (b"\x04\x01\x00\x50\x00\x00\x00\x01\0\0", b"\x00\x5b", "bad host name"),
        (b"\x04\x01\x00\x50\x7f\x00\x00\x01" + b"u" * 256, b"\x00\x5b", "too long"),
    ],
)
def test_what_cannot_be_served_is_said_to_both_sides(
    said: bytes, answer: bytes, reason: str
) -> None:
    for cuts in ([], list(range(1, len(said)))):
        handshake, told = fed(said, cuts)
        assert told.startswith(answer)
        assert bool(told) == bool(answer)
        assert reason in handshake.error
        assert handshake.done
        assert handshake.request is None


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
    reply = SocksRequest("host", 80, 5).reply(refusal)
    assert reply == bytes((5, code, 0, 1)) + bytes(6)
    assert SocksRequest("host", 80, 4).reply(refusal)[:2] == bytes((0, 91 if refusal else 90))
