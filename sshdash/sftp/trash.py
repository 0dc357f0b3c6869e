"""This machine's trash: where deleted files can be taken out again."""

import asyncio
import os

from sshdash.errors import FileError
from sshdash.sftp.failures import MissingError, shown
from sshdash.untrusted import clean

_DATA = "XDG_DATA_HOME"


async def move_to_trash(path: bytes) -> None:
    """Move a file, a link or a whole folder to the trash. Raises FileError where it cannot be,
    MissingError where there is nothing.

    A thread does it, which cannot be stopped: a caller that is cancelled waits for it.
    """
    moving = asyncio.ensure_future(asyncio.to_thread(_move, path))
    try:
        await asyncio.shield(moving)
    except asyncio.CancelledError:
        await asyncio.wait((moving,))
        raise
    except FileNotFoundError as error:
        raise MissingError("cannot move to the trash", shown(path), "it is gone") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise FileError("cannot move to the trash", shown(path), clean(reason, 200)) from error


def _move(path: bytes) -> None:
    # The standard has what is no absolute path ignored; the library puts a Trash into the
    # current folder.
    if not os.environ.get(_DATA, "/").startswith("/"):
        del os.environ[_DATA]
    from send2trash import send2trash

    os.lstat(path)
    if not os.path.exists(path):
        raise ValueError("a link that leads nowhere cannot be in the trash")
    send2trash(path)
