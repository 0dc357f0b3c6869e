"""Where a file has data and where it has holes: pairs of from and to, in order and apart."""

from collections.abc import Callable, Iterator, Sequence

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


def chunks(extents: Sequence[Extent], begin: int, most: Callable[[], int]) -> Iterator[Extent]:
    """Yield the extents from `begin` on, in parts as large as `most` has them by then."""
    for start, stop in extents:
        at = max(start, begin)
        while at < stop:
            end = min(at + most(), stop)
            yield at, end
            at = end
