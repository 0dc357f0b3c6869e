"""SSHFP: questions and answers of the DNS, and which keys records vouch for."""

import hashlib
import struct

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshdash.connections.trust.name_server import NameServers, read_resolv_conf
from sshdash.keys.sshfp import (
    SSHFP,
    Answer,
    BadMessage,
    Fingerprint,
    matches,
    question,
    read_answer,
)

KEY, OTHER = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
BLOB = KEY.public_data
ASKED = question("Web.Example.", 7, authentic=True, extended=True)
PLAIN = question("web.example", 7, authentic=False, extended=False)
OWNER = b"\xc0\x0c"
"""A pointer to the name in the question."""


def record(data: bytes, owner: bytes = OWNER, kind: int = SSHFP) -> bytes:
    return owner + struct.pack(">2HIH", kind, 1, 300, len(data)) + data


def reply(*records: bytes, flags: int = 0x8180, number: int = 7) -> bytes:
    body = PLAIN[12:]
    return struct.pack(">6H", number, flags, 1, len(records), 0, 0) + body + b"".join(records)


def sha256(blob: bytes) -> bytes:
    return hashlib.sha256(blob).digest()


def test_a_question_names_what_is_wanted() -> None:
    assert ASKED[:12] == struct.pack(">6H", 7, 0x0120, 1, 0, 0, 1)
    assert ASKED[12:25] == b"\x03Web\x07Example\0"
    assert ASKED[-11:] == b"\0" + struct.pack(">2HIH", 41, 1232, 0x8000, 0)
    assert PLAIN[:4] == struct.pack(">2H", 7, 0x0100)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "ü.example", ".".join(["x" * 60] * 5)])
def test_names_that_cannot_be_asked_about(name: str) -> None:
    with pytest.raises(BadMessage):
        question(name, 1, authentic=False, extended=False)


def test_an_answer_gives_its_records() -> None:
    data = bytes([4, 2]) + sha256(BLOB)
    found = read_answer(reply(record(data), record(b"\4\1x"), flags=0x81A0), ASKED)
    assert found == Answer((Fingerprint(4, 2, sha256(BLOB)), Fingerprint(4, 1, b"x")), True)
    assert not read_answer(reply(record(data)), PLAIN).is_authentic
    assert read_answer(reply(record(data), flags=0x8380), PLAIN) == Answer((), False, True)
    assert read_answer(reply(flags=0x8183), PLAIN) == Answer((), False)


def test_an_alias_is_followed_and_records_of_others_are_not_taken() -> None:
    target = b"\4host\xc0\x10"
    alias = record(target, kind=5)
    data = b"\4\2digest"
    spelled = b"\4host\7example\0"
    found = read_answer(reply(alias, record(data, spelled)), PLAIN)
    assert found.fingerprints == (Fingerprint(4, 2, b"digest"),)
    assert read_answer(reply(alias, record(data)), PLAIN).fingerprints == ()
    assert read_answer(reply(record(data, spelled)), PLAIN).fingerprints == ()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        reply(number=8),
        PLAIN,
        reply(flags=0x8182),
        reply(flags=0x8185),
        reply()[:20],
        reply().replace(b"web", b"wob"),
        reply(record(b"\4\2digest"))[:-1],
        reply(record(b"", owner=b"\xc0\x1d")),
        reply(record(b"", owner=b"\x80")),
    ],
)
def test_what_is_no_answer_is_refused(message: bytes) -> None:
    with pytest.raises(BadMessage):
        read_answer(message, PLAIN)


@given(st.binary(max_size=120))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    whole = struct.pack(">6H", 7, 0x8180, 1, 9, 0, 0) + PLAIN[12:] + data
    for message in (data, whole):
        try:
            read_answer(message, PLAIN)
        except BadMessage:
            continue


@pytest.mark.parametrize(
    ("records", "vouch"),
    [
        ([], False),
        ([(4, 2, sha256(BLOB))], True),
        ([(4, 1, hashlib.sha1(BLOB).digest())], True),
        ([(4, 2, sha256(BLOB)), (1, 2, sha256(OTHER.public_data))], True),
        ([(4, 2, sha256(BLOB)), (4, 2, sha256(OTHER.public_data))], False),
        ([(4, 2, sha256(OTHER.public_data))], False),
        ([(1, 2, sha256(BLOB))], False),
        ([(4, 9, sha256(BLOB))], False),
        ([(4, 2, sha256(BLOB)[:31])], False),
    ],
)
def test_which_records_vouch_for_a_key(records: list[tuple[int, int, bytes]], vouch: bool) -> None:
    assert matches([Fingerprint(*one) for one in records], BLOB) is vouch


@pytest.mark.parametrize("kind", ["ssh-rsa", "ecdsa-sha2-nistp384", "ssh-dss"])
def test_every_type_of_key_has_its_number(kind: str) -> None:
    blob = asyncssh.generate_private_key(kind).public_data
    number = {"ssh-rsa": 1, "ssh-dss": 2}.get(kind, 3)
    assert matches([Fingerprint(number, 2, sha256(blob))], blob)


@pytest.mark.parametrize(
    ("text", "more", "found"),
    [
        ("", "", NameServers()),
        (
            "# x\nnameserver 10.0.0.1 ; y\nnameserver bad\nnameserver fe80::1%eth0\nsearch a b\n",
            "",
            NameServers((("10.0.0.1", 53), ("fe80::1%eth0", 53))),
        ),
        ("nameserver 1.1.1.1\n" * 5, "", NameServers((("1.1.1.1", 53),) * 3)),
        ("options trust-ad edns0\n", "", NameServers(are_trusted=True, extended=True)),
        ("options timeout:3\noptions attempts:99", "", NameServers(seconds=3, attempts=5)),
        ("options timeout:x attempts:0", "trust-ad", NameServers(are_trusted=True, attempts=1)),
    ],
)
def test_resolv_conf(text: str, more: str, found: NameServers) -> None:
    assert read_resolv_conf(text, more) == found
