"""This program's own standard streams, as bytes: always there, and never in the way of an end."""

import asyncio
import contextlib
import io
import os
import select
import sys
import threading
from queue import SimpleQueue

from sshdash.errors import FileError

_Job = tuple[bytes, "asyncio.Future[None]"]


def hold_standard_streams() -> None:
    """Put ``/dev/null`` in the place of each standard stream that is closed.

    Else the next file or socket that is opened would get its number, and be taken for it.
    """
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # POSIX gives the lowest number that is free
            if getattr(sys, name) is None:
                stream = open(descriptor, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
                setattr(sys, name, stream)


def print_anything() -> None:
    """Let ``print`` show what the terminal's encoding has no character for as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Writer:
    """Writes to a descriptor in a thread of its own.

    The thread does not outlive the program: a reader that has stopped reading can hold up the
    output, but not the end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def write(self, data: bytes) -> None:
        """Return when all of `data` is written; raises OSError."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name=f"writing to {self._descriptor}", daemon=True
            )
            self._thread.start()
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._jobs.put((data, written))
        await written

    def _work(self) -> None:
        while True:
            data, written = self._jobs.get()
            failure: OSError | None = None
            try:
                _write_all(self._descriptor, data)
            except OSError as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                written.get_loop().call_soon_threadsafe(_settle, written, failure)


class InputReader:
    """Reads a descriptor in a thread of its own, which does not outlive the program either."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._jobs: SimpleQueue[tuple[int, asyncio.Future[bytes]]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end.

        Raises FileError.
        """
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._work, name=f"reading from {self._descriptor}", daemon=True
            )
            self._thread.start()
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._jobs.put((size, arrived))
        try:
            return await arrived
        except OSError as error:
            raise FileError("Cannot read the input", "", error.strerror or str(error)) from error

    def _work(self) -> None:
        while True:
            size, arrived = self._jobs.get()
            data, failure = b"", None
            try:
                data = _read_all(self._descriptor, size)
            except OSError as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                arrived.get_loop().call_soon_threadsafe(_arrive, arrived, data, failure)


def _arrive(arrived: "asyncio.Future[bytes]", data: bytes, failure: OSError | None) -> None:
    if arrived.done():
        return
    if failure:
        arrived.set_exception(failure)
    else:
        arrived.set_result(data)


def _read_all(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        try:
            piece = os.read(descriptor, size - len(data))
        except BlockingIOError:
            select.select([descriptor], [], [])
            continue
        if not piece:
            break
        data += piece
    return bytes(data)


def _settle(written: "asyncio.Future[None]", failure: OSError | None) -> None:
    if written.done():
        return
    if failure:
        written.set_exception(failure)
    else:
        written.set_result(None)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
