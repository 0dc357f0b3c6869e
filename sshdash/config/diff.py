"""What a change does to a file, in the unified form that patch(1) reads."""

import difflib

from sshdash.config.document import split_lines
from sshdash.untrusted import clean

_AROUND = 3
_LONGEST = 400


def unified(before: bytes | None, after: bytes | None, path: str, around: int = _AROUND) -> bytes:
    """Return the difference of a file's two versions, nothing where there is none.

    None stands for no file; `around` lines above and below each change are shown.
    """
    old, new = split_lines(before or b""), split_lines(after or b"")
    head, tail = _same(old, new)
    pieces = difflib.diff_bytes(
        difflib.unified_diff,
        old[head : len(old) - tail],
        new[head : len(new) - tail],
        b"/dev/null" if before is None else path.encode("utf-8", "surrogateescape"),
        b"/dev/null" if after is None else path.encode("utf-8", "surrogateescape"),
        n=around,
    )
    return b"".join(_ended(_placed(piece, head)) for piece in pieces)


def shown(difference: bytes) -> list[str]:
    """Return the lines of a difference as a terminal may show them."""
    return [clean(line.rstrip(b"\r\n").expandtabs(8), _LONGEST) for line in split_lines(difference)]


def _same(old: list[bytes], new: list[bytes]) -> tuple[int, int]:
    """Return how many lines at the beginning and the end are not worth comparing.

    The comparison of large files takes long, and an edit changes one place.
    """
    limit = min(len(old), len(new))
    head = 0
    while head < limit and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < limit - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return max(head - _AROUND, 0), max(tail - _AROUND, 0)


def _placed(piece: bytes, skipped: int) -> bytes:
    """Return a line of the difference; the numbers of a hunk count the lines left out before."""
    if not piece.startswith(b"@@") or not skipped:
        return piece
    ranges = piece.split(b" ")
    for at in (1, 2):
        start, comma, count = ranges[at][1:].partition(b",")
        ranges[at] = ranges[at][:1] + str(int(start) + skipped).encode() + comma + count
    return b" ".join(ranges)


def _ended(piece: bytes) -> bytes:
    return piece if piece.endswith(b"\n") else piece + b"\n\\ No newline at end of file\n"
