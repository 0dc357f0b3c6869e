"""What a command is about to ask of one path: it may leave with SFTP's greeting already.

Pure. Paths are as a person writes them; those that must be asked for first, such as ``~user``,
are nothing to look at ahead.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sshdash.sftp.entries import join, name_of, normalize
from sshdash.sftp.messages import Message, string

STATVFS = b"statvfs@openssh.com"
_MOST = 16
"""Names in a folder that are looked at ahead."""
_MANY_FOLDERS, _MANY = 4, 500


class Look(NamedTuple):
    """One request for what a path is, which changes nothing."""

    kind: Message
    path: bytes
    """Relative to where the server starts, or absolute; never with ``..``."""
    extension: bytes = b""

    def body(self, home: bytes | None = None) -> bytes:
        """Return the request as it is sent, or as it would be once `home` is known."""
        path = self.path or b"."
        if home is not None:
            path = normalize(join(home, path) if path[:1] != b"/" else path)
        return (string(self.extension) if self.extension else b"") + string(path)


def of_source(path: bytes, *, follow: bool, recursive: bool) -> tuple[Look, ...]:
    """Return what a copy asks of its source."""
    plain = _plain(path)
    if plain is None or any(sign in path for sign in b"*?[\\") or path.endswith((b"/", b"/.")):
        return ()
    looks = (Look(Message.STAT if follow else Message.LSTAT, plain),)
    return (*looks, Look(Message.OPENDIR, plain)) if recursive else looks


def of_target(path: bytes, sources: Iterable[bytes]) -> tuple[Look, ...]:
    """Return what a copy of `sources` asks of the folder that it goes to."""
    plain = _plain(path)
    if plain is None:
        return ()
    # Once to find out what it is, and once when the copy begins.
    looks = [Look(Message.STAT, plain)] * 2
    looks += [Look(Message.REALPATH, plain), Look(Message.EXTENDED, plain, STATVFS)]
    names = [name for source in sources if (name := name_of(source)) not in (b"", b".", b"..")]
    looks += [Look(Message.LSTAT, join(plain, name) if plain else name) for name in names[:_MOST]]
    return tuple(looks)


def may_hold_many(folders: int, entries: int) -> bool:
    """Return whether very many files may be below a folder with so much in it."""
    return folders >= _MANY_FOLDERS or entries >= _MANY


def _plain(path: bytes) -> bytes | None:
    """Return a path without what means nothing in it, None where only the server knows it."""
    if path.startswith(b"~") or b".." in path.split(b"/"):
        return None
    plain = normalize(path)
    return plain if path.startswith(b"/") else plain[1:]
