"""Where a file has data and where it has holes: pairs of from and to, in order and apart."""

from collections.abc import Iterator, Sequence

Extent = tuple[int, int]


def holes(extents: Sequence[Extent], begin: int, size: int) -> Iterator[Extent]:
    """Yield what no extent covers, from `begin` up to `size`."""
    at = begin
    for start, stop in extents:
        if start > at:
            yield at, start
        at = max(at, stop)
    if at < size:
        yield at, size


def chunks(extents: Sequence[Extent], begin: int, size: int) -> Iterator[Extent]:
    """Yield the extents from `begin` on in pieces of at most `size` bytes."""
    for start, stop in extents:
        for at in range(max(start, begin), stop, size):
            yield at, min(at + size, stop)
