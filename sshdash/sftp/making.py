"""Makes folders, links and empty files, and sets times."""

import posixpath
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sshdash.errors import FileError, UsageError
from sshdash.sftp.entries import Kind, join, normalize, parent_of
from sshdash.sftp.failures import ExistsError, shown
from sshdash.sftp.filesystem import Filesystem, Finish

_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M")
_NANO = 10**9
_LATEST = 0xFFFFFFFF
"""The last second that SFTP version 3 can tell."""


async def make_folders(filesystem: Filesystem, folder: bytes, names: Sequence[bytes]) -> None:
    """Make a folder, and those on the way to it that are not there yet.

    Raises ExistsError where all of them are there already, FileError for what is no folder.
    """
    made = False
    for number, name in enumerate(names):
        folder = join(folder, name)
        last = number == len(names) - 1
        try:
            await filesystem.mkdir(folder)
            made = True
        except ExistsError:
            if (await filesystem.stat(folder)).kind is not Kind.DIRECTORY:
                raise FileError(
                    "cannot make the directory", shown(folder), "a file has that name"
                ) from None
            if last and not made:
                raise


def relative_target(target: bytes, folder: bytes) -> bytes:
    """Return the absolute `target` as it is seen from `folder`; others as they are."""
    if not target.startswith(b"/"):
        return target
    return posixpath.relpath(normalize(target), normalize(folder))


def time_from(text: str, now: float | None = None) -> int:
    """Return what a person typed as nanoseconds since the epoch; ``now``, or nothing, is now.

    Dates and clocks are this machine's. Raises UsageError.
    """
    text = text.strip()
    moment = time.time() if now is None else now
    if text in ("", "now"):
        return int(moment * _NANO)
    for form in _FORMS:
        with suppress(ValueError, OverflowError, OSError):
            when = datetime.strptime(text, form)
            if form == "%H:%M":
                today = datetime.fromtimestamp(moment)
                when = when.replace(year=today.year, month=today.month, day=today.day)
            seconds = int(when.timestamp())
            if 0 <= seconds <= _LATEST:
                return seconds * _NANO
    raise UsageError("That is no time", hint="2026-01-31 12:00, a date, a clock, or now")


async def make_file(filesystem: Filesystem, path: bytes, mtime_ns: int) -> None:
    """Make an empty file with a time. Raises ExistsError."""
    mode = 0o666 & ~await filesystem.umask(parent_of(path))
    await filesystem.store(path, (), Finish(mode=mode, mtime_ns=mtime_ns, durable=False))
