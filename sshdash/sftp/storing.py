"""Writes a small file into a folder that is still being made, without waiting for that first."""

from typing import Protocol

from sshdash.errors import FileError
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem, Finish, Finished, Pieces, Writer


class Folders(Protocol):
    """Those that targets go into, which are made meanwhile."""

    async def ready(self, target: bytes) -> None:
        """Return once the folder of a target is there; raise FileError where it will not be."""
        ...

    async def asked(self, target: bytes) -> None:
        """Return once whatever is asked from now on comes behind the folder of a target."""
        ...

    def placing(self, target: bytes) -> None:
        """Note that a target is getting its name, in this turn of the loop."""
        ...


class Existing:
    """Folders that are there."""

    async def ready(self, target: bytes) -> None:
        """Return at once."""

    async def asked(self, target: bytes) -> None:
        """Return at once."""

    def placing(self, target: bytes) -> None:
        """Do nothing."""


async def store(
    target: Filesystem,
    path: bytes,
    pieces: Pieces,
    finish: Finish,
    folders: Folders,
) -> Finished:
    """Create a file with this content and finish it.

    It is opened at once, as the server makes its folder before it comes to that; nothing is
    written unless the folder is known to be ours. Whoever calls removes what a failure leaves.
    """
    writer = await _opened(target, path, folders)
    try:
        await folders.ready(path)
        return await writer.store(pieces, finish)
    except BaseException:
        await writer.close()
        raise


async def _opened(target: Filesystem, path: bytes, folders: Folders) -> Writer:
    try:
        return await target.open_write(path)
    except FileError as error:
        await folders.ready(path)
        if not isinstance(error, MissingError):
            raise
    return await target.open_write(path)  # not in order after all: the folder is there now
