"""The file of the audit log: lines are only ever added, by any number of sshdash at once."""

import contextlib
import fcntl
import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from sshdash.paths import private_dir

LIMIT = 16_000_000
"""Bytes of a file; it is renamed to ``.1`` then, and the one before to ``.2``."""
KEPT = 4
"""Older files that are kept."""
_MOST_WAITING = 10_000


def audit_files(path: Path) -> list[Path]:
    """Return the files of a log, the oldest first."""
    older = (path.with_name(f"{path.name}.{number}") for number in range(KEPT, 0, -1))
    return [file for file in (*older, path) if file.is_file()]


class AuditFile:
    """Adds lines to a file in a thread of its own, which begins with the first of them.

    `failed` is called in that thread, once, with the reason why lines cannot be written.
    """

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        self.path = path
        self._failed = failed
        self._told = False
        self._waiting: queue.Queue[str | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<AuditFile {self.path} [{self._waiting.qsize()} lines waiting]>"

    def add(self, line: str) -> None:
        """Add a line, which has no end of line in it; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audit log", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self._tell("the disk does not keep up")

    def close(self, patience: float) -> None:
        """Write what waits, for `patience` seconds at most. Blocks."""
        if self._thread is not None:
            with contextlib.suppress(queue.Full):
                self._waiting.put(None, timeout=patience)
            self._thread.join(patience)
            self._thread = None

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                with self._locked() as descriptor:
                    _write(descriptor, f"{line}\n".encode("ascii", "backslashreplace"))
                    if os.fstat(descriptor).st_size >= LIMIT:
                        self._rotate()
            except OSError as error:
                self._tell(error.strerror or str(error))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file that has the name now, and let no other rename it meanwhile."""
        private_dir(self.path.parent)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if _is_at(descriptor, self.path):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _rotate(self) -> None:
        for number in range(KEPT, 0, -1):
            newer = f".{number - 1}" if number > 1 else ""
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self.path}{newer}", f"{self.path}.{number}")

    def _tell(self, reason: str) -> None:
        if not self._told:
            self._told = True
            self._failed(reason)


def _write(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)  # half a line would spoil the next one
        raise


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether `path` still is the open file: another sshdash may have renamed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
