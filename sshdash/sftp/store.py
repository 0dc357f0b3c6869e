"""The file that the queue of one process is kept in: no two processes ever have the same jobs.

All calls block: they belong in a thread.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from sshdash.sftp.database import Change, Database, StoreBroken, is_of_the_disk
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
_TABLES = ("jobs", "parts", "notes")

SAVE_JOB = "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?)"
FORGET_JOB = "DELETE FROM jobs WHERE uid = ?"
SAVE_PART = "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)"
FORGET_PART = "DELETE FROM parts WHERE job = ? AND part = ?"
FORGET_PARTS = "DELETE FROM parts WHERE job = ?"
SAVE_NOTE = "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?)"
FORGET_NOTES = "DELETE FROM notes WHERE job = ?"


class Store:
    """One open file. Raises sqlite3.Error where the disk fails."""

    def __init__(self, path: Path) -> None:
        """Open `path`, made where it is missing (0600, in a folder of 0700).

        Raises StoreInUse, StoreBroken, StoreNewer and OSError.
        """
        self.path = path
        self._base = Database(path, _SCHEMA, _VERSION)

    def __repr__(self) -> str:
        return f"<Store {self.path.name}>"

    def write(self, changes: Iterable[Change]) -> None:
        """Do all changes, or none of them."""
        self._base.write(changes)

    def load(self) -> list[Kept]:
        """Return all jobs in their order. Raises StoreBroken where they cannot be understood."""
        try:
            jobs = {
                uid: Kept(uid, known(state), request_of(request), standing_of(standing))
                for uid, state, request, standing in self._base.rows(
                    "SELECT uid, state, request, standing FROM jobs ORDER BY position, uid"
                )
            }
            for job, *part in self._base.rows("SELECT * FROM parts"):
                if job in jobs:
                    jobs[job].parts.append(PartRow(*part))
            for job, fact, source, place, value in self._base.rows("SELECT * FROM notes"):
                if job in jobs:
                    jobs[job].notes.append(Note(Fact(fact), source, place, value))
        except (sqlite3.Error, msgspec.MsgspecError, ValueError, TypeError) as error:
            if isinstance(error, sqlite3.Error) and is_of_the_disk(error):
                raise
            raise StoreBroken(str(error)) from error
        return list(jobs.values())

    def absorb(self, other: "Store") -> None:
        """Take over everything that is in another file."""
        rows = {table: other._base.rows(f"SELECT * FROM {table}").fetchall() for table in _TABLES}
        self.write(
            (f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * len(found[0]))})", found)
            for table, found in rows.items()
            if found
        )

    def is_empty(self) -> bool:
        """Return whether there is no job in it."""
        return self._base.rows("SELECT 1 FROM jobs LIMIT 1").fetchone() is None

    def close(self, remove: bool = False) -> None:
        """Give the file up, or `remove` it: while it is locked, so that nobody else has it."""
        self._base.close(remove)
