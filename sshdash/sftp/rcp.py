"""The lines of the rcp protocol, which ``scp -t`` and ``scp -f`` speak: pure, bytes to values.

What is read came from a server and may be anything: whatever breaks the protocol, or names
something that is not directly in its directory, raises `MalformedError`.
"""

import re

from msgspec import Struct

from sshdash.sftp.entries import PERMISSIONS, Entry, Kind, is_plain_name
from sshdash.sftp.messages import MalformedError
from sshdash.untrusted import clean

LINE_MAX = 8192
"""Bytes of a line; names end at 255, paths in messages at 4096."""
_SECOND = 10**9
_SIZE_MAX = 2**63 - 1
_HEADER = re.compile(rb"([CD])([0-7]{4,7}) ([0-9]{1,19}) (.*)", re.DOTALL)
_TIMES = re.compile(rb"T([0-9]{1,19}) [0-9]{1,6} [0-9]{1,19} [0-9]{1,6}")


class Times(Struct, frozen=True):
    """The modification time of what comes next."""

    mtime_ns: int


class End(Struct, frozen=True):
    """A directory ends."""


class Complaint(Struct, frozen=True):
    """Something that the other side could not do."""

    text: str
    """Its words, cleaned."""
    fatal: bool


Record = Entry | Times | End | Complaint


def parse(line: bytes) -> Record:
    """Return what a line without its end says. Raises MalformedError."""
    first = line[:1]
    if first in (b"\1", b"\2"):
        return Complaint(clean(line[1:].strip(), 500), first == b"\2")
    if line == b"E":
        return End()
    if found := _TIMES.fullmatch(line):
        return Times(min(int(found[1]), _SIZE_MAX // _SECOND) * _SECOND)
    found = _HEADER.fullmatch(line)
    if not found:
        raise MalformedError(f"not a line of scp: {clean(line, 80)}")
    size, name = int(found[3]), found[4]
    if size > _SIZE_MAX:
        raise MalformedError(f"a file of {size} bytes")
    if not is_plain_name(name):
        raise MalformedError(f"an unsafe name: {clean(name, 80)}")
    kind = Kind.DIRECTORY if found[1] == b"D" else Kind.FILE
    return Entry(name, kind, 0 if found[1] == b"D" else size, int(found[2], 8) & 0o7777)


def times(entry: Entry) -> bytes:
    """Return the line for an entry's time."""
    seconds = max(0, entry.mtime_ns // _SECOND)
    return b"T%d 0 %d 0\n" % (seconds, seconds)


def header(entry: Entry, name: bytes, mode: int) -> bytes:
    """Return the line for a file or directory under another name.

    Raises MalformedError for a name that no line can hold: one with a line break.
    """
    if b"\n" in name or not is_plain_name(name):
        raise MalformedError("scp cannot take a name with a line break")
    letter, size = (b"D", 0) if entry.kind is Kind.DIRECTORY else (b"C", entry.size)
    return b"%b%04o %d %b\n" % (letter, mode & PERMISSIONS, size, name)
