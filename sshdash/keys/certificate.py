"""OpenSSH certificates (PROTOCOL.certkeys): what they say. No signature is checked here."""

import fnmatch
import time
from collections.abc import Collection

from msgspec import Struct

from sshdash.keys.blob import KEY_FIELDS
from sshdash.keys.wire import BadWire, Reader, string

_SUFFIX = "-cert-v01@openssh.com"
_HOST = 2
_FOREVER = 2**64 - 1


class Certificate(Struct, frozen=True):
    """What an authority says of a key."""

    key: bytes
    """The blob of the key that it is about."""
    serial: int
    kind: int
    """1 for users, 2 for hosts."""
    key_id: bytes
    principals: tuple[bytes, ...]
    valid_after: int
    """Seconds since the epoch."""
    valid_before: int
    """Seconds since the epoch; the largest number of 64 bits for ever."""
    critical: bytes
    """The critical options, encoded."""
    authority: bytes
    """The blob of the key that signed it."""
    signature: bytes
    signed: bytes
    """What the signature covers: all that stands before it."""

    @property
    def signature_type(self) -> str:
        """Return the algorithm of the signature."""
        return Reader(self.signature).string().decode("latin-1")

    def fault(self, host: str, signatures: Collection[str] = ()) -> str:
        """Return why it does not speak for `host` now, "" where it does.

        `signatures` are the algorithms an authority may sign with; none stands for any.
        """
        now = int(time.time())
        if self.kind != _HOST:
            return "it is not a certificate for hosts"
        if now < self.valid_after:
            return f"it is not valid before {_date(self.valid_after)}"
        if now >= self.valid_before:
            return f"it expired on {_date(self.valid_before)}"
        if self.principals and host.encode("utf-8", "surrogateescape") not in self.principals:
            return f"it is for another name: {self.names}, not for {host}"
        if self.critical:
            return "it has critical options, which host certificates do not have"
        if signatures and not _allowed(self.signature_type, signatures):
            return f"it was signed with {self.signature_type}, see CASignatureAlgorithms"
        return ""

    @property
    def names(self) -> str:
        """Return the names it is for."""
        return b", ".join(self.principals).decode("utf-8", "surrogateescape") or "any name"


def is_certificate(key_type: str) -> bool:
    """Return whether a key type is one of certificates."""
    return key_type.endswith(_SUFFIX)


def plain_type(key_type: str) -> str:
    """Return the key type a type of certificates is about; a plain type is returned as it is."""
    base = key_type.removesuffix(_SUFFIX)
    if base == key_type:
        return key_type
    return f"{base}@openssh.com" if base.startswith("sk-") else base


def parse_certificate(blob: bytes) -> Certificate:
    """Return what a certificate says; raises BadWire for anything else."""
    reader = Reader(blob)
    key_type = reader.string().decode("latin-1")
    plain = plain_type(key_type)
    if plain == key_type or plain not in KEY_FIELDS:
        raise BadWire(f"{key_type[:60]} is no type of certificate that is known")
    reader.string()  # the nonce
    fields = [reader.string() for _ in range(KEY_FIELDS[plain])]
    serial, kind, key_id = reader.number(8), reader.number(4), reader.text()
    names = Reader(reader.string())
    principals = []
    while not names.at_end:
        principals.append(names.text())
    after, before, critical = reader.number(8), reader.number(8), reader.string()
    reader.string()  # the extensions
    reader.string()  # reserved
    authority = reader.string()
    signed = blob[: reader.place]
    signature = reader.string()
    reader.finish()
    Reader(signature).string()  # its algorithm must be there
    return Certificate(
        key=b"".join(map(string, (plain.encode(), *fields))),
        serial=serial,
        kind=kind,
        key_id=key_id,
        principals=tuple(principals),
        valid_after=after,
        valid_before=before,
        critical=critical,
        authority=authority,
        signature=signature,
        signed=signed,
    )


def plain_blob(blob: bytes) -> bytes:
    """Return the key that a blob is or, for a certificate, is about; raises BadWire."""
    key_type = Reader(blob).string().decode("latin-1")
    return parse_certificate(blob).key if is_certificate(key_type) else blob


def _allowed(name: str, signatures: Collection[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, allowed) for allowed in signatures)


def _date(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "a date far away" if seconds != _FOREVER else "any date"
