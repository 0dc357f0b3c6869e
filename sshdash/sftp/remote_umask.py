"""What the umask of a host takes from new files. Nothing in SFTP tells that: one is made to see."""

import asyncio
import secrets

from sshdash.sftp.answers import whole
from sshdash.sftp.entries import join
from sshdash.sftp.failures import VagueError
from sshdash.sftp.filesystem import Filesystem, untaken
from sshdash.sftp.handles import Session
from sshdash.sftp.messages import Open
from sshdash.sftp.tasks import CancelledTooLate, undivided
from sshdash.sftp.vague import explained

_ALL = 0o777
_PATIENCE = 3.0
"""Seconds that whoever cancels waits for the file to be gone."""


async def umask_in(directory: bytes, session: Session, filesystem: Filesystem) -> int:
    """Return the bits that new files in `directory` do not get.

    The one that is made is empty and goes at once, also where whoever asks is cancelled meanwhile.
    Raises FileError and ConnectionLost.
    """
    found: list[int] = []

    async def ask() -> None:
        found.append(untaken(await _mode_of_a_new_file(directory, session, filesystem)))

    try:
        await undivided(ask(), _PATIENCE)
    except CancelledTooLate:
        raise asyncio.CancelledError from None  # no file of anybody's has arrived by that
    return found[0]


async def _mode_of_a_new_file(directory: bytes, session: Session, filesystem: Filesystem) -> int:
    protocol = session.protocol
    path = join(directory, b".sshdash-%b.part" % secrets.token_hex(4).encode())
    opening = protocol.open_file(path, Open.WRITE | Open.CREATE | Open.EXCLUSIVE, _ALL)
    try:
        handle = await session.call("make files in", directory, opening)
    except VagueError as error:
        raise await explained(error, filesystem, path) from error
    asked = protocol.stat_handle(handle)
    gone = (protocol.close_handle(handle), protocol.remove(path))
    stat = await session.call("make files in", directory, asked)
    await session.call("remove", path, whole(gone))
    return stat.mode or 0o644
