"""The log file: small, private, without secrets or control characters."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from sshdash.paths import private_dir, state_dir
from sshdash.untrusted import clean

_LIMIT = 2_000_000
_LINE = 2_000


_Failure = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _CleanFormatter(logging.Formatter):
    """Escapes control characters, so that remote text cannot forge a log line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = clean(record.message, _LINE)
        return super().formatMessage(record)

    def formatException(self, ei: _Failure) -> str:
        """Return the traceback, cleaned and set in: it may quote what a server sent."""
        return "\n".join(
            f"  {clean(row, _LINE)}" for row in super().formatException(ei).split("\n")
        )


def _is_fit(record: logging.LogRecord) -> bool:
    """Return whether a record of the SSH library may be kept: the commands run are not."""
    return "  Command: " not in str(record.msg)


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner can read, from its first byte."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Lose the record: a full disk is no reason to write on the screen."""

    def _open(self):  # type: ignore[no-untyped-def]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def start_log(verbosity: int = 0, path: Path | None = None) -> Path:
    """Send the program's log to a file and return its path.

    It tells what happened to connections, shells, copies and tunnels; `verbosity` 1 adds every
    step of connecting, 2 what the SSH library says. That never logs below INFO, because its
    debug output holds what is typed, and never the commands it runs.
    """
    target = path or private_dir(state_dir()) / "sshdash.log"
    handler = _PrivateFile(target, maxBytes=_LIMIT, backupCount=1)
    handler.addFilter(_is_fit)
    # Several of us may write to it at once.
    row = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    handler.setFormatter(_CleanFormatter(row))
    ours = logging.getLogger("sshdash")
    ours.setLevel(logging.DEBUG if verbosity else logging.INFO)
    library = logging.getLogger("asyncssh")
    library.setLevel(logging.WARNING if verbosity < 2 else logging.INFO)
    loop = logging.getLogger("asyncio")
    loop.setLevel(logging.WARNING)
    for logger in (ours, library, loop):
        logger.addHandler(handler)
        logger.propagate = False
    return target


_LEVELS = (("ERROR", logging.ERROR), ("INFO", logging.INFO), ("DEBUG", logging.DEBUG))


def change_verbosity(step: int) -> str:
    """Make the log tell more (1) or less (-1) from now on; return the name of its level.

    What the SSH library says stays as it was: its own debug output holds what is typed.
    """
    ours = logging.getLogger("sshdash")
    numbers = [number for _, number in _LEVELS]
    now = min(range(len(numbers)), key=lambda at: abs(numbers[at] - ours.getEffectiveLevel()))
    name, number = _LEVELS[min(max(0, now + step), len(_LEVELS) - 1)]
    ours.setLevel(number)
    return name
