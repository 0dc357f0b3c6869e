"""Users and groups by name: SFTP takes only their numbers."""

import asyncio
import grp
import pwd

from sshdash.errors import FileError, UsageError
from sshdash.sftp.filesystem import Filesystem
from sshdash.untrusted import clean

_LIMIT = 4 * 1024 * 1024
"""Bytes of /etc/passwd and /etc/group that are looked through."""
_HIGHEST = 0xFFFFFFFE


async def number_of(filesystem: Filesystem, name: str, *, group: bool = False) -> int:
    """Return the number of a user or a group where the files are.

    A number is itself. On a host the name is looked up in its /etc/passwd or /etc/group. Raises
    UsageError where the name is unknown there.
    """
    if name.isascii() and name.isdigit():
        number = int(name[:12])
        if number > _HIGHEST:
            raise UsageError("That is no number of a user or group", clean(name))
        return number
    what = "group" if group else "user"
    if filesystem.is_local:
        found = await asyncio.to_thread(_local, name, group)
    else:
        found = await _remote(filesystem, name, b"/etc/group" if group else b"/etc/passwd")
    if found is None:
        hint = "type its number: id on the host tells it" if not filesystem.is_local else ""
        raise UsageError(f"There is no {what} “{clean(name)}” on {filesystem.label}", hint=hint)
    return found


def numbers_in(data: bytes) -> dict[bytes, int]:
    """Return the number of each name in a passwd(5) or group(5) file, the first that has it."""
    found: dict[bytes, int] = {}
    for line in data.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 2 and fields[0] and fields[2].isdigit() and len(fields[2]) < 11:
            found.setdefault(fields[0], int(fields[2]))
    return found


def _local(name: str, group: bool) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid if group else pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


async def _remote(filesystem: Filesystem, name: str, path: bytes) -> int | None:
    try:
        data = await filesystem.read_head(path, _LIMIT)
    except FileError as error:
        raise UsageError(
            f"“{clean(name)}” cannot be looked up on {filesystem.label}",
            f"{error.title} {error.path}: {error.detail}",
            "type the number",
        ) from error
    number = numbers_in(data).get(name.encode("utf-8", "surrogateescape"))
    return number if number is not None and number <= _HIGHEST else None
