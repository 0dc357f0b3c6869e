"""What a long command tells, beside its loop: whoever stops reading holds nothing up."""

import asyncio
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

_MOST = 1_000
"""Pieces that are kept for a reader that does not read; more are left out, and counted."""
_LAST_WORDS = 1.0
"""Seconds that are left for what is still to be written at the end."""
_BEGINNING = b"sshdash: the log was shortened: what is older is left out\n"


class Telling:
    """Writes to stdout and stderr, given by their descriptors; at one place in order.

    `gone` is called on the loop where a reader has gone. With `bound` stdout is a log of ours that
    is shortened to half of so many bytes where it grows beyond.
    """

    def __init__(
        self, out: int, err: int, gone: Callable[[BrokenPipeError], None], bound: int = 0
    ) -> None:
        self._out = _Stream(out, err, gone, bound)
        self._err = self._out if os.path.sameopenfile(out, err) else _Stream(err, err, gone, 0)

    def __repr__(self) -> str:
        return f"<Telling {self._out} {self._err}>"

    def out(self, text: str) -> None:
        """Write a line of data to stdout."""
        self._out.put(self._out.fd, text)

    def err(self, text: str) -> None:
        """Write lines of narration to stderr."""
        self._err.put(self._err.aside, text)

    async def close(self) -> None:
        """End, once all is written or nobody reads it."""
        for one in dict.fromkeys((self._out, self._err)):
            await asyncio.to_thread(one.close)


class _Stream:
    """One thread that writes, and what it still has to."""

    def __init__(
        self, fd: int, aside: int, gone: Callable[[BrokenPipeError], None], bound: int
    ) -> None:
        self.fd = fd
        self.aside = aside
        """Where it is told that lines are left out."""
        self._gone = gone
        self._bound = bound
        self._loop = asyncio.get_running_loop()
        self._pieces: queue.Queue[tuple[int, bytes] | None] = queue.Queue(_MOST)
        self._left_out = 0
        self._over = False
        self._thread = threading.Thread(target=self._write_all, name="telling", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<_Stream {self.fd} [{self._pieces.qsize()} to write]>"

    def put(self, fd: int, text: str) -> None:
        """Have a text written; where too much waits already it is left out."""
        if self._left_out and self._pieces.qsize() < _MOST // 2:
            self._pieces.put_nowait(self._note())
        try:
            if self._left_out:
                raise queue.Full
            self._pieces.put_nowait((fd, text.encode(errors="backslashreplace") + b"\n"))
        except queue.Full:
            self._left_out += 1

    def close(self) -> None:
        """Wait a moment for what is still to be written."""
        with contextlib.suppress(queue.Full):
            if self._left_out:
                self._pieces.put(self._note(), timeout=_LAST_WORDS)
            self._pieces.put(None, timeout=_LAST_WORDS)
        self._thread.join(_LAST_WORDS)

    def _note(self) -> tuple[int, bytes]:
        """Return what tells how many lines were left out until now."""
        left_out, self._left_out = self._left_out, 0
        note = f"sshdash: {left_out} lines are left out: nobody read them\n"
        return self.aside, note.encode()

    def _write_all(self) -> None:
        while (piece := self._pieces.get()) is not None:
            try:
                _write(*piece)
                if self._bound:
                    self._shorten()
            except BrokenPipeError as error:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._gone, error)
                return
            except OSError as error:  # a full disk under a log is no reason to end tunnels
                log.warning("what happens cannot be told: %s", error)

    def _shorten(self) -> None:
        size = os.fstat(self.fd).st_size
        if size <= self._bound:
            return
        try:
            tail = os.pread(self.fd, self._bound // 2, size - self._bound // 2)
        except OSError:  # systemd opens it for writing alone
            tail = b""
        os.ftruncate(self.fd, 0)
        _write(self.fd, _BEGINNING + tail.partition(b"\n")[2])


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
