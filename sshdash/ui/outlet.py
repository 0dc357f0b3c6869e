"""Drawing on a terminal that may go away.

Textual's thread for output ends with the first error, and whoever draws waits for it for good: a
terminal that was closed left the program behind, with its connections, deaf to SIGHUP.
"""

import select
import sys
from contextlib import suppress
from typing import IO, Any, cast

from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.driver import Driver
from textual.drivers._writer_thread import WriterThread


class Outlet:
    """What is drawn on, for as long as it is there: what comes afterwards is dropped."""

    def __init__(self, terminal: IO[str]) -> None:
        self._terminal = terminal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)

    def write(self, text: str) -> None:
        """Write to the terminal."""
        with suppress(OSError):
            self._terminal.write(text)

    def flush(self) -> None:
        """Hand on what was written."""
        with suppress(OSError):
            self._terminal.flush()


class LastingWriter(WriterThread):
    """Textual's thread for output, which outlives the terminal and is woken once for a frame."""

    def __init__(self, file: IO[str]) -> None:
        super().__init__(cast(IO[str], Outlet(file)))
        self._frame: list[str] = []

    def write(self, text: str) -> None:
        """Write `text`; what belongs to a frame (mode 2026) together with its end."""
        if self._frame or text == SYNC_START:
            self._frame.append(text)
            if text != SYNC_END:
                return
            text = "".join(self._frame)
            self._frame.clear()
        super().write(text)

    def stop(self) -> None:
        """Write what was begun and end."""
        if self._frame:
            super().write("".join(self._frame))
        super().stop()


def hung_up(descriptor: int) -> bool:
    """Return whether the terminal behind a descriptor is gone for good.

    Whose controlling terminal it was gets SIGHUP; whoever was started without one gets nothing,
    and reads the end of its input over and over. Where poll(2) knows no terminals (macOS), False.
    """
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def outlive_terminal(driver: type[Driver]) -> None:
    """Have a driver of Textual draw through `LastingWriter`; safe to call again."""
    module = vars(sys.modules[driver.__module__])
    if "WriterThread" in module:
        module["WriterThread"] = LastingWriter
