"""What is in an archive, from as few of its bytes as possible. Blocking: for a thread.

A zip file has its directory at its end, so that only that is needed. Of a tar file only what its
beginning holds is listed: there is no directory in it.
"""

import bz2
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sshdash.untrusted import clean

MEMBERS = 10_000
"""Members that are listed."""
_UNPACKED = 16 * 1024 * 1024
"""Bytes that a compressed beginning may unpack to."""
_NAME = 400
_DAMAGE = (
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class Member:
    """One thing in an archive."""

    name: str
    """Cleaned; a directory's ends in a slash."""
    size: int
    when: str
    """Last modification as the archive tells it, empty where it does not."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The members of an archive."""

    form: str
    """``zip``, ``tar``, ``tar.gz`` …"""
    members: tuple[Member, ...]
    note: str = ""
    """What is not listed, and why; empty where everything is."""


class NotListed(Exception):
    """It is no archive after all, or a damaged one; the text says which."""


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def list_zip(tail: bytes, size: int) -> Listing:
    """Return what is in a zip file of `size` bytes that ends in `tail`. Raises NotListed."""
    try:
        with zipfile.ZipFile(_Tail(tail, size)) as archive:
            infos = archive.infolist()
    except _Before as error:
        raise NotListed(f"its directory is longer than the last {len(tail):,} bytes") from error
    except Exception as error:  # hostile bytes bring many kinds of these
        raise NotListed(f"a damaged zip file: {clean(str(error), 100)}") from error
    members = tuple(
        Member(clean(info.filename, _NAME), info.file_size, _zip_time(info))
        for info in infos[:MEMBERS]
    )
    more = len(infos) - len(members)
    return Listing("zip", members, f"{more:,} more" if more else "")


def list_tar(head: bytes, size: int) -> Listing:
    """Return what the beginning of a tar file of `size` bytes holds, compressed or not.

    Raises NotListed where it is no tar file.
    """
    form, unpacked, whole = _unpacked(head, size)
    members, ended = _members(unpacked)
    if not members and not ended:
        raise NotListed("not a tar file inside" if form else "a damaged tar file")
    note = "" if ended and whole else "the first part only: a tar file has no directory"
    return Listing(f"tar{form}", members, note)


def _unpacked(head: bytes, size: int) -> tuple[str, bytes, bool]:
    """Return the compression, what `head` unpacks to and whether that is everything."""
    decompressor: _Decompressor
    if head.startswith(b"\x1f\x8b"):
        form, decompressor = ".gz", zlib.decompressobj(wbits=31)
    elif head.startswith(b"BZh"):
        form, decompressor = ".bz2", bz2.BZ2Decompressor()
    elif head.startswith(b"\xfd7zXZ"):
        form, decompressor = ".xz", lzma.LZMADecompressor(memlimit=256 * 1024 * 1024)
    else:
        return "", head, len(head) >= size
    try:
        data = decompressor.decompress(head, _UNPACKED)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError) as error:
        raise NotListed(f"it does not unpack: {clean(str(error), 100)}") from error
    return form, data, len(head) >= size and len(data) < _UNPACKED


def _members(data: bytes) -> tuple[tuple[Member, ...], bool]:
    """Return the members up to where `data` ends, and whether that is the archive's end."""
    found: list[Member] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for info in _bounded(archive):
                name = info.name + ("/" if info.isdir() else "")
                if info.issym() or info.islnk():
                    name += f" → {info.linkname}"
                found.append(Member(clean(name, _NAME), max(info.size, 0), _time(info.mtime)))
    except _DAMAGE:  # the data ends in the middle, or is nothing of the kind
        return tuple(found), False
    return tuple(found), len(found) < MEMBERS


def _bounded(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for _ in range(MEMBERS):
        info = archive.next()
        if info is None:
            return
        yield info


def _zip_time(info: zipfile.ZipInfo) -> str:
    year, month, day, hour, minute, _ = info.date_time
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}"


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""


class _Before(Exception):
    """Something before what was read is needed."""


class _Tail(io.RawIOBase):
    """A file of which only the end is there."""

    def __init__(self, tail: bytes, size: int) -> None:
        super().__init__()
        self._tail = tail
        self._size = size
        self._start = size - len(tail)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("before the start")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        if self._position < self._start:
            raise _Before
        at = self._position - self._start
        data = self._tail[at:] if size < 0 else self._tail[at : at + size]
        self._position += len(data)
        return data
