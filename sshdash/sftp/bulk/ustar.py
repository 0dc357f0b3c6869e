"""The ustar format of POSIX: headers of small regular files and folders, written and read. Pure.

The reader is for streams that somebody else chose every byte of: it takes the files that were
asked for, as they were listed, and nothing else.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from zlib import adler32

from msgspec import Struct

BLOCK = 512
_NAME, _PREFIX = 100, 155
_SIZE = slice(124, 136)
_TIME = slice(136, 148)
_KIND = slice(156, 157)
_PREFIXED = 345
_MAGIC = slice(257, 265)
_FILE, _FOLDER = b"0", b"5"
_USTAR = b"ustar\x0000"
_BLANK_SUM = 8 * ord(" ")
_NUMBER = 0o77777777777
"""The largest that a size or a time may be."""
_PADDING = 128 * BLOCK
"""What may follow the end at most: tar fills its last record up."""
_ZEROS = bytes(BLOCK)
_END = 2
"""Blocks of zeros that end an archive."""


class Unwanted(ValueError):
    """The stream is not what was asked for; the text says how."""


class Spoilt(Unwanted):
    """Something is not what it was when it was listed, all else may be as it should."""


class Listed(NamedTuple):
    """What a file was when it was listed."""

    size: int
    seconds: int
    """Its time, in whole seconds since the epoch."""


class Member(Struct, frozen=True, gc=False):
    """One file of the stream."""

    name: bytes
    content: bytes
    seconds: int


def split(name: bytes) -> tuple[bytes, bytes] | None:
    """Return a name as the two fields prefix and name, None where they cannot hold it.

    It is cut where GNU tar does, so that what does not fit here is what tar refuses.
    """
    if len(name) <= _NAME:
        return b"", name
    cut = name.rfind(b"/", 1, min(_PREFIX + 1, len(name) - 1))
    if cut < 1 or not 0 < len(name) - cut - 1 <= _NAME:
        return None
    return name[:cut], name[cut + 1 :]


def fits(name: bytes, size: int, seconds: int) -> bool:
    """Return whether a header can tell of such a file."""
    has_room = len(name) <= _NAME or split(name) is not None
    return has_room and 0 <= size <= _NUMBER and 0 <= seconds <= _NUMBER


def file_header(name: bytes, mode: int, size: int, seconds: int) -> bytes:
    """Return the header of a regular file. Raises ValueError where it does not fit."""
    return _header(name, mode, size, seconds, _FILE)


def folder_header(name: bytes, mode: int, seconds: int) -> bytes:
    """Return the header of a folder. Raises ValueError where it does not fit."""
    return _header(name + b"/", mode, 0, seconds, _FOLDER)


def padding(size: int) -> bytes:
    """Return what follows a content of `size` bytes."""
    return _ZEROS[: -size % BLOCK]


def end() -> bytes:
    """Return what ends an archive."""
    return _ZEROS * _END


def _header(name: bytes, mode: int, size: int, seconds: int, kind: bytes) -> bytes:
    parts = split(name)
    if parts is None or not fits(name, size, seconds):
        raise ValueError("no header can hold this")
    prefix, name = parts
    head = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        name.ljust(100, b"\0"),
        mode,
        0,
        0,
        size,
        seconds,
    )
    rest, rest_sum = _rest(kind, prefix)
    # Of so few bytes the low half of Adler-32 is their sum and one, found ten times as fast.
    head_sum = (adler32(head) & 0xFFFF) - 1
    return b"%b%06o\0 %b" % (head, head_sum + rest_sum, rest)


@lru_cache(maxsize=100)
def _rest(kind: bytes, prefix: bytes) -> tuple[bytes, int]:
    """Return what follows the sum in a header, and what that and the blank sum add to it."""
    rest = kind + bytes(100) + _USTAR + bytes(80) + prefix.ljust(_PREFIX, b"\0") + bytes(12)
    return rest, sum(rest) + _BLANK_SUM


class Reader:
    """Takes a stream of the `listed` files, by name, in any order, each at most once."""

    def __init__(self, listed: Mapping[bytes, Listed]) -> None:
        self._missing = dict(listed)
        self._buffer = b""
        self._zeros = 0
        """Blocks of zeros at the end, so far."""

    def __repr__(self) -> str:
        return f"<Reader [{len(self._missing)} missing]>"

    @property
    def is_whole(self) -> bool:
        """Whether the archive has ended where one may end."""
        return self._zeros >= _END and not self._buffer

    @property
    def has_all(self) -> bool:
        """Whether it has, and every file that was asked for has come."""
        return self.is_whole and not self._missing

    def feed(self, data: bytes) -> Iterator[Member]:
        """Yield the files that are complete; what is left is kept, at most one file.

        Raises Unwanted, after which nothing more may be fed.
        """
        buffer = self._buffer + data if self._buffer else data
        self._buffer = b""
        at, until = 0, len(buffer)
        while until - at >= BLOCK:
            begin = at + BLOCK
            header = buffer[at:begin]
            if self._is_end(header):
                at = begin
                continue
            name, size = self._expected(header)
            end = begin + size
            behind = end + -size % BLOCK
            if until < behind:
                break
            del self._missing[name]
            yield Member(name, buffer[begin:end], _number(header[_TIME]))
            at = behind
        self._buffer = buffer[at:]

    def _is_end(self, header: bytes) -> bool:
        if header == _ZEROS:
            self._zeros += 1
            if self._zeros * BLOCK > _PADDING:
                raise Unwanted("an end without an end")
            return True
        if self._zeros:
            raise Unwanted("something behind the end")
        return False

    def _expected(self, header: bytes) -> tuple[bytes, int]:
        """Return which of the files comes now, and its size."""
        if header[_MAGIC] != _USTAR:
            raise Unwanted("no ustar header")
        name = _text(header[:_NAME])
        if header[_PREFIXED]:
            name = _text(header[345:500]) + b"/" + name
        if header[_KIND] != _FILE:
            raise Unwanted("something else than a regular file")
        listed = self._missing.get(name)
        if listed is None:
            raise Unwanted("a file that was not asked for, or twice")
        if _number(header[_SIZE]) != listed.size:
            raise Spoilt("a file of another size than listed")
        return name, listed.size


def _text(field: bytes) -> bytes:
    text = field.rstrip(b"\0")
    if b"\0" in text:
        raise Unwanted("something behind a name")
    return text


@lru_cache(maxsize=1000)
def _number(field: bytes) -> int:
    """Return an octal number, which may have blanks around it and NULs behind it.

    Many files have sizes and seconds in common.
    """
    digits = field.strip(b"\0 ")
    if not digits.isdigit():  # int() would take more, such as a sign
        raise Unwanted("no number where one should be")
    try:
        return int(digits, 8)
    except ValueError:
        raise Unwanted("no number where one should be") from None
