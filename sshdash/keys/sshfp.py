"""SSHFP records: host key fingerprints in the DNS (RFC 4255, 6594, 7479), and the messages
that ask for them (RFC 1035). Nothing here opens a socket.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable

from msgspec import Struct

from sshdash.keys.blob import blob_type

SSHFP = 44
_IN, _CNAME, _OPT = 1, 5, 41
_RESPONSE, _TRUNCATED, _DESIRED, _AUTHENTIC = 0x8000, 0x0200, 0x0100, 0x0020
_PAYLOAD = 1232
"""Bytes of an answer by UDP that no network has to cut in pieces."""
_DNSSEC_OK = 0x8000
_LONGEST_LABEL, _LONGEST_NAME = 63, 255
_MOST_JUMPS = 64
_MOST_RECORDS = 200
_ALGORITHMS = {"ssh-rsa": 1, "ssh-dss": 2, "ssh-ed25519": 4}
_DIGESTS = {1: "sha1", 2: "sha256"}


class BadMessage(ValueError):
    """The bytes are no answer to what was asked."""


class Fingerprint(Struct, frozen=True):
    """One SSHFP record."""

    algorithm: int
    kind: int
    digest: bytes


class Answer(Struct, frozen=True):
    """What a name server says."""

    fingerprints: tuple[Fingerprint, ...]
    is_authentic: bool
    """Whether the server says that it checked the signatures (the AD bit)."""
    is_truncated: bool = False


def question(name: str, number: int, *, authentic: bool, extended: bool) -> bytes:
    """Return the message that asks for the SSHFP records of `name`.

    `authentic` asks for a word on whether the answer is authentic, `extended` for DNSSEC by
    EDNS. Raises BadMessage for a name that cannot be asked about.
    """
    flags = _DESIRED | (_AUTHENTIC if authentic else 0)
    head = struct.pack(">6H", number, flags, 1, 0, 0, int(extended))
    asked = _encode(name) + struct.pack(">2H", SSHFP, _IN)
    more = b"\0" + struct.pack(">2HIH", _OPT, _PAYLOAD, _DNSSEC_OK, 0) if extended else b""
    return head + asked + more


def read_answer(message: bytes, asked: bytes) -> Answer:
    """Return what `message` answers to the question `asked`; raises BadMessage.

    A name that has no such records is an answer without any.
    """
    try:
        return _Message(message).read(asked)
    except (struct.error, IndexError):
        raise BadMessage("the answer ends too early") from None


def matches(fingerprints: Iterable[Fingerprint], blob: bytes) -> bool:
    """Return whether records vouch for a key: one is its own, and none of its type is not."""
    key_type = blob_type(blob)
    algorithm = 3 if key_type.startswith("ecdsa-sha2-") else _ALGORITHMS.get(key_type, 0)
    results = [
        hmac.compare_digest(hashlib.new(_DIGESTS[one.kind], blob).digest(), one.digest)
        for one in fingerprints
        if one.algorithm == algorithm and one.kind in _DIGESTS
    ]
    return bool(results) and all(results)


def _encode(name: str) -> bytes:
    try:
        labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    except UnicodeEncodeError:
        raise BadMessage("the name is not ASCII") from None
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise BadMessage("the name has an empty or too long part")
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(encoded) > _LONGEST_NAME:
        raise BadMessage("the name is too long")
    return encoded


class _Message:
    """Reads one message; every step is bounded by its length."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 12

    def read(self, asked: bytes) -> Answer:
        number, flags, questions, answers = struct.unpack_from(">4H", self._data)
        if asked[:2] != number.to_bytes(2, "big") or not flags & _RESPONSE:
            raise BadMessage("it answers another question")
        code = flags & 0xF
        if code not in (0, 3):
            raise BadMessage(f"the name server refuses (code {code})")
        mine = _Message(asked)
        name = mine._name()
        if questions != 1 or self._name() != name or self._take(4) != mine._take(4):
            raise BadMessage("it answers another question")
        found = self._records(name, min(answers, _MOST_RECORDS)) if not flags & _TRUNCATED else ()
        return Answer(tuple(found), bool(flags & _AUTHENTIC), bool(flags & _TRUNCATED))

    def _records(self, name: bytes, count: int) -> list[Fingerprint]:
        """Return the fingerprints of `name`, or of the name that it is an alias of."""
        found = []
        for _ in range(count):
            owner = self._name()
            kind, group, _, size = struct.unpack(">2HIH", self._take(10))
            end = self._at + size
            if end > len(self._data):
                raise BadMessage("the answer ends too early")
            if owner == name and group == _IN and kind == _CNAME:
                name = self._name()
            elif owner == name and group == _IN and kind == SSHFP and size > 2:
                rest = self._data[self._at : end]
                found.append(Fingerprint(rest[0], rest[1], rest[2:]))
            self._at = end
        return found

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise BadMessage("the answer ends too early")
        self._at += size
        return taken

    def _name(self) -> bytes:
        """Return the name at the current place, in lower case, and go behind it."""
        labels: list[bytes] = []
        at, behind = self._at, 0
        for _ in range(_MOST_JUMPS):
            size = self._data[at]
            if size >= 0xC0:
                behind = behind or at + 2
                at = struct.unpack_from(">H", self._data, at)[0] & 0x3FFF
            elif size > _LONGEST_LABEL:
                raise BadMessage("a name has a part of an unknown kind")
            else:
                labels.append(self._data[at + 1 : at + 1 + size])
                at += 1 + size
                if not size:
                    self._at = behind or at
                    return b".".join(labels).lower()
        raise BadMessage("a name does not end")
