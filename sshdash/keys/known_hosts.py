"""The known_hosts format of sshd(8): reading it, and matching names against its lines.

A line that does not parse is skipped and reported, and never hides the good lines around it.
What counts as such a line is what OpenSSH skips.
"""

import base64
import binascii
import fnmatch
import hmac
import os
import stat
import time
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from msgspec import Struct

from sshdash.keys.blob import blob_type, check_blob, decode_blob, encode_blob
from sshdash.keys.certificate import is_certificate, parse_certificate

_SALT_BYTES = 20
_MAGIC = "|1|"
_BLANK = " \t"
_LONGEST_SALT = 1024
_LONGEST_PATTERN = 1023
_SETTLED = 2.0
"""Seconds after which a file counts as unchanged where its time of change is the same."""
_MOST = 64 * 1024 * 1024
"""Bytes of a file that are read: it may be a device without an end."""


class Marker(Enum):
    """What a line says of its key."""

    HOST = ""
    CA = "@cert-authority"
    REVOKED = "@revoked"


class KnownKey(Struct, frozen=True):
    """One line of a known_hosts file."""

    marker: Marker
    names: str
    """The first field as written: patterns with commas between, or a hashed name."""
    key_type: str
    blob: bytes
    file: str
    line: int
    from_command: bool = False
    """Whether a KnownHostsCommand said it, and no file."""

    @property
    def where(self) -> str:
        """Return ``file:line``."""
        return f"{self.file}:{self.line}"

    @property
    def is_hashed(self) -> bool:
        """Return whether the name is hidden by a hash."""
        return self.names.startswith("|")

    def matches(self, name: str) -> bool:
        """Return whether the line speaks of `name`, which is ``[h]:port`` for other ports."""
        if self.is_hashed:
            return _hash_matches(self.names, name)
        return match_patterns(self.names, name.lower())


class BadLine(Struct, frozen=True):
    """A line that was skipped, and why; line 0 stands for a whole file."""

    file: str
    line: int
    reason: str


class KnownHosts(Struct, frozen=True):
    """What the known_hosts files say, in their order."""

    keys: tuple[KnownKey, ...] = ()
    bad: tuple[BadLine, ...] = ()

    def matching(self, name: str) -> Iterator[KnownKey]:
        """Yield the lines that speak of `name`, in order."""
        return (key for key in self.keys if key.matches(name))

    def names_of(self, blob: bytes) -> Iterator[KnownKey]:
        """Yield the lines of hosts that have this very key, whatever their names."""
        return (key for key in self.keys if key.blob == blob and key.marker is Marker.HOST)

    def __add__(self, other: "KnownHosts") -> "KnownHosts":
        """Return what both say, this one first."""
        return KnownHosts(self.keys + other.keys, self.bad + other.bad)


def match_patterns(patterns: str, name: str) -> bool:
    """Return whether a list of patterns matches `name` (ssh_config(5), PATTERNS).

    ``*`` and ``?`` are wildcards, a ``!`` pattern that matches refuses the whole list.
    """
    found = False
    for pattern in patterns.lower().split(","):
        if len(pattern) > _LONGEST_PATTERN:
            return False
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
    return f"{_MAGIC}{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def _hash_matches(hashed: str, name: str) -> bool:
    salt = _salt(hashed)
    names = (name, name.lower()) if name != name.lower() else (name,)
    return any(hash_name(each, salt) == hashed for each in names)


def _salt(hashed: str) -> bytes:
    """Return the salt of a hashed name; raises ValueError where there is none."""
    text, delimiter, _ = hashed.removeprefix(_MAGIC).partition("|")
    if not hashed.startswith(_MAGIC) or not delimiter or not 0 < len(text) <= _LONGEST_SALT:
        raise ValueError("the hashed name is not of the form |1|salt|hash")
    try:
        salt = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the hashed name is not base64") from None
    if len(salt) != _SALT_BYTES:
        raise ValueError("the hashed name has a salt of the wrong length")
    return salt


def parse_known_hosts(text: str, file: str = "", from_command: bool = False) -> KnownHosts:
    """Return what a known_hosts text says; bad lines are kept apart, never fatal."""
    keys: list[KnownKey] = []
    bad: list[BadLine] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.partition("\0")[0].lstrip(_BLANK)
        if not line.strip(" \t\r") or line.startswith("#"):
            continue
        try:
            keys.append(_parse_line(line, file, number, from_command))
        except ValueError as error:
            bad.append(BadLine(file, number, str(error)))
    return KnownHosts(tuple(keys), tuple(bad))


def _parse_line(line: str, file: str, number: int, from_command: bool) -> KnownKey:
    marker, rest = _take_marker(line)
    names, rest = _take_field(rest)
    if names.startswith("|"):
        _salt(names)
    key_type, rest = _take_field(rest)
    key, _ = _take_field(rest)
    if not key or key_type.startswith("#"):
        raise ValueError("a name, a key type and a key are needed")
    return KnownKey(marker, names, key_type, _read_key(key_type, key), file, number, from_command)


def _take_marker(line: str) -> tuple[Marker, str]:
    """Return the marker of a line and what follows; raises ValueError for an unknown one.

    OpenSSH overlooks a marker with a tab behind it where the line has spaces too. So do we,
    but for a revocation.
    """
    if not line.startswith("@"):
        return Marker.HOST, line
    word, rest = _take_field(line)
    overlooked = line[len(word) : len(word) + 1] == "\t" and " " in line
    if rest.startswith("@") or (overlooked and word != Marker.REVOKED.value):
        raise ValueError("the marker is not known")
    return Marker(word), rest


def _take_field(text: str) -> tuple[str, str]:
    for at, char in enumerate(text):
        if char in _BLANK:
            return text[:at], text[at:].lstrip(_BLANK)
    return text, ""


def _read_key(key_type: str, text: str) -> bytes:
    blob = decode_blob("".join(text.split()), key_type)
    if is_certificate(blob_type(blob)):
        parse_certificate(blob)
    else:
        check_blob(blob)
    return blob


def load_known_hosts(files: Iterable[Path]) -> KnownHosts:
    """Return what several files say together.

    Files that are not there say nothing; nor do those that cannot be read, which are reported.
    """
    known = KnownHosts()
    for file in files:
        try:
            known += _load(file)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            known += KnownHosts(bad=(BadLine(str(file), 0, reason),))
    return known


_read: dict[Path, tuple[tuple[int, ...], KnownHosts]] = {}
"""What each file said when it was read last, and its state then."""


def _load(file: Path) -> KnownHosts:
    """Return what a file says: what it said before, where it has not changed since."""
    with file.open("rb") as opened:
        status = os.fstat(opened.fileno())
        times = (status.st_mtime_ns, status.st_ctime_ns)
        state = (status.st_dev, status.st_ino, status.st_size, *times)
        if file in _read and _read[file][0] == state:
            return _read[file][1]
        text = opened.read(_MOST).decode("utf-8", "surrogateescape")
    known = parse_known_hosts(text, str(file))
    # Clocks of file systems are coarse: what was just written may change once more unseen.
    if (
        stat.S_ISREG(status.st_mode)
        and time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED
    ):
        _read[file] = (state, known)
    return known


def known_line(name: str, blob: bytes, key_type: str, hashed: bool = False) -> str:
    """Return the line that OpenSSH would write for a key."""
    name = name.lower()
    return f"{hash_name(name) if hashed else name} {key_type} {encode_blob(blob)}\n"
