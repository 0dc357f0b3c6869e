"""Whether a file system tells upper from lower case in names."""

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, join, name_of, parent_of
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.tasks import together


async def folds_case(filesystem: Filesystem, folder: bytes) -> bool:
    """Return whether it does not, where `folder` is: asked with that folder's own name."""
    name = name_of(folder)
    if name.swapcase() == name:
        return False
    try:
        own, other = await together(
            filesystem.exists(folder),
            filesystem.exists(join(parent_of(folder), name.swapcase())),
        )
    except FileError:
        return False
    return own is not None and other is not None and _identity(own) == _identity(other)


def _identity(entry: Entry) -> tuple[object, ...]:
    return entry.kind, entry.size, entry.mtime_ns, entry.mode, entry.uid, entry.gid
