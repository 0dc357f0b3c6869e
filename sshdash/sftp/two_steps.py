"""Replacing a file in two steps, where a server has no word for one (posix-rename@openssh.com).

Between them the old file has another name, and nothing has its own. Whoever comes after a process
that was killed there finds that by the name of the temporary file, and puts it right.
"""

import secrets
from contextlib import suppress
from typing import Protocol

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp.entries import Entry, join, name_of, parent_of
from sshdash.sftp.names import backup_name, is_temporary, named_by, set_aside_by


class Renaming(Protocol):
    """Where files are renamed."""

    async def exists(self, path: bytes) -> Entry | None:
        """Return what `path` itself is, None where there is nothing."""
        ...

    async def rename(self, old: bytes, new: bytes) -> None:
        """Rename, refusing a `new` that exists."""
        ...

    async def unlink(self, path: bytes) -> None:
        """Remove one file or link."""
        ...


async def swap(files: Renaming, old: bytes, new: bytes, part: bytes | None = None) -> None:
    """Rename `old` onto `new`, which gets its name back where that fails.

    Meanwhile it is called after `old` where that is a temporary file, else after `part`, which may
    be none that there is.
    """
    part = part or old
    if is_temporary(name_of(part)):
        aside = set_aside_by(name_of(part))
    else:
        aside = backup_name(name_of(new), secrets.token_hex(4))
    aside = join(parent_of(new), aside)
    await files.rename(new, aside)
    try:
        await files.rename(old, new)
    except SSHDashError:
        await files.rename(aside, new)
        raise
    await files.unlink(aside)


async def put_right(files: Renaming, part: bytes, target: bytes | None = None) -> None:
    """Give the old file back the name that the temporary file `part` was about to get.

    Where that got it, the old one is removed, as it was to be. What has been made there since
    stays, and the old file too, beside it. A `target` that is not given is known by `part`.
    """
    name = named_by(name_of(part))
    if target is None and name is None:
        return
    target = target or join(parent_of(part), name or b"")
    aside = join(parent_of(part), set_aside_by(name_of(part)))
    with suppress(FileError):  # somebody else does the same, or it is told by whoever copies next
        if await files.exists(aside) is None:
            return
        if await files.exists(target) is None:
            await files.rename(aside, target)
        elif await files.exists(part) is None:
            await files.unlink(aside)
