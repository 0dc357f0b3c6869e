"""Copies that never leave the machine the file is on: a host's server or the kernel does them."""

import asyncio
from collections.abc import Callable

from sshdash.errors import FileError
from sshdash.sftp.filesystem import Reader, Writer

WORTH = 16 * 1024
"""Smaller files take longer to be copied so than to be read and written."""
_LEAST, _FIRST, _MOST = 2**20, 16 * 2**20, 256 * 2**20
"""Bytes of a slice, as so much is asked for at once."""
_SLICE = 0.25
"""Seconds a slice is to take: as often the progress moves, and so soon a cancelled copy ends."""


async def copy_within(
    reader: Reader, writer: Writer, start: int, size: int, wrote: Callable[[int, int], None]
) -> None:
    """Let `writer` take what it can from `start` to `size`; whatever is missing then is to be read.

    `wrote` is told offset and length of each slice. A refusal is no failure: who asks for the rest
    sees whether there is one. Raises ConnectionLost.
    """
    clock = asyncio.get_running_loop().time
    step = _FIRST
    while start < size:
        began = clock()
        try:
            copied = await writer.copy_from(reader, start, min(step, size - start))
        except FileError:
            return
        if not copied:
            return
        wrote(start, copied)
        start += copied
        took = clock() - began
        if took > 2 * _SLICE:
            step = max(step // 2, _LEAST)
        elif took < _SLICE / 2:
            step = min(step * 2, _MOST)
