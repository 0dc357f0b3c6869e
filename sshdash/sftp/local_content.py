"""What open local files hold, with their holes: blocking calls, each run in a thread by its caller.

But for `cached`, which waits for nothing.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from itertools import groupby

from sshdash.sftp.filesystem import Buffer

_ZEROS = bytes(32 * 1024)
"""What data is compared with, in parts of that size."""
HOLE = 4096
"""So many zeros in a row become a hole."""
_BLOCK = 1024 * 1024
_EXTENTS = 10_000
"""Parts of a file with more holes than that are taken together."""
_IOV = 512
"""Pieces for one gathering write, safely below every system's limit."""
_NO_SHARING = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""How a system says that it cannot copy between two files by itself."""
_NO_WAIT: int = getattr(os, "RWF_NOWAIT", 0)


def cached(descriptor: int, size: int, offset: int) -> Buffer | None:
    """Return what can be read without waiting for a disk, None where nobody knows (preadv2(2))."""
    if not _NO_WAIT:
        return None
    room = memoryview(bytearray(size))
    try:
        return room[: os.preadv(descriptor, (room,), offset, _NO_WAIT)]
    except OSError:
        return None  # not in memory, or a file system that cannot tell; whatever it is shows there


def write(descriptor: int, offset: int, pieces: Sequence[Buffer]) -> None:
    """Write all of `pieces` from `offset` on."""
    if len(pieces) == 1:
        written = os.pwrite(descriptor, pieces[0], offset)
        if written == len(pieces[0]):
            return
        offset += written
        pieces = (memoryview(pieces[0])[written:],)
    todo = [memoryview(piece) for piece in pieces]
    while todo:
        written = os.pwritev(descriptor, todo[:_IOV], offset)
        offset += written
        while todo and written >= len(todo[0]):
            written -= len(todo.pop(0))
        if written:
            todo[0] = todo[0][written:]


def write_sparse(descriptor: int, offset: int, pieces: Sequence[Buffer]) -> None:
    """Write `pieces` from `offset` on, and nothing where there are only zeros."""
    blocks = [block for piece in pieces for block in _blocks(piece)]
    data: list[Buffer] = []
    at = offset
    for is_zero, run in groupby(blocks, key=_ZEROS.startswith):
        run_blocks = list(run)
        size = sum(map(len, run_blocks))
        if is_zero and size >= HOLE:
            write(descriptor, offset, data)
            data, offset = [], at + size
        else:
            data += run_blocks
        at += size
    write(descriptor, offset, data)


def _blocks(piece: Buffer) -> Iterator[memoryview]:
    view = memoryview(piece)
    return (view[at : at + len(_ZEROS)] for at in range(0, len(view), len(_ZEROS)))


def extend(descriptor: int, size: int) -> None:
    """Make a file at least `size` bytes long: a hole at its end was not written."""
    if os.fstat(descriptor).st_size < size:
        os.ftruncate(descriptor, size)


def extents(descriptor: int, size: int) -> list[tuple[int, int]]:
    """Return where there is data among the first `size` bytes: from and to, in order.

    All of it where the system does not tell.
    """
    found: list[tuple[int, int]] = []
    offset = 0
    try:
        while offset < size and len(found) < _EXTENTS:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
            offset = os.lseek(descriptor, start, os.SEEK_HOLE)
            if start < size:
                found.append((start, min(offset, size)))
    except OSError as error:
        if error.errno != errno.ENXIO:  # which says that there is no more data
            return [(0, size)]
    else:
        if offset < size:
            found.append((offset, size))
    return found


def copy_range(source: int, target: int, offset: int, size: int) -> int:
    """Copy at most `size` bytes from one open file to the same place in another; return how many.

    The kernel does it, or shares them, where the file system can.
    """
    if hasattr(os, "copy_file_range"):
        try:
            return os.copy_file_range(source, target, size, offset, offset)
        except OSError as error:
            if error.errno not in _NO_SHARING:
                raise
    data = os.pread(source, min(_BLOCK, size), offset)
    write(target, offset, (data,))
    return len(data)
