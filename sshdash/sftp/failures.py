"""What failed, in words: from errno and SFTP status to `FileError`.

The classes say what the engine decides by; a person reads only the text.
"""

import errno
import os

from sshdash.errors import FileError
from sshdash.sftp.entries import Kind
from sshdash.sftp.messages import Code
from sshdash.untrusted import clean


class MissingError(FileError):
    """There is nothing under that path."""


class ExistsError(FileError):
    """Something is there already."""


class RefusedError(FileError):
    """Whoever asked may not do that."""


class UnsupportedError(FileError):
    """The server does not offer the operation."""


class VagueError(FileError):
    """A change failed and the server said only that; the disk may tell why."""


class FullError(FileError):
    """There is no more room, or the quota is used up."""


_HINTS = {
    errno.ENOSPC: "free some space and retry",
    errno.EDQUOT: "your quota is used up: remove something and retry",
    errno.EACCES: "check owner and mode",
    errno.EPERM: "check owner and mode",
}
_WORDS = {
    errno.ENOENT: "no such file or directory",
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota exceeded",
    errno.EFBIG: "the file is too large for the file system or the limits there",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "read-only file system",
    errno.ENAMETOOLONG: "the name is too long there",
    errno.EEXIST: "it exists already",
    errno.ENOTEMPTY: "the directory is not empty",
    errno.ENOTDIR: "not a directory",
    errno.EISDIR: "it is a directory",
    errno.ELOOP: "a symbolic link in the way",
}
_CLASSES: dict[int, type[FileError]] = {
    errno.ENOENT: MissingError,
    errno.EEXIST: ExistsError,
    errno.ENOSPC: FullError,
    errno.EDQUOT: FullError,
    errno.EACCES: RefusedError,
    errno.EPERM: RefusedError,
}
_CODES: dict[int, int] = {
    Code.NO_SUCH_FILE: errno.ENOENT,
    Code.NO_SUCH_PATH: errno.ENOENT,
    Code.PERMISSION_DENIED: errno.EACCES,
    Code.FILE_ALREADY_EXISTS: errno.EEXIST,
    Code.WRITE_PROTECT: errno.EROFS,
    Code.NO_SPACE: errno.ENOSPC,
    Code.QUOTA_EXCEEDED: errno.EDQUOT,
    Code.DIR_NOT_EMPTY: errno.ENOTEMPTY,
    Code.NOT_A_DIRECTORY: errno.ENOTDIR,
}
_LOOKING = frozenset({"read", "list", "stat", "resolve", "read the link", "find"})
"""Operations that change nothing, so that no full disk explains their failure."""
_MESSAGES = {os.strerror(number).lower(): number for number in _WORDS}
"""Servers that send only "failure" often add the system's own text."""


def failure(operation: str, path: bytes, number: int, host: str = "", text: str = "") -> FileError:
    """Return the error for an errno; `text` is said where sshdash has no words for it."""
    kind = _CLASSES.get(number, FileError)
    words, hint = words_for(number)
    if text and number not in _WORDS:
        words = text
    return kind(f"cannot {operation}", shown(path), words, hint, host)


def from_system(error: OSError, operation: str, path: bytes) -> FileError:
    """Return the error for what the operating system refused."""
    return failure(operation, path, error.errno or 0, text=clean(error.strerror or str(error)))


def from_status(code: int, text: str, operation: str, path: bytes, host: str) -> FileError:
    """Return the error for what an SFTP server refused; `text` is its own, cleaned."""
    number = _CODES.get(code)
    if number is None:
        number = _MESSAGES.get(text.lower().rstrip("."))
    if number is not None:
        return failure(operation, path, number, host)
    title, where = f"cannot {operation}", shown(path)
    if code == Code.OP_UNSUPPORTED:
        return UnsupportedError(title, where, "the server does not offer it", host=host)
    if code == Code.BAD_MESSAGE:
        detail = "the server does not take the request; the name may be too long or not valid there"
        return FileError(title, where, detail, host=host)
    if code == Code.FAILURE:
        said = f': "{text}"' if text and text.lower() != "failure" else ""
        kind = FileError if operation in _LOOKING else VagueError
        return kind(title, where, f"the server said only that it failed{said}", host=host)
    return FileError(title, where, f'the server said "{text}" ({code})', host=host)


def irregular(path: bytes, kind: Kind, host: str = "") -> FileError:
    """Return the error for what is to be read and is no regular file."""
    return failure("read", path, 0, host, f"not a regular file ({kind.value})")


def words_for(number: int) -> tuple[str, str]:
    """Return what an errno means and what to do about it."""
    return _WORDS.get(number) or os.strerror(number).lower(), _HINTS.get(number, "")


def shown(path: bytes) -> str:
    """Return a path as it may be shown."""
    return clean(path, 1024)
