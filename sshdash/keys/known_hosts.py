"""The known_hosts format of sshd(8): reading, matching by name, and appending.

Only names are looked up, never addresses: a key listed for an address says nothing about a
name that resolves to it. A line that does not parse is skipped and reported, and never hides
the good lines around it.
"""

import base64
import binascii
import errno
import fcntl
import fnmatch
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sshdash.keys.blob import BadBlob, decode_blob, encode_blob
from sshdash.paths import private_dir

_SALT_BYTES = 20
_DIGEST_BYTES = 20


class Marker(Enum):
    """What a line says of its key."""

    HOST = ""
    CA = "@cert-authority"
    REVOKED = "@revoked"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """One line of a known_hosts file."""

    marker: Marker
    names: str
    """The first field as written: patterns with commas between, or a hashed name."""
    key_type: str
    blob: bytes
    file: str
    line: int

    @property
    def where(self) -> str:
        """Return ``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def is_hashed(self) -> bool:
        """Return whether the name is hidden by a hash."""
        return self.names.startswith("|")

    def matches(self, name: str) -> bool:
        """Return whether the line speaks of `name` (lower case, ``[h]:port`` for other ports)."""
        name = name.lower()
        if self.is_hashed:
            return _hash_matches(self.names, name)
        return match_patterns(self.names, name)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was skipped, and why."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """What the known_hosts files say, in their order."""

    keys: tuple[KnownKey, ...] = ()
    bad: tuple[BadLine, ...] = ()

    def matching(self, name: str) -> Iterator[KnownKey]:
        """Yield the lines that speak of `name`, in order."""
        return (key for key in self.keys if key.matches(name))

    def names_of(self, blob: bytes) -> Iterator[KnownKey]:
        """Yield the lines of hosts that have this very key, whatever their names."""
        return (key for key in self.keys if key.blob == blob and key.marker is Marker.HOST)


def match_patterns(patterns: str, name: str) -> bool:
    """Return whether a list of patterns matches `name` (ssh_config(5), PATTERNS).

    ``*`` and ``?`` are wildcards, a ``!`` pattern that matches refuses the whole list.
    """
    found = False
    for pattern in patterns.lower().split(","):
        negated = pattern.startswith("!")
        if _pattern_matches(pattern.removeprefix("!"), name):
            if negated:
                return False
            found = True
    return found


def _pattern_matches(pattern: str, name: str) -> bool:
    """Return whether one pattern, in which only ``*`` and ``?`` are special, matches."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def hash_name(name: str, salt: bytes | None = None) -> str:
    """Return `name` hashed as HashKnownHosts does: ``|1|salt|HMAC-SHA1``."""
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    digest = hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def _hash_matches(hashed: str, name: str) -> bool:
    _, _, salt, digest = hashed.split("|")
    found = hmac.digest(base64.b64decode(salt), name.encode("utf-8", "surrogateescape"), "sha1")
    return hmac.compare_digest(found, base64.b64decode(digest))


def parse_known_hosts(text: str, file: str = "") -> KnownHosts:
    """Return what a known_hosts text says; bad lines are kept apart, never fatal."""
    keys: list[KnownKey] = []
    bad: list[BadLine] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t\r")
        if not stripped or stripped.startswith("#"):
            continue
        try:
            keys.append(_parse_line(stripped, file, number))
        except (BadBlob, ValueError) as error:
            bad.append(BadLine(file, number, str(error)))
    return KnownHosts(tuple(keys), tuple(bad))


def _parse_line(line: str, file: str, number: int) -> KnownKey:
    marker = Marker.HOST
    if line.startswith("@"):
        word, *rest = line.split(None, 1)
        marker = Marker(word)
        line = "".join(rest)
    fields = line.split(None, 3)
    if len(fields) < 3:
        raise ValueError("a name, a key type and a key are needed")
    names, key_type, key = fields[:3]
    if names.startswith("|"):
        _check_hash(names)
    return KnownKey(marker, names, key_type, decode_blob(key, key_type), file, number)


def _check_hash(names: str) -> None:
    parts = names.split("|")
    if len(parts) != 4 or parts[1] != "1":
        raise ValueError("the hashed name is not of the form |1|salt|hash")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:])
    except (binascii.Error, ValueError):
        raise ValueError("the hashed name is not base64") from None
    if len(salt) != _SALT_BYTES or len(digest) != _DIGEST_BYTES:
        raise ValueError("the hashed name has the wrong length")


def load_known_hosts(files: Iterable[Path]) -> KnownHosts:
    """Return what several files say together; files that are not there say nothing.

    Raises OSError for a file that is there and cannot be read.
    """
    keys: list[KnownKey] = []
    bad: list[BadLine] = []
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8", "surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            continue
        said = parse_known_hosts(text, str(file))
        keys += said.keys
        bad += said.bad
    return KnownHosts(tuple(keys), tuple(bad))


def known_line(name: str, blob: bytes, key_type: str, hashed: bool = False) -> str:
    """Return the line that OpenSSH would write for a key."""
    return f"{hash_name(name) if hashed else name} {key_type} {encode_blob(blob)}\n"


def append_line(file: Path, line: str) -> None:
    """Append one whole line to `file`, under a lock and synced to the disk.

    A missing file is created for its owner alone (0600), its folder too (0700); a missing
    newline at the end of the file is made good. Raises OSError.
    """
    private_dir(file.parent)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # lockf would let our own threads in together
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = f"\n{line}"
        data = line.encode("utf-8", "surrogateescape")
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)  # half a line would be worse than none
            raise
    finally:
        os.close(descriptor)
