"""Names that the engine makes up, always within the limit of a file system."""

import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator

from sshdash.sftp.entries import NAME_MAX

_SHORTEST_MAX = 143
"""The longest name that some file systems take: those that encrypt names (eCryptfs)."""
_KEY = 8
"""Digits that tell the temporary files of one target apart."""
_CHARACTER = 4
"""Bytes of a UTF-8 character at most."""
_TAIL = re.compile(rb"\.sshdash-[0-9a-f]{8}\.(part|old)\Z")
_TEMPORARY = re.compile(rb"\..*\.?sshdash-[0-9a-f]{8}\.(part|old)", re.DOTALL)


def file_keys() -> Iterator[str]:
    """Yield keys for temporary names; many are drawn at once, as each draw takes a while."""
    while True:
        drawn = secrets.token_hex(_KEY // 2 * 256)
        yield from (drawn[start : start + _KEY] for start in range(0, len(drawn), _KEY))


def part_name(name: bytes, job: str) -> bytes:
    """Return the temporary sibling's name of `name` for the file key `job` (8 hex digits)."""
    return _hidden(name, b".sshdash-%b.part" % job.encode())


def backup_name(name: bytes, job: str) -> bytes:
    """Return the name under which a target steps aside where it cannot be replaced at once."""
    return _hidden(name, b".sshdash-%b.old" % job.encode())


def set_aside_by(part: bytes) -> bytes:
    """Return the name under which a target steps aside for the temporary file of that name."""
    return part.removesuffix(b".part") + b".old"


def named_by(part: bytes) -> bytes | None:
    """Return whose temporary file's name it is, None where that cannot be told from it."""
    cut = any(most - _CHARACTER < len(part) <= most for most in (_SHORTEST_MAX, NAME_MAX))
    return _TAIL.sub(b"", part[1:]) if is_temporary(part) and not cut else None


def is_temporary(name: bytes) -> bool:
    """Return whether a name is one that the engine made up for an unfinished file."""
    return name.startswith(b".") and _TEMPORARY.fullmatch(name) is not None


def numbered(name: bytes, number: int) -> bytes:
    """Return ``report (2).txt`` for ``report.txt``, cut where it would be too long."""
    stem, dot, suffix = name.rpartition(b".")
    if not stem or len(suffix) > 16:
        stem, dot, suffix = name, b"", b""
    tail = b" (%d)" % number + dot + suffix
    return _cut(stem, NAME_MAX - len(tail)) + tail


def free_name(name: bytes, taken: "set[bytes] | frozenset[bytes]") -> bytes:
    """Return `name`, or the first numbered form of it that is not `taken`."""
    number = 2
    candidate = name
    while candidate in taken:
        candidate = numbered(name, number)
        number += 1
    return candidate


def confused(name: bytes, others: Iterable[bytes]) -> bytes | None:
    """Return which of `others` is `name` to systems that ignore case, or how accents are written.

    None where `name` itself is among them.
    """
    alike: bytes | None = None
    wanted = folded(name)
    for other in others:
        if other == name:
            return None
        if folded(other) == wanted:
            alike = other
    return alike


def folded(name: bytes) -> str:
    """Return what such systems compare."""
    text = name.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _hidden(name: bytes, tail: bytes) -> bytes:
    return b"." + _cut(name, _most(name) - 1 - len(tail)) + tail


def _most(name: bytes) -> int:
    """Return how long a name may be that is made of `name`, and goes where that goes."""
    return _SHORTEST_MAX if len(name) <= _SHORTEST_MAX else NAME_MAX


def _cut(name: bytes, size: int) -> bytes:
    """Cut a name to `size` bytes, or a few less: not inside a UTF-8 character."""
    if len(name) <= size:
        return name
    for end in range(size, size - _CHARACTER, -1):
        if name[end] & 0xC0 != 0x80:
            return name[:end]
    return name[:size]  # it is no UTF-8
