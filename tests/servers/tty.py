"""A program in a pseudo-terminal of its own, with every byte it sends there kept."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from sshdash.terminal.cells import Cursor
from sshdash.terminal.emulator import Emulator
from tests.patience import PATIENCE

_LOOK = 0.05
"""Seconds between two looks at what does not come through the terminal."""


class Tty:
    """Runs `command`, draws what it sends on an emulator, and keeps the raw bytes in `sent`."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 36) -> None:
        self.command = list(command)
        self.columns = columns
        self.rows = rows
        self.sent = bytearray()
        self._emulator = Emulator(columns, rows)
        self._pid = 0
        self._descriptor = -1
        self._closed = False

    def __enter__(self) -> Self:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            size = struct.pack("HHHH", self.rows, self.columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            # Not execvp: readline, once imported, keeps COLUMNS in the C library's environment.
            os.execvpe(self.command[0], self.command, os.environ)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        finally:
            os.close(self._descriptor)

    @property
    def pid(self) -> int:
        """Return the process that runs."""
        return self._pid

    @property
    def text(self) -> str:
        """Return what a person sees now."""
        return "\n".join(self._emulator.screen_text())

    @property
    def cursor(self) -> Cursor:
        """Return the cursor that a person sees now."""
        self._emulator.take_damage()
        return self._emulator.cursor

    @property
    def bells(self) -> int:
        """Return how often the bell has rung."""
        return self._emulator.effects.bells

    def kill(self) -> None:
        """End the program as nothing can prevent."""
        os.kill(self._pid, signal.SIGKILL)

    def press(self, keys: str) -> None:
        """Send keys as a terminal would."""
        os.write(self._descriptor, keys.encode())

    def until(self, shown: str, patience: float = PATIENCE, times: int = 1) -> None:
        """Wait until the screen shows `shown`. Raises TimeoutError with what it shows."""
        self.holds(lambda: self.text.count(shown) >= times, repr(shown), patience)

    def holds(self, condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Wait until what came makes `condition` true. Raises TimeoutError with the screen."""
        limit = time.monotonic() + patience
        while not condition():
            if self._closed or time.monotonic() > limit:
                raise TimeoutError(f"never saw {what} on:\n{self.text}")
            self._read(_LOOK)

    def end(self) -> None:
        """Wait until the program has ended by itself, and read its last words."""
        limit = time.monotonic() + PATIENCE
        while not os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            if time.monotonic() > limit:
                raise TimeoutError(f"it did not end:\n{self.text}")
            if not self._read(_LOOK):
                time.sleep(0.001)  # it may have closed the terminal before
        while self._read(0):
            pass

    def settle(self, quiet: float = 0.3) -> None:
        """Read until nothing has come for `quiet` seconds: for what must not come."""
        while self._read(quiet):
            pass

    def _read(self, patience: float) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], patience)
        if not ready:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux says EIO where the program has gone
            data = b""
        self._closed = not data
        self.sent += data
        self._emulator.feed(data)
        return bool(data)
