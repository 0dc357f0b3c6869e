"""Modes, owners and times of what has a name itself: a link put there meanwhile is not followed."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import UnsupportedError, VagueError, shown
from sshdash.sftp.messages import Attributes
from sshdash.sftp.protocol import LSETSTAT

if TYPE_CHECKING:
    from sshdash.sftp.handles import Session


async def set_itself(
    session: "Session",
    look: Callable[[bytes], Awaitable[Entry]],
    path: bytes,
    mode: int | None,
    owner: tuple[int, int] | None,
) -> None:
    """Have a server set mode and owner without following a link (lsetstat@openssh.com).

    Where it does not offer that, or its system cannot, `look` looks right before. Raises FileError
    for a link.
    """
    uid, gid = owner or (None, None)
    wanted = Attributes(uid=uid, gid=gid, mode=mode)
    what = "change the owner" if owner else "change the mode"
    if session.protocol.offers(LSETSTAT):
        with suppress(UnsupportedError, VagueError):
            await session.call(what, path, session.protocol.set_link(path, wanted))
            return
    if (await look(path)).kind is Kind.SYMLINK:
        raise FileError("not changed", shown(path), "a link has taken its place", "", session.host)
    await session.call(what, path, session.protocol.set_path(path, wanted))


async def set_own_time(
    session: "Session", look: Callable[[bytes], Awaitable[Entry]], path: bytes, seconds: int
) -> None:
    """Have a server set the time of a link or a folder itself.

    Raises UnsupportedError for a link where the server, or its system, cannot.
    """
    wanted, what = Attributes(mtime=seconds), "set the time"
    if session.protocol.offers(LSETSTAT):
        with suppress(UnsupportedError, VagueError):
            await session.call(what, path, session.protocol.set_link(path, wanted))
            return
    if (await look(path)).kind is Kind.SYMLINK:
        raise UnsupportedError("the time of a link cannot be set", shown(path), host=session.host)
    await session.call(what, path, session.protocol.set_path(path, wanted))
