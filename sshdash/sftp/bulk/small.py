"""Which files are worth a stream of tar."""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import TypeVar

from sshdash.sftp.entries import Kind
from sshdash.sftp.job import CopyRequest
from sshdash.sftp.walk import Source

Item = TypeVar("Item")

LEAST = 500
"""Files from which on starting a program for them is worth it."""
_LARGEST = 64 * 1024
"""Bytes of a file up to which it is one of the small."""


def is_for(request: CopyRequest) -> bool:
    """Return whether a job asks for nothing that tar cannot do."""
    return not (request.move or request.verify or request.xattrs or request.owner)


def is_small(file: Source) -> bool:
    """Return whether a file is small, plain, and replaces nothing."""
    entry = file.entry
    return (
        entry.kind is Kind.FILE
        and 0 < entry.size <= _LARGEST  # a kernel's pseudo files claim to be empty
        and entry.linked is None
        and entry.held is None
        and file.existing is None
        and not file.resume
    )


def sliced(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Yield items in order, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, most)):
        yield some


def batches(
    items: Sequence[Item], most: int, bytes_: int, size: Callable[[Item], int]
) -> Iterator[Sequence[Item]]:
    """Yield items in order, at most so many at a time, and no more bytes unless one has them."""
    sums = list(accumulate(map(size, items)))
    begin = before = 0
    while begin < len(items):
        end = max(begin + 1, bisect(sums, before + bytes_, begin, min(begin + most, len(items))))
        yield items[begin:end]
        begin, before = end, sums[end - 1]
