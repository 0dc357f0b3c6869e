"""Private keys on disk: what can be known of them before anybody types a passphrase."""

import base64
import errno
import os
import re
import stat
import time
from pathlib import Path
from typing import Any

import asyncssh
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import Struct

from sshdash.keys.blob import BadBlob, decode_blob, read_string

_OPENSSH_MAGIC = b"openssh-key-v1\0"
_BEGIN_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_BEGIN_ENCRYPTED_PKCS8 = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_MAX_KEY_BYTES = 1 << 20
_USER_CERTIFICATE = 1
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Passphrase(Exception):
    """The key is encrypted and the passphrase is missing or wrong."""


class Identity(Struct, frozen=True):
    """One IdentityFile as found on the disk."""

    path: Path
    blob: bytes | None = None
    """The public half; None where only the passphrase would tell."""
    private: bool = False
    """Whether `path` holds the private key (else only a public one, for an agent)."""
    encrypted: bool = False
    certificate: "Certificate | None" = None
    """What is in ``path-cert.pub``, where it fits the key."""
    problem: str = ""
    """Why the key cannot be used, with what to do; empty where it can."""


class Certificate(Struct, frozen=True):
    """One certificate of a user's key as found on the disk."""

    path: Path
    blob: bytes
    key: bytes
    """The public key that it speaks of."""
    problem: str = ""
    """Why a server will not take it; empty where nothing speaks against it."""


def load_identity(path: Path) -> Identity | None:
    """Return what `path` holds, None where there is no such file and no public half of it.

    Reads files: call it off the loop.
    """
    public = _public_blob(Path(f"{path}.pub")) or _public_blob(path)
    try:
        data = _read(path)
    except FileNotFoundError:
        return Identity(path, public, certificate=_beside(path, public)) if public else None
    except OSError as error:
        return Identity(path, public, problem=f"cannot be read: {error.strerror or error}")
    if b"PRIVATE KEY-----" not in data:
        if public:
            return Identity(path, public, certificate=_beside(path, public))
        if data.startswith(b"PuTTY-User-Key-File"):
            convert = f"puttygen {path} -O private-openssh -o {path}.openssh"
            return Identity(path, problem=f"is a key of PuTTY's own format; run: {convert}")
        return Identity(path, problem="is neither a private nor a public key")
    problem = permission_problem(path)
    if problem:
        return Identity(path, public, private=True, problem=problem)
    blob, encrypted, problem = _inspect(data)
    blob = blob or public
    return Identity(path, blob, True, encrypted, _beside(path, blob), problem)


def permission_problem(path: Path) -> str:
    """Return what is wrong with a private key's mode, as ssh judges it: others may not read it.

    Only the owner's own files are judged, as in OpenSSH's ``sshkey_perm_ok``.
    """
    status = path.stat()
    if status.st_uid == os.getuid() and status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        return f"has mode {mode:04o}, others can read it; run: chmod 600 {path}"
    return ""


def unlock(path: Path, passphrase: str | None = None) -> asyncssh.SSHKey:
    """Return the private key of `path`.

    Slow by design for an encrypted key (bcrypt): call it off the loop. Raises Passphrase where
    it is missing or wrong, ValueError for a key that cannot be read, OSError for the file.
    """
    data = _read(path)
    try:
        if passphrase is not None and _BEGIN_ENCRYPTED_PKCS8 in data:
            data, passphrase = _decrypted(data, passphrase), None
        return _import(data, passphrase)
    except asyncssh.KeyEncryptionError as error:
        raise Passphrase(str(error)) from None
    except asyncssh.KeyImportError as error:
        if "assphrase" in str(error) or (passphrase is not None and _is_pem_encrypted(data)):
            raise Passphrase(str(error)) from None
        raise


def _import(data: bytes, passphrase: str | None = None) -> asyncssh.SSHKey:
    """Return the key in `data`; raises KeyImportError and KeyEncryptionError alone."""
    try:
        return asyncssh.import_private_key(data, passphrase)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise
    except (ValueError, re.error) as error:  # the library lets these out for damaged keys
        raise asyncssh.KeyImportError(f"damaged: {error}") from None


def _decrypted(data: bytes, passphrase: str) -> bytes:
    """Return an encrypted PKCS#8 key in the clear: OpenSSL knows more ciphers for it than others.

    Raises Passphrase, and KeyImportError where OpenSSL does not know how either.
    """
    try:
        key = load_pem_private_key(data[data.index(_BEGIN_ENCRYPTED_PKCS8) :], passphrase.encode())
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    except UnsupportedAlgorithm as error:
        raise asyncssh.KeyImportError(str(error)) from None
    except ValueError as error:
        raise Passphrase(str(error)) from None


def _read(path: Path) -> bytes:
    """Return what is in a file; raises OSError, also for a pipe, which would be waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(path))
        return file.read(_MAX_KEY_BYTES)


def _public_blob(path: Path) -> bytes | None:
    try:
        fields = _read(path).split(None, 2)
        return decode_blob(fields[1].decode("ascii"), fields[0].decode("ascii"))
    except (OSError, IndexError, UnicodeDecodeError, BadBlob):
        return None


def _inspect(data: bytes) -> tuple[bytes | None, bool, str]:
    """Return the public half, whether a passphrase is needed, and what is wrong."""
    start = data.find(_BEGIN_OPENSSH)
    if start >= 0:
        try:
            return _openssh_header(data[start:])
        except (BadBlob, asyncssh.KeyImportError):
            return None, False, "is damaged"
    if _is_pem_encrypted(data):
        return None, True, ""
    try:
        return _import(data).public_data, False, ""
    except asyncssh.KeyImportError as error:
        return None, False, f"cannot be used: {error}"


def _openssh_header(data: bytes) -> tuple[bytes, bool, str]:
    """Read the clear part of a key in OpenSSH's format (PROTOCOL.key)."""
    body = b"".join(data.split(b"-----")[2].split())
    try:
        raw = base64.b64decode(body, validate=True)
    except ValueError:
        raise BadBlob("not base64") from None
    if not raw.startswith(_OPENSSH_MAGIC):
        raise BadBlob("no such magic")
    cipher, at = read_string(raw, len(_OPENSSH_MAGIC))
    _, at = read_string(raw, at)
    _, at = read_string(raw, at)
    public, _ = read_string(raw, at + 4)
    return public, cipher != b"none", ""


def _is_pem_encrypted(data: bytes) -> bool:
    return _BEGIN_ENCRYPTED_PKCS8 in data or b"Proc-Type: 4,ENCRYPTED" in data


def load_certificate(path: Path) -> Certificate:
    """Return the certificate in `path`; raises OSError, and ValueError where there is none."""
    try:
        found: Any = asyncssh.read_certificate(path)
    except asyncssh.KeyImportError as error:
        raise ValueError(str(error)) from None
    now = time.time()
    problem = ""
    if found._cert_type != _USER_CERTIFICATE:
        problem = "is not a certificate for users"
    elif now >= found._valid_before:
        problem = f"expired on {_day(found._valid_before)}"
    elif now < found._valid_after:
        problem = f"is not valid before {_day(found._valid_after)}"
    return Certificate(path, found.public_data, found.key.public_data, problem)


def _beside(path: Path, blob: bytes | None) -> Certificate | None:
    """Return the certificate in the file that ssh-keygen puts beside a key, if it fits."""
    try:
        certificate = load_certificate(Path(f"{path}-cert.pub"))
    except (OSError, ValueError):
        return None
    return certificate if blob in (None, certificate.key) else None


def _day(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(min(moment, 1 << 40)))
