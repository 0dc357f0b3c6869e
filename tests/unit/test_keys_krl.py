"""Revocation lists and certificates: what they say, and that damage never goes unnoticed."""

import hashlib
import struct
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.keys.certificate import Certificate, parse_certificate, plain_blob, plain_type
from sshdash.keys.krl import KRL, MAGIC, BadKRL, parse_krl
from sshdash.keys.revoked import load_revoked
from sshdash.keys.wire import BadWire, string

KEY, OTHER, CA, CA2 = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(4))
BLOB = KEY.public_data


def certificate(serial: int = 7, key_id: str = "web", authority: asyncssh.SSHKey = CA) -> bytes:
    made = authority.generate_host_certificate(KEY, key_id, serial=serial, principals=["web"])
    return made.public_data


def read(serial: int = 7, key_id: str = "web", authority: asyncssh.SSHKey = CA) -> Certificate:
    return parse_certificate(certificate(serial, key_id, authority))


def krl(*sections: tuple[int, bytes], version: int = 1) -> bytes:
    head = struct.pack(">IQQQ", version, 3, 1_700_000_000, 0) + string(b"") + string(b"ours")
    return MAGIC + head + b"".join(bytes([kind]) + string(data) for kind, data in sections)


def of_authority(authority: bytes, *parts: tuple[int, bytes]) -> tuple[int, bytes]:
    inner = b"".join(bytes([kind]) + string(data) for kind, data in parts)
    return 1, string(authority) + string(b"") + inner


def numbers(*serials: int) -> bytes:
    return struct.pack(f">{len(serials)}Q", *serials)


def bitmap(offset: int, *bits: int) -> bytes:
    whole = sum(1 << bit for bit in bits)
    return numbers(offset) + string(whole.to_bytes(whole.bit_length() // 8 + 1, "big"))


CA_BLOB = CA.public_data


def test_the_head_of_a_list() -> None:
    assert parse_krl(krl()) == KRL(3, 1_700_000_000, b"ours")
    assert parse_krl(krl()).revokes(BLOB, read()) == ""


@pytest.mark.parametrize(
    ("section", "how"),
    [
        ((2, string(BLOB)), "by name"),
        ((3, string(hashlib.sha1(BLOB).digest())), "by its SHA1 fingerprint"),
        ((5, string(hashlib.sha256(BLOB).digest())), "by its SHA256 fingerprint"),
        ((2, string(CA_BLOB)), "the key of its authority by name"),
        ((5, string(hashlib.sha256(CA_BLOB).digest())), "the key of its authority by its SHA256"),
        (of_authority(CA_BLOB, (0x20, numbers(1, 7, 9))), "its certificate by its serial number"),
        (of_authority(CA_BLOB, (0x21, numbers(5, 8))), "its certificate by its serial number"),
        (of_authority(CA_BLOB, (0x22, bitmap(4, 0, 3))), "its certificate by its serial number"),
        (of_authority(CA_BLOB, (0x23, string(b"web"))), "its certificate by its key ID"),
        (of_authority(b"", (0x20, numbers(7))), "its certificate by its serial number"),
        (of_authority(b"", (0x23, string(b"a") + string(b"web"))), "its certificate by its key ID"),
    ],
)
def test_every_way_to_revoke(section: tuple[int, bytes], how: str) -> None:
    assert parse_krl(krl(section)).revokes(BLOB, read()).startswith(how)


@pytest.mark.parametrize(
    "section",
    [
        (2, string(OTHER.public_data)),
        of_authority(CA2.public_data, (0x20, numbers(7)), (0x23, string(b"web"))),
        of_authority(CA_BLOB, (0x21, numbers(8, 2**64 - 1)), (0x20, numbers(6))),
        of_authority(CA_BLOB, (0x22, bitmap(4, 0, 1, 2, 4))),
        of_authority(CA_BLOB, (0x23, string(b"we") + string(b"webs"))),
        (255, string(b"x@example.com") + b"\0" + string(b"anything")),
        of_authority(b"", (0x39, string(b"x@example.com") + b"\0" + string(b""))),
    ],
)
def test_what_is_not_revoked(section: tuple[int, bytes]) -> None:
    assert parse_krl(krl(section)).revokes(BLOB, read()) == ""


def test_the_serial_number_zero_is_nobodys() -> None:
    section = of_authority(CA_BLOB, (0x21, numbers(0, 10)))
    assert parse_krl(krl(section)).revokes(BLOB, read(serial=0)) == ""
    assert parse_krl(krl(section)).revokes(BLOB, read(serial=1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        MAGIC,
        krl(version=2),
        krl() + b"\0",
        krl((9, b"")),
        krl((4, b"")),
        krl((3, string(b"short"))),
        krl((5, string(b"x" * 33))),
        krl((2, b"\0\0\0\5abc")),
        krl((255, string(b"x") + b"\1" + string(b""))),
        krl((255, string(b"x") + b"\0" + string(b"") + b"more")),
        krl(of_authority(CA_BLOB, (0x24, b""))),
        krl(of_authority(CA_BLOB, (0x20, b"1234567"))),
        krl(of_authority(CA_BLOB, (0x20, numbers(0)))),
        krl(of_authority(CA_BLOB, (0x21, numbers(9, 8)))),
        krl(of_authority(CA_BLOB, (0x21, numbers(1, 2, 3)))),
        krl(of_authority(CA_BLOB, (0x22, bitmap(2**64 - 2, 5)))),
        krl(of_authority(CA_BLOB, (0x22, numbers(1) + string(b"\xff")))),
        krl(of_authority(CA_BLOB, (0x22, numbers(1) + string(b"\1" * 2049)))),
        krl(of_authority(CA_BLOB, (0x23, string(b"a\0b")))),
        krl(of_authority(CA_BLOB, (0x39, string(b"x") + b"\1" + string(b"")))),
        krl(of_authority(b"xx")),
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadKRL):
        parse_krl(data)
    if data.startswith(MAGIC):
        file = tmp_path / "krl"
        file.write_bytes(data)
        with pytest.raises(ValueError, match="krl cannot be used"):
            load_revoked(file)


WHOLE = krl(
    (2, string(BLOB)),
    (5, string(hashlib.sha256(CA_BLOB).digest())),
    of_authority(CA_BLOB, (0x20, numbers(1, 7)), (0x22, bitmap(4, 0, 3)), (0x23, string(b"web"))),
)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_list_cut_anywhere_is_refused_or_whole_to_there(size: int) -> None:
    try:
        parse_krl(WHOLE[:size])
    except BadKRL:
        return
    starts = [len(krl()), len(krl((2, string(BLOB))))]
    starts.append(len(krl((2, string(BLOB)), (5, string(b"x" * 32)))))
    assert size in starts


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_list_with_any_byte_changed_parses_or_is_refused(at: int, byte: int) -> None:
    data = bytearray(WHOLE)
    data[at] = byte
    try:
        parse_krl(bytes(data)).revokes(BLOB, read())
    except BadKRL:
        return


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_refused(data: bytes) -> None:
    try:
        parse_krl(krl() + data)
    except BadKRL:
        return


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)), max_size=20), st.integers(1, 70))
def test_ranges_in_any_order_name_each_number_in_them(
    ranges: list[tuple[int, int]], serial: int
) -> None:
    parts = [(0x21, numbers(first, first + more)) for first, more in ranges]
    found = parse_krl(krl(of_authority(CA_BLOB, *parts))).revokes(BLOB, read(serial))
    assert bool(found) is any(first <= serial <= first + more for first, more in ranges)


# -- certificates -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ssh-dss"])
def test_a_certificate_is_about_the_key_in_it(kind: str) -> None:
    key = asyncssh.generate_private_key(kind)
    made = CA.generate_host_certificate(key, "id", serial=9, principals=["a", "b"])
    found = parse_certificate(made.public_data)
    assert found.key == plain_blob(made.public_data) == key.public_data
    assert plain_blob(found.key) == found.key
    assert (found.serial, found.key_id, found.kind) == (9, b"id", 2)
    assert found.principals == (b"a", b"b")
    assert found.authority == CA_BLOB
    assert found.signature_type == "ssh-ed25519"
    assert found.fault("a") == ""
    assert "another name: a, b, not for c" in found.fault("c")


@pytest.mark.parametrize(
    ("alone", "name"),
    [
        ("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"),
        ("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com"),
        ("ssh-rsa", "ssh-rsa"),
    ],
)
def test_plain_types(alone: str, name: str) -> None:
    assert plain_type(name) == alone


@given(st.data())
def test_a_damaged_certificate_is_read_or_refused(data: st.DataObject) -> None:
    blob = bytearray(certificate())
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    try:
        found = parse_certificate(bytes(blob))
    except BadWire:
        return
    found.fault("web")
    assert isinstance(found.names, str)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_certificate_or_refused(data: bytes) -> None:
    for blob in (data, string(b"ssh-ed25519-cert-v01@openssh.com") + data):
        try:
            parse_certificate(blob)
        except BadWire:
            continue
