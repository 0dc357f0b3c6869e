"""Paths as a person writes them: with ``..`` behind links, and with ``*`` on a host."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from fnmatch import translate

from sshdash.errors import FileError
from sshdash.sftp.entries import Kind, join, name_of, normalize
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.tasks import each

_MAGIC = re.compile(rb"[*?\[\\]")
_WIDTH = 32
_MAX_MATCHES = 100_000
"""A pattern that stands for more is taken for a mistake."""


async def settle(path: bytes, realpath: Callable[[bytes], Awaitable[bytes]]) -> bytes:
    """Return the absolute `path` normalized, its ``..`` taken as the system takes them.

    ``link/..`` is the directory above where the link leads, so that is asked of the system.
    """
    parts = path.split(b"/")
    if b".." not in parts:
        return normalize(path)
    end = len(parts) - parts[::-1].index(b"..")
    above = await realpath(b"/".join(parts[:end]))
    return normalize(join(above, b"/".join(parts[end:])))


async def matching(filesystem: Filesystem, pattern: bytes, folders: bool = False) -> list[bytes]:
    """Return the sorted paths that the absolute `pattern` stands for, as a shell takes it.

    ``*``, ``?`` and ``[…]`` match within one name, never a leading dot; a backslash takes the
    next character as it is. What exists by just that name is itself and no pattern. Where there
    was a slash at its end, only `folders` match. Returns nothing where nothing matches.
    """
    if not _MAGIC.search(pattern):
        return [pattern]
    with suppress(MissingError):
        await filesystem.lstat(pattern)
        return [pattern]
    found = [b"/"]
    for part in pattern.split(b"/"):
        if part:
            found = [path for folder in found for path in await _step(filesystem, folder, part)]
    return sorted(await _folders(filesystem, found) if folders else found)


async def _folders(filesystem: Filesystem, paths: list[bytes]) -> list[bytes]:
    """Return those that are directories, or links to one."""
    kept: list[bytes] = []

    async def look(path: bytes) -> None:
        with suppress(FileError):  # a link that leads nowhere
            if (await filesystem.stat(path)).kind is Kind.DIRECTORY:
                kept.append(path)

    await each(paths, min(_WIDTH, len(paths)), look)
    return kept


async def _step(filesystem: Filesystem, folder: bytes, part: bytes) -> list[bytes]:
    """Return what `part` stands for in a folder."""
    if not _MAGIC.search(re.sub(rb"\\.", b"", part, flags=re.DOTALL)):
        path = join(folder, re.sub(rb"\\(.)", rb"\1", part, flags=re.DOTALL))
        return [path] if await filesystem.exists(path) else []
    matches = re.compile(_expression(part)).match
    names: list[bytes] = []
    try:
        async for batch in filesystem.scandir(folder):
            names += [entry.name for entry in batch if matches(entry.name)]
    except FileError:
        return []  # not a directory, or not to be read: a shell finds nothing in it either
    if len(names) > _MAX_MATCHES:
        raise FileError("too many files match", name_of(folder).decode(errors="replace"))
    hidden = part.startswith(b".")
    return [join(folder, name) for name in names if hidden or not name.startswith(b".")]


def _expression(part: bytes) -> bytes:
    """Return a regular expression; `fnmatch` knows no backslash, but a class of one."""
    text = part.decode("latin-1")
    plain = re.sub(r"\\(.)", lambda found: _literally(found[1]), text, flags=re.DOTALL)
    return translate(plain).encode("latin-1")


def _literally(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character
