"""Public keys as they travel and as known_hosts holds them: type, size and fingerprint.

A key is its *blob*, the bytes of RFC 4253 section 6.6; two keys are the same key when their
blobs are equal. Nothing here needs a cryptographic library.
"""

import base64
import binascii
import hashlib

from sshdash.keys.wire import BadWire, Reader

_NAMES = {
    "ssh-ed25519": "ED25519",
    "ssh-ed448": "ED448",
    "ssh-rsa": "RSA",
    "ssh-dss": "DSA",
    "sk-ssh-ed25519@openssh.com": "ED25519-SK",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ECDSA-SK",
}
_FIXED_BITS = {"ED25519": 256, "ED448": 448, "ED25519-SK": 256, "ECDSA-SK": 256}
_CERTIFICATE = "-cert-v01@openssh.com"
KEY_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ssh-dss": 4,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
"""The key types that servers may have, and how many strings follow the type in a blob."""
_POINT_SIZES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_SHORTEST_RSA = 1024
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")


class BadBlob(ValueError):
    """The bytes are not a public key."""


def read_string(data: bytes, at: int = 0) -> tuple[bytes, int]:
    """Return the length-prefixed string at `at` and the place after it (RFC 4251 section 5).

    Raises BadBlob where the data ends too early.
    """
    start = at + 4
    end = start + int.from_bytes(data[at:start], "big")
    if start > len(data) or end > len(data):
        raise BadBlob("the key data ends too early")
    return data[start:end], end


def blob_type(blob: bytes) -> str:
    """Return the key type that a blob names itself, such as ``ssh-ed25519``.

    Raises BadBlob for anything that is no key.
    """
    name, _ = read_string(blob)
    try:
        return name.decode("ascii")
    except UnicodeDecodeError:
        raise BadBlob("the key type is not ASCII") from None


def is_certificate(blob: bytes) -> bool:
    """Return whether a public key is one of OpenSSH's certificates."""
    return blob_type(blob).endswith(_CERTIFICATE)


def plain_type(key_type: str) -> str:
    """Return the type of the key that a certificate's type speaks of; other types as they are.

    It is the same for names of signature algorithms.
    """
    base = key_type.removesuffix(_CERTIFICATE)
    if base == key_type:
        return key_type
    return f"{base}@openssh.com" if base.startswith("sk-") else base


def certificate_type(key_type: str) -> str:
    """Return the type of a certificate for a key or a signature of `key_type`."""
    return key_type.removesuffix("@openssh.com") + _CERTIFICATE


def decode_blob(text: str, key_type: str = "") -> bytes:
    """Return the blob of its base64 text, checked against `key_type` where that is given.

    Raises BadBlob for bad base64 and for a type that differs from the one inside.
    """
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadBlob("the key is not base64") from None
    inside = blob_type(blob)
    if key_type and inside != key_type:
        raise BadBlob(f"the line says {key_type}, the key says {inside}")
    return blob


def check_blob(blob: bytes) -> None:
    """Raise BadBlob unless a blob is a whole key of a type that servers may have."""
    key_type = blob_type(blob)
    if key_type not in KEY_FIELDS:
        raise BadBlob(f"the key type {key_type[:60]} is not known")
    try:
        reader = Reader(blob)
        fields = [reader.string() for _ in range(1 + KEY_FIELDS[key_type])][1:]
        reader.finish()
    except BadWire as error:
        raise BadBlob(str(error)) from None
    if key_type == "ssh-rsa" and key_bits(blob) < _SHORTEST_RSA:
        raise BadBlob("the RSA key is too short")
    if "ed25519" in key_type and len(fields[0]) != 32:
        raise BadBlob("the key has the wrong length")
    if "ecdsa" in key_type:
        curve, point = fields[0].decode("latin-1"), fields[1]
        fits = len(point) == _POINT_SIZES.get(curve) and point[:1] == b"\x04"
        if f"ecdsa-sha2-{curve}" not in key_type or not fits:
            raise BadBlob("the key is no point of its curve")


def encode_blob(blob: bytes) -> str:
    """Return the base64 text of a blob."""
    return base64.b64encode(blob).decode("ascii")


def fingerprint(blob: bytes) -> str:
    """Return the fingerprint as OpenSSH prints it: ``SHA256:`` and unpadded base64."""
    digest = hashlib.sha256(blob).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def type_name(blob: bytes) -> str:
    """Return the type as ssh-keygen names it: ``ED25519``, ``RSA``, ``ECDSA`` ...

    A certificate has the name of the key it speaks of.
    """
    key_type = plain_type(blob_type(blob))
    if key_type.startswith("ecdsa-sha2-"):
        return "ECDSA"
    return _NAMES.get(key_type, key_type)


def key_bits(blob: bytes) -> int:
    """Return the size of a key in bits, 0 for a type that is not known."""
    key_type = blob_type(blob)
    name = type_name(blob)
    if name in _FIXED_BITS:
        return _FIXED_BITS[name]
    if key_type.startswith("ecdsa-sha2-nistp"):
        return int(key_type.removeprefix("ecdsa-sha2-nistp"))
    if name in ("RSA", "DSA"):
        _, at = read_string(blob)
        if key_type.endswith(_CERTIFICATE):
            _, at = read_string(blob, at)  # the nonce
        number, at = read_string(blob, at)
        if name == "RSA":
            number, _ = read_string(blob, at)
        return int.from_bytes(number, "big").bit_length()
    return 0


def signature_algorithms(key_type: str) -> tuple[str, ...]:
    """Return the signature algorithms a key type can make, the strongest first (RFC 8332)."""
    return _RSA_SIGNATURES if key_type == "ssh-rsa" else (key_type,)
