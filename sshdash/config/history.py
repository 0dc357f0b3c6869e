"""What was edited, with the files as they were before: for undo, also in a later run.

It is kept in sshdash's state folder and not beside the configuration, where an Include with a
wildcard would read the copies too.
"""

import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock

from sshdash.config.saving import locked, sync_folder, write_new
from sshdash.errors import FileError
from sshdash.paths import private_dir, state_dir

log = logging.getLogger(__name__)

_KEPT = 50
"""Edits that can be undone."""
_INDEX = "edits.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One edit: a file, and the digests of what it held before and after."""

    id: str
    when: float
    """Seconds since the epoch."""
    title: str
    path: str
    """As the configuration names it."""
    target: str
    """The file itself."""
    before: str
    """SHA-256 in hexadecimal; empty where there was no file."""
    after: str


class History:
    """The edits, the last one last."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or state_dir() / "edits"
        self._held = 0
        self._lock = RLock()

    def __repr__(self) -> str:
        """Return where it is kept."""
        return f"<History [{self.folder}]>"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep every other editing sshdash out until the end; may be nested."""
        with self._lock:
            if self._held:
                yield
                return
            self._prepare()
            with locked(self.folder / "lock"):
                self._held += 1
                try:
                    yield
                finally:
                    self._held -= 1

    def record(
        self, title: str, path: str, target: str, before: bytes | None, after: bytes | None
    ) -> Entry:
        """Keep what an edit is about to replace. Raises FileError where it cannot be kept."""
        entry = Entry(
            secrets.token_hex(8), time.time(), title, path, target, digest(before), digest(after)
        )
        try:
            with self.exclusive():
                if before is not None:
                    self._keep(entry.before, before)
                self._write([*self._readable(), entry][-_KEPT:])
        except OSError as error:
            raise FileError(
                "No copy of the file can be kept",
                str(self.folder),
                f"{error.strerror or error}; so nothing was changed",
            ) from error
        return entry

    def forget(self, entry: Entry) -> None:
        """Drop an edit: it was undone, or never came about."""
        with self.exclusive():
            self._write([one for one in self.entries() if one.id != entry.id])

    def entries(self, targets: Collection[str] | None = None) -> list[Entry]:
        """Return the edits, the last one last; those of some files only, where these are given."""
        try:
            found = json.loads(
                (self.folder / _INDEX).read_text(encoding="utf-8", errors="surrogateescape")
            )
            entries = [Entry(**item) for item in found]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, ValueError, TypeError) as error:
            raise FileError(
                "The list of edits cannot be read", str(self.folder / _INDEX), str(error)
            ) from error
        return [one for one in entries if targets is None or one.target in targets]

    def before(self, entry: Entry) -> bytes | None:
        """Return what the file held before an edit, None where there was none.

        Raises FileError where the copy is gone or damaged.
        """
        if not entry.before:
            return None
        path = self.folder / f"{entry.before}.before"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FileError("The copy of the file is gone", str(path), str(error)) from error
        if digest(data) != entry.before:
            raise FileError("The copy of the file is damaged", str(path))
        return data

    def _readable(self) -> list[Entry]:
        """Return the edits so far; a list that cannot be read is put aside for a new one."""
        try:
            return self.entries()
        except FileError:
            log.exception("the list of edits is damaged")
            os.replace(self.folder / _INDEX, self.folder / f"{_INDEX}.damaged")
            return []

    def _prepare(self) -> None:
        try:
            private_dir(self.folder)
        except OSError as error:
            raise FileError(
                "No copy of the file can be kept",
                str(self.folder),
                f"{error.strerror or error}; so nothing was changed",
            ) from error

    def _keep(self, name: str, data: bytes) -> None:
        path = self.folder / f"{name}.before"
        if path.exists() and digest(path.read_bytes()) == name:
            return
        self._replace(path, data)

    def _write(self, entries: list[Entry]) -> None:
        text = json.dumps([asdict(entry) for entry in entries], indent=1)
        self._replace(self.folder / _INDEX, text.encode())
        used = {f"{entry.before}.before" for entry in entries}
        for path in self.folder.glob("*.before"):
            if path.name not in used:
                path.unlink(missing_ok=True)

    def _replace(self, path: Path, data: bytes) -> None:
        """Write one of our own files, whole or not at all."""
        temporary = f"{path}.new"
        Path(temporary).unlink(missing_ok=True)  # of a writer that was killed: the lock is ours
        write_new(temporary, data)
        os.rename(temporary, path)
        sync_folder(str(self.folder))


def digest(data: bytes | None) -> str:
    """Return the name of some bytes; empty for no file."""
    return "" if data is None else hashlib.sha256(data).hexdigest()
