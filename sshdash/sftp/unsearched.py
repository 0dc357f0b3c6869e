"""Folders of a host that may be read and not searched, which seem to be empty."""

from collections.abc import Awaitable, Callable

from sshdash.errors import FileError
from sshdash.sftp.entries import Entry, join
from sshdash.sftp.failures import RefusedError, shown


async def ensure_searched(
    lstat: Callable[[bytes], Awaitable[Entry]], path: bytes, host: str
) -> None:
    """Raise FileError where a folder of which not even ``.`` was listed may not be searched.

    OpenSSH's server leaves out each name that it cannot look at, and then says that this was all.
    """
    try:
        await lstat(join(path, b"."))
    except RefusedError as error:
        detail = "it may be read and not searched, and its server tells no names then"
        raise FileError("cannot list", shown(path), detail, error.hint, host) from error
    except FileError:
        pass  # a server that knows no such name
