"""RevokedHostKeys: a list of public keys that no server may use (ssh_config(5))."""

from pathlib import Path

from sshdash.keys.blob import BadBlob, decode_blob

_KRL_MAGIC = b"SSHKRL\n\0"


def load_revoked(file: Path) -> frozenset[bytes]:
    """Return the blobs of the keys in `file`, one public key per line.

    Raises OSError where it cannot be read, and ValueError for a binary KRL and for lines that
    are no keys: an unreadable list of revocations must never count as an empty one.
    """
    data = file.read_bytes()
    if data.startswith(_KRL_MAGIC):
        raise ValueError(f"{file} is a binary KRL; sshdash reads lists of public keys only")
    blobs = set()
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            blobs.add(decode_blob(words[1], words[0]))
        except (IndexError, BadBlob):
            raise ValueError(f"{file}:{number} is not a public key") from None
    return frozenset(blobs)
