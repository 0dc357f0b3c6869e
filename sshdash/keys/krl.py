"""Key revocation lists, the binary format of RevokedHostKeys (PROTOCOL.krl).

A list that is not understood to its last byte is refused as a whole: half a list of
revocations would let revoked keys in.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator

from msgspec import Struct, field

from sshdash.keys.certificate import Certificate
from sshdash.keys.wire import BadWire, Reader

MAGIC = b"SSHKRL\n\0"
_VERSION = 1
_CERTIFICATES, _KEYS, _SHA1, _SIGNATURE, _SHA256, _EXTENSION = 1, 2, 3, 4, 5, 255
_SERIALS, _RANGE, _BITMAP, _KEY_IDS, _CERTIFICATE_EXTENSION = 0x20, 0x21, 0x22, 0x23, 0x39
_LARGEST = 2**64 - 1


class BadKRL(ValueError):
    """The bytes are no revocation list, or one with parts that are not known."""


class RevokedCertificates(Struct):
    """What one authority took back, or any authority."""

    key_ids: set[bytes] = field(default_factory=set)
    serials: list[tuple[int, int]] = field(default_factory=list)
    """First and last of each range; in order and apart once the list is read."""

    def revokes(self, certificate: Certificate) -> str:
        """Return how the list names `certificate`, "" where it does not."""
        if certificate.key_id in self.key_ids:
            return "by its key ID"
        at = bisect_right(self.serials, (certificate.serial, _LARGEST)) - 1
        found = at >= 0 and certificate.serial <= self.serials[at][1]
        # Zero is the serial number of certificates that were given none.
        return "by its serial number" if found and certificate.serial else ""

    def tidy(self) -> None:
        """Bring the ranges into order and make one of those that touch."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(self.serials):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self.serials = merged


class KRL(Struct):
    """A revocation list."""

    number: int = 0
    """It grows with every change to the list."""
    generated: int = 0
    """Seconds since the epoch."""
    comment: bytes = b""
    keys: set[bytes] = field(default_factory=set)
    sha1s: set[bytes] = field(default_factory=set)
    sha256s: set[bytes] = field(default_factory=set)
    certificates: dict[bytes, RevokedCertificates] = field(default_factory=dict)
    """By the blob of the authority; b"" stands for any."""

    def revokes(self, key: bytes, certificate: Certificate | None = None) -> str:
        """Return how the list names a key or its certificate, "" where it does not."""
        found = self._names(key)
        if found or certificate is None:
            return found
        for authority in (certificate.authority, b""):
            if authority in self.certificates:
                found = self.certificates[authority].revokes(certificate)
                if found:
                    return f"its certificate {found}"
        found = self._names(certificate.authority)
        return f"the key of its authority {found}" if found else ""

    def _names(self, key: bytes) -> str:
        if hashlib.sha1(key, usedforsecurity=False).digest() in self.sha1s:
            return "by its SHA1 fingerprint"
        if hashlib.sha256(key).digest() in self.sha256s:
            return "by its SHA256 fingerprint"
        return "by name" if key in self.keys else ""


def parse_krl(data: bytes) -> KRL:
    """Return what a revocation list says; raises BadKRL."""
    if not data.startswith(MAGIC):
        raise BadKRL("it does not begin as a revocation list does")
    try:
        return _parse(Reader(data[len(MAGIC) :]))
    except BadWire as error:
        raise BadKRL(str(error)) from None


def _parse(reader: Reader) -> KRL:
    version = reader.number(4)
    if version != _VERSION:
        raise BadKRL(f"its format has version {version}")
    krl = KRL(reader.number(8), reader.number(8))
    reader.number(8)  # flags: none are defined
    reader.string()  # reserved
    krl.comment = reader.text()
    while not reader.at_end:
        kind, section = reader.number(1), Reader(reader.string())
        if kind == _CERTIFICATES:
            _read_certificates(section, krl)
        elif kind == _KEYS:
            krl.keys.update(_strings(section))
        elif kind == _SHA1:
            krl.sha1s.update(_digests(section, 20))
        elif kind == _SHA256:
            krl.sha256s.update(_digests(section, 32))
        elif kind == _EXTENSION:
            _pass_extension(section)
        elif kind == _SIGNATURE:
            raise BadKRL("it is signed, which is not supported")
        else:
            raise BadKRL(f"it has a section of an unknown kind, {kind}")
        section.finish()
    for each in krl.certificates.values():
        each.tidy()
    return krl


def _read_certificates(section: Reader, krl: KRL) -> None:
    authority = section.string()
    if authority:
        Reader(authority).string()  # at least its type must be there
    section.string()  # reserved
    into = krl.certificates.setdefault(authority, RevokedCertificates())
    while not section.at_end:
        kind, part = section.number(1), Reader(section.string())
        if kind == _SERIALS:
            while not part.at_end:
                serial = part.number(8)
                into.serials.append(_range(serial, serial))
        elif kind == _RANGE:
            into.serials.append(_range(part.number(8), part.number(8)))
        elif kind == _BITMAP:
            into.serials.extend(_bitmap(part.number(8), part.natural()))
        elif kind == _KEY_IDS:
            while not part.at_end:
                into.key_ids.add(part.text())
        elif kind == _CERTIFICATE_EXTENSION:
            _pass_extension(part)
        else:
            raise BadKRL(f"it has a section of certificates of an unknown kind, {kind}")
        part.finish()


def _range(first: int, last: int) -> tuple[int, int]:
    if first > last or last == 0:
        raise BadKRL("it has a range of serial numbers without an end")
    return first, last


def _bitmap(offset: int, digits: bytes) -> Iterator[tuple[int, int]]:
    bits = int.from_bytes(digits, "big")
    if offset + max(bits.bit_length() - 1, 0) > _LARGEST:
        raise BadKRL("it has serial numbers beyond 64 bits")
    for run in re.finditer("1+", f"{bits:b}"[::-1]):
        first, _ = _range(offset + run.start(), offset + run.start())
        yield first, offset + run.end() - 1


def _strings(section: Reader) -> Iterator[bytes]:
    while not section.at_end:
        yield section.string()


def _digests(section: Reader, size: int) -> Iterator[bytes]:
    for digest in _strings(section):
        if len(digest) != size:
            raise BadKRL("it has a fingerprint of the wrong length")
        yield digest


def _pass_extension(section: Reader) -> None:
    """Pass over an extension; raises BadKRL for one that must be understood."""
    name, critical = section.text(), section.number(1)
    section.string()
    if critical:
        raise BadKRL(f"it needs the extension {name.decode('ascii', 'replace')[:60]}")
