"""Searching a file for bytes, a part at a time: it may be far away and larger than any memory."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from sshdash.errors import UsageError

_PART = 1024 * 1024
"""Bytes that are read and searched at once."""
_LONGEST = 1024
_PAIRS = re.compile(r"\s*[0-9a-fA-F]{2}(?:\s+[0-9a-fA-F]{2})+\s*")
_NUMBER = re.compile(r"\s*0[xX]((?:[0-9a-fA-F]{2}\s*)+)")


@dataclass(frozen=True, slots=True)
class Sought:
    """What is searched for."""

    pattern: re.Pattern[bytes]
    length: int
    """Bytes of a match."""
    is_text: bool


def sought(typed: str) -> Sought:
    """Return what a person means: ``de ad`` and ``0xdead`` are bytes, all else is text.

    In quotes it is text whatever it looks like. Text without capitals matches those too. Raises
    UsageError where there is nothing to search for, or too much.
    """
    number = _NUMBER.fullmatch(typed)
    is_text = not number and not _PAIRS.fullmatch(typed)
    if is_text:
        quoted = len(typed) > 2 and typed[0] == typed[-1] == '"'
        typed = typed[1:-1] if quoted else typed
        data = typed.encode("utf-8", "surrogateescape")
    else:
        data = bytes.fromhex(number[1] if number else typed)
    if not 0 < len(data) <= _LONGEST:
        raise UsageError("Nothing to search for" if not data else "Too long to search for")
    flags = re.IGNORECASE if is_text and typed == typed.lower() else re.NOFLAG
    return Sought(re.compile(re.escape(data), flags), len(data), is_text)


async def find_bytes(
    read: Callable[[int, int], Awaitable[bytes]],
    size: int,
    what: Sought,
    start: int,
    *,
    back: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> int | None:
    """Return the offset of the next match from `start` on, round the end; None for none.

    With `back`, of the match that begins before `start`, round the beginning. `read` returns
    bytes from an offset, `told` hears how many were searched. Raises what `read` raises.
    """
    searched = 0
    for first, last in _parts(size, what.length, min(start, size), back):
        data = await read(first, last - first + what.length - 1)
        found = await asyncio.to_thread(_find, data, what.pattern, last - first, back)
        if found is not None:
            return first + found
        searched += last - first
        told(searched)
    return None


def _parts(size: int, length: int, start: int, back: bool) -> Iterator[tuple[int, int]]:
    """Yield from where to where matches may begin, in the order they are looked for."""
    if back:
        for begin, end in ((0, start), (start, size)):
            for last in range(end, begin, -_PART):
                yield max(last - _PART, begin), last
    else:
        for begin, end in ((start, size), (0, start)):
            for first in range(begin, end, _PART):
                yield first, min(first + _PART, end)


def _find(data: bytes, pattern: re.Pattern[bytes], room: int, back: bool) -> int | None:
    """Return where the first match begins, or the last one, within `room` bytes."""
    at, found = 0, None
    while (match := pattern.search(data, at)) and match.start() < room:
        found = match.start()
        if not back:
            break
        at = found + 1
    return found
