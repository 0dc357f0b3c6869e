"""Going on with a shorter file that is there, whoever made it: in a copy of it."""

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem, Reader, Writer
from sshdash.sftp.partial import AlreadyThere, CannotResume, Partial, check
from sshdash.sftp.under_way import FileCopy, UnderWay
from sshdash.sftp.within import copy_within


async def go_on(
    target: Filesystem, file: FileCopy, reader: Reader, now: Entry, under_way: UnderWay
) -> Writer:
    """Return a new file that begins with what is there, which itself stays as it is.

    Raises AlreadyThere where nothing is missing, and FileError where it is no beginning.
    """
    assert file.existing is not None
    there = Partial(file.target, file.entry, file.existing.size, replacing=True)
    try:
        await check(there, reader, now, target)
    except CannotResume as error:
        title, hint = "cannot go on with what is there", "overwrite it, or keep both"
        host = "" if target.is_local else target.label
        raise FileError(title, shown(file.target), str(error), hint, host) from None
    if there.done == file.entry.size:
        raise AlreadyThere("it is all there", shown(file.target))
    writer = await target.open_write(under_way.part)
    try:
        await _take_over(target, file.target, there.done, writer, under_way)
    except BaseException:
        await writer.close()
        raise
    return writer


async def _take_over(
    target: Filesystem, path: bytes, size: int, writer: Writer, under_way: UnderWay
) -> None:
    """Begin with the first `size` bytes of another file, where they need not be sent for it."""
    if not target.copies_from(target):
        return
    reader = await target.open_read(path)
    try:
        await copy_within(reader, writer, 0, size, under_way.wrote)
    finally:
        await reader.close()
