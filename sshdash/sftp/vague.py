"""Why a change failed where an SFTP server said only "failure": found by looking at the disk.

OpenSSH's server answers so to a full disk, a used up quota, a file system mounted read-only, a
file too large and a failing disk alike.
"""

import errno

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp.entries import parent_of
from sshdash.sftp.failures import FullError, VagueError, words_for
from sshdash.sftp.filesystem import Filesystem, Space

_LITTLE_ROOM = 1024 * 1024
"""Less free space than this explains a failure that a server did not explain."""
_LARGE = 2**32 - 1
"""What older file systems do not take: a file of four GiB."""


async def explained(
    error: VagueError | FullError, filesystem: Filesystem, path: bytes, size: int = 0
) -> FileError:
    """Return `error` with its likely cause, and the room that is left.

    `size` is that of the file to be written.
    """
    try:
        space = await filesystem.statvfs(parent_of(path))
    except SSHDashError:
        space = None
    detail, hint = _cause(space, size, "disk" if filesystem.is_local else "remote disk")
    if not detail and isinstance(error, FullError):
        told = space is not None and error.detail != words_for(errno.EDQUOT)[0]
        free = f" ({space.free:,} bytes free)" if space is not None and told else ""
        return FullError(error.title, error.path, error.detail + free, error.hint, error.host)
    if not detail:
        return VagueError(error.title, error.path, error.detail, hint, error.host)
    return FileError(error.title, error.path, detail, hint, error.host)


def _cause(space: Space | None, size: int, disk: str) -> tuple[str, str]:
    """Return cause and hint; no cause where the disk does not tell."""
    if space is not None and space.read_only:
        return words_for(errno.EROFS)
    if space is not None and space.free <= _LITTLE_ROOM:
        return f"{disk} full ({space.free:,} bytes free)", words_for(errno.ENOSPC)[1]
    if space is not None and space.free_files == 0:
        detail = f"{disk} full: no room for one more file, whatever its size (inodes)"
        return detail, "remove some files and retry"
    if size >= _LARGE:
        return "", "some file systems take no files of 4 GiB and more"
    return "", "a full quota, a size limit or a failing disk there are usual causes"
