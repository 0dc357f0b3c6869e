"""What the beginning of a file shows of it: its kind by content, its text, its bytes.

Pure. The bytes may come from anywhere, so whatever is returned for eyes is cleaned and bounded.
"""

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass
from enum import Enum

from sshdash.untrusted import clean

HEAD = 512 * 1024
"""Bytes that are read to show a file."""
ZIP_TAIL = 1024 * 1024
"""Bytes at the end of a zip file that are read for its directory."""
LINE_LIMIT = 4_000
"""Characters of one line that are shown."""
LINES = 20_000
"""Lines that are shown."""
ROWS = (16, 8, 4)
"""Bytes on a line of a dump, the more the better."""
_SAMPLE = 8_192


class PreviewKind(Enum):
    """How a file is shown best."""

    EMPTY = "empty"
    TEXT = "text"
    IMAGE = "image"
    ARCHIVE = "archive"
    BINARY = "binary"


_IMAGES: tuple[tuple[bytes, int], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0),
    (b"\xff\xd8\xff", 0),
    (b"GIF87a", 0),
    (b"GIF89a", 0),
    (b"BM", 0),
    (b"WEBP", 8),
)
_ARCHIVES: tuple[tuple[bytes, int], ...] = (
    (b"PK\x03\x04", 0),
    (b"PK\x05\x06", 0),
    (b"\x1f\x8b\x08", 0),
    (b"BZh", 0),
    (b"\xfd7zXZ\x00", 0),
    (b"ustar", 257),
)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Text:
    """The beginning of a text, ready to be shown."""

    lines: tuple[str, ...]
    """Cleaned, tabs as spaces."""
    encoding: str
    is_cut: bool
    """Whether lines that were read are left out."""


def kind_of(head: bytes) -> PreviewKind:
    """Return how a file that begins with `head` is shown best, whatever it is called."""
    if not head:
        return PreviewKind.EMPTY
    if _begins(head, _IMAGES) and (head[:2] != b"BM" or is_binary(head)):
        return PreviewKind.IMAGE
    if _begins(head, _ARCHIVES):
        return PreviewKind.ARCHIVE
    if head[:2] in _UTF16 or not is_binary(head):
        return PreviewKind.TEXT
    return PreviewKind.BINARY


def _begins(head: bytes, signatures: tuple[tuple[bytes, int], ...]) -> bool:
    return any(head.startswith(sign, offset) for sign, offset in signatures)


def is_zip(head: bytes) -> bool:
    """Return whether `head` begins a zip file, whose end is needed to list it."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def is_binary(head: bytes) -> bool:
    """Return whether `head` is not meant to be read: NUL bytes, or mostly unprintable."""
    sample = head[:_SAMPLE]
    if b"\0" in sample:
        return True
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)
    return odd * 10 > len(sample)


def text_of(head: bytes, *, whole: bool = True, last: bool = False) -> Text:
    """Return the lines of a text, its encoding guessed: UTF-8 where it is that, else Latin-1.

    Where `head` is not the `whole` text, its last character may be cut off. Of too many lines the
    first are returned, or the `last`.
    """
    decoded, encoding = _decoded(head, whole)
    rows = re.split("\r\n|\n|\r", decoded) if decoded else []
    if rows and not rows[-1]:
        del rows[-1]
    kept = rows[-LINES:] if last else rows[:LINES]
    lines = tuple(clean(row[: LINE_LIMIT * 2].expandtabs(8), LINE_LIMIT) for row in kept)
    return Text(lines, encoding, len(rows) > LINES)


def _decoded(head: bytes, whole: bool) -> tuple[str, str]:
    if head[:2] in _UTF16:
        return head[: len(head) & ~1].decode("utf-16", "replace"), "UTF-16"
    try:
        text = getincrementaldecoder("utf-8")().decode(head, final=whole)
    except UnicodeDecodeError:
        return head.decode("latin-1"), "Latin-1?"
    return text.removeprefix("\ufeff"), "UTF-8"


def dump_row(offset: int, row: bytes, size: int = 16) -> str:
    """Return offset, hexadecimal and printable characters, as ``hexdump -C`` does.

    `size` is one of `ROWS`: the bytes of a whole line.
    """
    halves = [row[:8].hex(" "), row[8:].hex(" ")] if size > 8 else [row.hex(" ")]
    digits = "  ".join(f"{half:<{3 * min(size, 8) - 1}}" for half in halves)
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{offset:08x}  {digits}  {shown}"


def dump_width(size: int) -> int:
    """Return the cells of a whole line of `size` bytes."""
    return _characters(size) + size


def dump_cells(at: int, size: int = 16) -> tuple[int, ...]:
    """Return the cells of a `dump_row` that show the byte at a place of it."""
    first = 10 + 3 * at + at // 8
    return first, first + 1, _characters(size) + at


def _characters(size: int) -> int:
    """Return the cell where the characters of a line of `size` bytes begin."""
    return 11 + 3 * size + (size > 8)
