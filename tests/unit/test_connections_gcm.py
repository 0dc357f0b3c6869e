"""AES-GCM packets are those of the library, which are those of every other SSH program."""

import os

import pytest
from asyncssh.encryption import BasicEncryption, Encryption, get_encryption

from sshdash.connections.transport.gcm import GCM

KEY = os.urandom(16)


def library(nonce: bytes) -> Encryption:
    return get_encryption(b"aes128-gcm@openssh.com", KEY, nonce)


def taken_over(nonce: bytes) -> GCM:
    ours = GCM.take_over(library(nonce))
    assert isinstance(ours, GCM)
    return ours


@pytest.mark.parametrize("counter", [0, 2**64 - 2])
def test_it_goes_on_where_the_library_is_also_when_the_counter_wraps(counter: int) -> None:
    nonce = b"once" + counter.to_bytes(8, "big")
    theirs, ours, opener = library(nonce), library(nonce), taken_over(nonce)
    assert ours.encrypt_packet(0, b"head", b"first") == theirs.encrypt_packet(0, b"head", b"first")
    ours = GCM.take_over(ours)  # type: ignore[assignment]
    assert isinstance(ours, GCM)
    opener.open(b"", bytes(16))
    for number in range(1, 5):
        body, mac = theirs.encrypt_packet(number, b"head", b"packet %d" % number)
        assert b"".join(ours.encrypt_packet(number, b"head", b"packet %d" % number)) == body + mac
        assert opener.open(b"head", memoryview(body[4:] + mac)) == b"packet %d" % number


def test_what_was_changed_is_not_opened_and_the_next_packet_is() -> None:
    sealer, opener = taken_over(bytes(12)), taken_over(bytes(12))
    sealed = bytearray(sealer.seal(b"head", b"packet"))
    sealed[0] ^= 1
    assert opener.open(b"head", bytes(sealed)) is None
    assert opener.open(b"head", sealer.seal(b"head", b"packet")) == b"packet"
    assert opener.open(b"tail", sealer.seal(b"head", b"packet")) is None


@pytest.mark.parametrize("older", [False, True])
def test_a_packet_is_opened_into_its_place(older: bool) -> None:
    sealer, opener = taken_over(bytes(12)), taken_over(bytes(12))
    if older:
        opener._decrypt_into = None  # as with older versions of the library of ciphers
    place = memoryview(bytearray(8))
    sealed = sealer.seal(b"head", b"packet")
    assert opener.open_into(b"head", sealed, place[1:7])
    assert bytes(place) == b"\0packet\0"
    changed = bytearray(sealer.seal(b"head", b"forged"))
    changed[0] ^= 1
    assert not opener.open_into(b"head", changed, place[1:7])
    assert opener.open_into(b"head", sealer.seal(b"head", b"third!"), place[1:7])
    assert bytes(place) == b"\0third!\0"


def test_no_two_packets_are_sealed_alike() -> None:
    sealer = taken_over(os.urandom(12))
    assert len({sealer.seal(b"head", b"same") for _ in range(100)}) == 100


def test_an_opened_packet_is_handed_over_once() -> None:
    sealer, opener = taken_over(bytes(12)), taken_over(bytes(12))
    opener.hand_over(b"opened before")
    assert opener.decrypt_packet(0, b"", b"", 4, b"") == b"opened before"
    packet = b"0123456789abcdef"
    body, _ = sealer.encrypt_packet(0, b"head", packet)
    assert opener.decrypt_packet(0, body[:16], body[16:-16], 4, body[-16:]) == packet


def test_other_ciphers_are_left_to_the_library() -> None:
    other = get_encryption(b"aes128-ctr", KEY, bytes(16), b"hmac-sha2-256", bytes(32))
    assert isinstance(other, BasicEncryption)
    assert GCM.take_over(other) is other
    assert GCM.take_over(None) is None
    assert "key" not in repr(taken_over(bytes(12)))


@pytest.mark.parametrize("older", [False, True])
def test_sealing_in_place_is_sealing(older: bool) -> None:
    one, other = taken_over(bytes(12)), taken_over(bytes(12))
    if older:
        one._encrypt_into = None
    room = memoryview(bytearray(40))
    one.seal_into(b"head", b"packet", room[10:32])
    assert bytes(room) == bytes(10) + other.seal(b"head", b"packet") + bytes(8)
    one.seal_into(b"head", b"packet", room[10:32])
    assert bytes(room[10:32]) == other.seal(b"head", b"packet")
