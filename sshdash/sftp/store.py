"""The file that the queue of one process is kept in: SQLite, for its owner alone.

SQLite's own lock is held from the beginning to the end, so that no two processes ever have the
same jobs; the lock of a process that is killed is gone with it. All calls block: they belong in a
thread.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from sshdash.paths import private_dir
from sshdash.sftp.kept import Kept, PartRow, known, request_of, standing_of
from sshdash.sftp.ledger import Fact, Note

_VERSION = 1
_SCHEMA = """
CREATE TABLE jobs (
    uid TEXT PRIMARY KEY, position REAL NOT NULL, state TEXT NOT NULL,
    request BLOB NOT NULL, standing BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE parts (
    job TEXT NOT NULL, part BLOB NOT NULL, target BLOB NOT NULL, entry BLOB NOT NULL,
    done INTEGER NOT NULL, replacing INTEGER NOT NULL, PRIMARY KEY (job, part)
) WITHOUT ROWID;
CREATE TABLE notes (
    job TEXT NOT NULL, fact INTEGER NOT NULL, source BLOB NOT NULL, place BLOB NOT NULL,
    value BLOB NOT NULL, PRIMARY KEY (job, fact, source, place)
) WITHOUT ROWID;
"""
_OF_THE_DISK = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
)
_TABLES = ("jobs", "parts", "notes")

SAVE_JOB = "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)"
FORGET_JOB = "DELETE FROM jobs WHERE uid = ?"
SAVE_PART = "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)"
FORGET_PART = "DELETE FROM parts WHERE job = ? AND part = ?"
FORGET_PARTS = "DELETE FROM parts WHERE job = ?"
SAVE_NOTE = "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?)"
FORGET_NOTES = "DELETE FROM notes WHERE job = ?"

Change = tuple[str, Sequence[tuple[Any, ...]]]
"""One of the statements above, and the rows it is done with."""


class StoreInUse(Exception):
    """Another process has the file."""


class StoreBroken(Exception):
    """The file cannot be read as what it should be."""


class StoreNewer(Exception):
    """A later sshdash wrote the file."""


class Store:
    """One open file. Raises sqlite3.Error where the disk fails."""

    def __init__(self, path: Path) -> None:
        """Open `path`, made where it is missing (0600, in a folder of 0700).

        Raises StoreInUse, StoreBroken, StoreNewer and OSError.
        """
        self.path = path
        private_dir(path.parent)
        with suppress(FileExistsError):
            # One that exists is not opened: to close it would give up this process' own locks.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        file = path.stat().st_ino
        self._base = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            self._lock()
            with suppress(FileNotFoundError):
                if path.stat().st_ino == file:
                    return
            raise StoreInUse  # its owner removed it in this very moment
        except BaseException:
            self._base.close()
            raise

    def __repr__(self) -> str:
        return f"<Store {self.path.name}>"

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

    def load(self) -> list[Kept]:
        """Return all jobs in their order. Raises StoreBroken where they cannot be understood."""
        try:
            jobs = {
                uid: Kept(uid, known(state), request_of(request), standing_of(standing))
                for uid, state, request, standing in self._base.execute(
                    "SELECT uid, state, request, standing FROM jobs ORDER BY position, uid"
                )
            }
            for job, *part in self._base.execute("SELECT * FROM parts"):
                if job in jobs:
                    jobs[job].parts.append(PartRow(*part))
            for job, fact, source, place, value in self._base.execute("SELECT * FROM notes"):
                if job in jobs:
                    jobs[job].notes.append(Note(Fact(fact), source, place, value))
        except (sqlite3.Error, msgspec.MsgspecError, ValueError, TypeError) as error:
            if isinstance(error, sqlite3.Error) and _is_of_the_disk(error):
                raise
            raise StoreBroken(str(error)) from error
        return list(jobs.values())

    def absorb(self, other: "Store") -> None:
        """Take over everything that is in another file."""
        rows = {
            table: other._base.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES
        }
        self.write(
            (f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(found[0]))})", found)
            for table, found in rows.items()
            if found
        )

    def is_empty(self) -> bool:
        """Return whether there is no job in it."""
        return self._base.execute("SELECT 1 FROM jobs LIMIT 1").fetchone() is None

    def close(self, remove: bool = False) -> None:
        """Give the file up, or `remove` it: while it is locked, so that nobody else has it."""
        if remove:
            remove_store(self.path)
        self._base.close()

    def _lock(self) -> None:
        try:
            # Held by this process alone, the log of changes needs no memory shared with others.
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = NORMAL")
            self._base.execute("BEGIN EXCLUSIVE")
            (version,) = self._base.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._base.execute(statement)
                self._base.execute(f"PRAGMA user_version = {_VERSION}")
            self._base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StoreInUse from error
            if _is_of_the_disk(error):
                raise
            raise StoreBroken(str(error)) from error
        except sqlite3.DatabaseError as error:
            raise StoreBroken(str(error)) from error
        if version > _VERSION:
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


def _is_of_the_disk(error: sqlite3.Error) -> bool:
    """Return whether the file may be all right, and cannot be read or written now."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_DISK
