"""Writing known_hosts: appending a line, and exchanging the keys of one host.

Other programs append to the file, too, and know no locks. So a line is appended with one
write, and whoever appends to the old file while a new one takes its place loses nothing.
"""

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sshdash.paths import private_dir

_BACKUP = ".old"


def append_line(file: Path, line: str) -> None:
    """Append one or several whole lines to `file`, under a lock and synced to the disk.

    A missing file is created for its owner alone (0600), its folder too (0700); a missing
    newline at the end of the file is made good. Raises OSError.
    """
    private_dir(file.parent)
    with _locked(file, os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
        _append(descriptor, line.encode("utf-8", "surrogateescape"), file)


def _append(descriptor: int, data: bytes, file: Path) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    try:
        written = os.write(descriptor, data)
        if written < len(data):
            if os.fstat(descriptor).st_size == size + written:
                os.ftruncate(descriptor, size)  # half a line would be worse than none
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        os.fsync(descriptor)
    except OSError as error:
        error.filename = str(file)
        raise


def rewrite(file: Path, change: Callable[[str], str]) -> "Rewritten | None":
    """Replace the text of `file` by what `change` makes of it; None where that is the same.

    The old text stays in ``file.old``. The file keeps its mode and owner, a symbolic link stays
    one, and at every moment the file is either the old one or the new one. Raises OSError.
    """
    place = Path(os.path.realpath(file))
    with _locked(place, os.O_RDWR) as descriptor:
        old = _read(descriptor)
        text = old.decode("utf-8", "surrogateescape")
        new = change(text)
        if new == text:
            return None
        made = _write_beside(place, new.encode("utf-8", "surrogateescape"), descriptor)
        try:
            backup = place.with_name(place.name + _BACKUP)
            with contextlib.suppress(FileNotFoundError):
                backup.unlink()
            os.link(place, backup)
            os.rename(made, place)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
        _sync_folder(place.parent)
        rewritten = Rewritten(place, os.dup(descriptor), len(old))
    rewritten.catch_up()
    return rewritten


class Rewritten:
    """A file that was just replaced, and the one before it: some program may write to that yet."""

    def __init__(self, file: Path, before: int, size: int) -> None:
        self._file = file
        self._before = before
        self._size = size

    def __repr__(self) -> str:
        """Return the file."""
        return f"<Rewritten {self._file}>"

    def catch_up(self) -> None:
        """Bring over the whole lines that were appended to the old file; raises OSError."""
        late = os.pread(self._before, os.fstat(self._before).st_size - self._size, self._size)
        late = late[: late.rfind(b"\n") + 1]
        if late:
            self._size += len(late)
            append_line(self._file, late.decode("utf-8", "surrogateescape"))

    def close(self) -> None:
        """Catch up for the last time and let go of the old file; raises OSError."""
        if self._before >= 0:
            try:
                self.catch_up()
            finally:
                os.close(self._before)
                self._before = -1


@contextmanager
def _locked(file: Path, flags: int) -> Iterator[int]:
    """Open and lock what is called `file` once the lock is ours: it may be replaced before."""
    while True:
        descriptor = os.open(file, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # lockf would let our own threads in together
            if _is_still(descriptor, file):
                yield descriptor
                return
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a copy of the descriptor would hold it
            os.close(descriptor)


def _is_still(descriptor: int, file: Path) -> bool:
    try:
        named = os.stat(file)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)


def _read(descriptor: int) -> bytes:
    data = b""
    while part := os.pread(descriptor, 1 << 20, len(data)):
        data += part
    return data


def _write_beside(file: Path, data: bytes, like: int) -> Path:
    """Return a new file beside `file` with `data`, with the mode and owner of `like`."""
    status = os.fstat(like)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as made:
            made.write(data)
            made.flush()
            with contextlib.suppress(PermissionError):
                os.fchown(made.fileno(), status.st_uid, status.st_gid)
            os.fchmod(made.fileno(), stat.S_IMODE(status.st_mode))
            os.fsync(made.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
