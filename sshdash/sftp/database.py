"""A file of SQLite for its owner alone, that one process at a time has.

SQLite's own lock is held from the beginning to the end; the lock of a process that is killed is
gone with it. All calls block: they belong in a thread.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sshdash.paths import private_dir

_OF_THE_DISK = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
)

Change = tuple[str, Sequence[tuple[Any, ...]]]
"""A statement, and the rows it is done with."""


class StoreInUse(Exception):
    """Another process has the file."""


class StoreBroken(Exception):
    """The file cannot be read as what it should be."""


class StoreNewer(Exception):
    """A later sshdash wrote the file."""


class Database:
    """One open file. Raises sqlite3.Error where the disk fails."""

    def __init__(self, path: Path, schema: str, version: int, patience: float = 0) -> None:
        """Open `path`, made where it is missing (0600, in a folder of 0700).

        Another process that has it is waited for `patience` seconds. Raises StoreInUse,
        StoreBroken, StoreNewer and OSError.
        """
        self.path = path
        private_dir(path.parent)
        with suppress(FileExistsError):
            # One that exists is not opened: to close it would give up this process' own locks.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        file = path.stat().st_ino
        self._base = sqlite3.connect(
            path,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=32,
        )
        try:
            self._lock(schema, version)
            with suppress(FileNotFoundError):
                if path.stat().st_ino == file:
                    return
            raise StoreInUse  # its owner removed it in this very moment
        except BaseException:
            self._base.close()
            raise

    def __repr__(self) -> str:
        return f"<Database {self.path.name}>"

    def rows(self, query: str) -> sqlite3.Cursor:
        """Return what a query finds."""
        return self._base.execute(query)

    def write(self, changes: Iterable[Change]) -> None:
        """Do all changes, or none of them."""
        self._base.execute("BEGIN")
        try:
            for statement, rows in changes:
                self._base.executemany(statement, rows)
            self._base.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._base.execute("ROLLBACK")
            raise

    def close(self, remove: bool = False) -> None:
        """Give the file up, or `remove` it: while it is locked, so that nobody else has it."""
        if remove:
            remove_store(self.path)
        self._base.close()

    def _lock(self, schema: str, expected: int) -> None:
        try:
            # Held by this process alone, the log of changes needs no memory shared with others.
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.execute("BEGIN EXCLUSIVE")
            (version,) = self._base.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in schema.split(";\n"):
                    self._base.execute(statement)
                self._base.execute(f"PRAGMA user_version = {expected}")
            self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreInUse from error
            if is_of_the_disk(error):
                raise
            raise StoreBroken(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise StoreBroken(str(error)) from error
        if version > expected:
            raise StoreNewer(f"version {version}")


def remove_store(path: Path) -> None:
    """Remove a file and what SQLite keeps beside it."""
    for suffix in ("-wal", "-journal", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Give a broken file and what SQLite keeps beside it other names; return the file's."""
    aside = path.with_suffix(".broken")
    for suffix in ("", "-wal", "-journal"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside


def is_of_the_disk(error: sqlite3.Error) -> bool:
    """Return whether the file may be all right, and cannot be read or written now."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK
