"""The log file: small, private, without secrets or control characters."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from sshdash.paths import private_dir, state_dir
from sshdash.untrusted import clean

_LIMIT = 2_000_000
_LINE = 2_000


class _CleanFormatter(logging.Formatter):
    """Escapes control characters, so that remote text cannot forge a log line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = clean(record.message, _LINE)
        return super().formatMessage(record)


class _PrivateFile(RotatingFileHandler):
    """A rotating file that only its owner can read, from its first byte."""

    def _open(self):  # type: ignore[no-untyped-def]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self.baseFilename, flags, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def start_log(verbosity: int = 0, path: Path | None = None) -> Path:
    """Send the program's log to a file and return its path.

    `verbosity` 0 keeps warnings, 1 information, 2 debugging. The SSH library never logs below
    INFO: its debug output holds what is typed.
    """
    target = path or private_dir(state_dir()) / "sshdash.log"
    handler = _PrivateFile(target, maxBytes=_LIMIT, backupCount=1)
    handler.setFormatter(_CleanFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    ours = logging.getLogger("sshdash")
    ours.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)])
    ours.addHandler(handler)
    ours.propagate = False
    library = logging.getLogger("asyncssh")
    library.setLevel(logging.WARNING if verbosity < 2 else logging.INFO)
    library.addHandler(handler)
    library.propagate = False
    return target
