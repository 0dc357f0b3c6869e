"""Telling whoever waits that everything is open: systemd (sd_notify), and files."""

import asyncio
import json
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sshdash.config.saving import write_new
from sshdash.errors import FileError

_AGAIN = 0.1
"""Seconds until a message is sent again that systemd had no room for."""


class Readiness:
    """Tells it once, and what else systemd wants to know; `files` are there meanwhile.

    What systemd gave in the environment is taken out of it: it is not for ProxyCommands. Raises
    FileError where something is in the place of a file that cannot go.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = [Path(file) for file in files]
        self._written: list[Path] = []
        self._socket = os.environ.pop("NOTIFY_SOCKET", "")
        self._every = _watchdog_seconds()
        self._timer: asyncio.TimerHandle | None = None
        self._owed: dict[str, str] = {}
        """What was not sent yet, as there was no room for it."""
        self._again: asyncio.TimerHandle | None = None
        for file in self._files:
            try:
                file.unlink(missing_ok=True)  # of one that was killed
            except OSError as error:
                raise _not_written(file, error) from error

    def begin(self) -> None:
        """Tell the watchdog from now on that the loop still turns."""
        if self._every:
            self._notify(WATCHDOG="1")
            self._timer = asyncio.get_running_loop().call_later(self._every / 2, self.begin)

    def ready(self, status: str, document: dict[str, Any]) -> None:
        """Tell that it is ready. Raises FileError where a file cannot be written."""
        text = json.dumps(document) + "\n"
        for file in self._files:
            making = file.with_name(f".{file.name}.{os.getpid()}")
            try:
                making.unlink(missing_ok=True)
                write_new(str(making), text.encode(), sync=False)
                making.rename(file)
            except OSError as error:
                with suppress(OSError):
                    making.unlink()
                raise _not_written(file, error) from error
            self._written.append(file)
        self._notify(READY="1", STATUS=status)

    def status(self, status: str) -> None:
        """Tell how it stands, in words."""
        self._notify(STATUS=status)

    def end(self) -> None:
        """Tell that it ends; the files go."""
        if self._timer is not None:
            self._timer.cancel()
        for file in self._written:
            with suppress(OSError):
                file.unlink()
        self._notify(STOPPING="1")
        if self._again is not None:
            self._again.cancel()

    def _notify(self, **fields: str) -> None:
        """Send to systemd, later if it is behind; without one that listens nothing happens."""
        if self._socket[:1] not in ("/", "@"):
            return
        address = self._socket.replace("@", "\0", 1) if self._socket[0] == "@" else self._socket
        owed, self._owed = self._owed | fields, {}
        lines = "\n".join(f"{name}={value}" for name, value in owed.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(lines.encode("utf-8", "backslashreplace"), address)
            except BlockingIOError:
                self._owed = owed
                self._try_again()

    def _try_again(self) -> None:
        if self._again is not None:
            self._again.cancel()
        self._again = asyncio.get_running_loop().call_later(_AGAIN, self._notify)


def _not_written(file: Path, error: OSError) -> FileError:
    title = "The file for readiness cannot be written"
    return FileError(title, str(file), error.strerror or "")


def _watchdog_seconds() -> float:
    """Return how often systemd wants to hear of this process, 0 for never."""
    every = os.environ.pop("WATCHDOG_USEC", "")
    meant = os.environ.pop("WATCHDOG_PID", "")
    if not (every.isascii() and every.isdigit()) or meant not in ("", str(os.getpid())):
        return 0.0
    return int(every) / 1_000_000
