"""Moves the content of one file, many chunks of it at the same time."""

import asyncio
from collections.abc import Iterator

from sshdash.sftp.entries import Entry
from sshdash.sftp.extents import chunks, holes
from sshdash.sftp.filesystem import Reader, Writer
from sshdash.sftp.tasks import together
from sshdash.sftp.under_way import UnderWay

WINDOW = 8 * 1024 * 1024
"""Bytes of one file that are under way at once."""
UPLOAD_WINDOW = 2 * 1024 * 1024
"""The same from here to a host: what OpenSSH's server takes before it says that there is room.
More would be read and wait in memory, out of the processor's cache when its turn comes.
"""
_OVERLAP = 8
"""Parts that a window is cut in, so that something is always under way while others are waited for.
"""
_CHUNKS = 64
"""Chunks of one file under way at once, however small they are."""


async def pump(
    reader: Reader, writer: Writer, now: Entry, chunk: int, window: int, under_way: UnderWay
) -> int:
    """Copy what has not arrived of a file that is as `now` says, and return where it ended.

    `chunk` bytes are moved at once and `window` are under way; what claims to be empty is read to
    its end. Holes that the source tells are not read.
    """
    if not now.size:
        return await _pump_to_end(reader, writer, chunk, under_way)
    chunk = min(chunk, window // _OVERLAP)
    begun = under_way.arrived.until
    extents = [(0, now.size)] if now.held is None else await reader.extents(now.size)
    for start, stop in holes(extents, begun, now.size):
        under_way.wrote(start, stop - start)
    width = min(_CHUNKS, max(2, window // chunk), -(-(now.size - begun) // chunk))
    parts = chunks(extents, begun, chunk)
    return await _pump_chunks(reader, writer, parts, width, now.size, under_way)


async def _pump_chunks(
    reader: Reader,
    writer: Writer,
    parts: Iterator[tuple[int, int]],
    width: int,
    size: int,
    under_way: UnderWay,
) -> int:
    """Copy `parts` of a file of `size`, `width` at the same time; return where it ended."""
    end = size
    rest: list[tuple[int, int]] = []

    def part() -> tuple[int, int] | None:
        """Return what is to be copied next, no more than the pace allows at once."""
        found = rest.pop() if rest else next(parts, None)
        if found is None:
            return None
        start, stop = found
        until = start + under_way.pace.most(stop - start)
        if until < stop:
            # Whoever comes next goes on right behind, so that what has arrived has no gaps.
            rest.append((until, stop))
        return start, until

    async def worker() -> None:
        nonlocal end
        while (taken := part()) is not None:
            offset, stop = taken
            await under_way.pace.take(stop - offset)
            while offset < stop:
                pieces = await reader.read(offset, stop - offset)
                if not pieces:
                    end = min(end, offset)
                    return
                under_way.sent = True
                await writer.write(offset, pieces)
                length = sum(map(len, pieces))
                under_way.wrote(offset, length)
                offset += length

    await together(*(worker() for _ in range(width)))
    return end


async def _pump_to_end(reader: Reader, writer: Writer, chunk: int, under_way: UnderWay) -> int:
    """Copy from the start to the end, wherever that is: read in order, written meanwhile."""
    end = 0
    turn = asyncio.Lock()

    async def worker() -> None:
        nonlocal end
        while True:
            async with turn:
                pieces = await reader.read(end, chunk)
                offset, length = end, sum(map(len, pieces))
                end += length
            if not length:
                return
            under_way.sent = True
            await writer.write(offset, pieces)
            under_way.count(length)
            await under_way.pace.take(length)

    await together(*(worker() for _ in range(max(2, UPLOAD_WINDOW // chunk))))
    return end
