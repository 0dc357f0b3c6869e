"""RevokedHostKeys: keys, certificates and authorities that no server may use (ssh_config(5)).

The file is a binary revocation list, or a list of public keys, one per line.
"""

from pathlib import Path

from msgspec import Struct

from sshdash.keys.blob import BadBlob, decode_blob
from sshdash.keys.certificate import Certificate, plain_blob
from sshdash.keys.krl import KRL, MAGIC, BadKRL, parse_krl
from sshdash.keys.wire import BadWire


class Revocations(Struct, frozen=True):
    """What one file takes back."""

    file: str = ""
    keys: frozenset[bytes] = frozenset()
    krl: KRL | None = None

    def find(self, key: bytes, certificate: Certificate | None = None) -> str:
        """Return where and how a key, its certificate or its authority is named, "" if not."""
        if self.krl:
            how = self.krl.revokes(key, certificate)
            return f"{self.file}, {how}" if how else ""
        if key in self.keys:
            return self.file
        if certificate and certificate.authority in self.keys:
            return f"{self.file}, the key of its authority"
        return ""


def load_revoked(file: Path) -> Revocations:
    """Return what `file` takes back.

    Raises OSError where it cannot be read, and ValueError for lines that are no keys and for
    binary lists with errors: a list that is not understood must never count as an empty one.
    """
    data = file.read_bytes()
    if data.startswith(MAGIC):
        try:
            return Revocations(str(file), krl=parse_krl(data))
        except BadKRL as error:
            raise ValueError(f"{file} cannot be used: {error}") from None
    keys = set()
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = line.partition("\0")[0].split()
        if not words or words[0].startswith("#"):
            continue
        try:
            keys.add(plain_blob(decode_blob(words[1], words[0])))
        except (IndexError, BadBlob, BadWire):
            raise ValueError(f"{file}:{number} is not a public key") from None
    return Revocations(str(file), frozenset(keys))
