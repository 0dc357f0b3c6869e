"""Remembers what two trees had in common the last time: a file of SQLite for each pair of them.

A file that is there and cannot be read is no first time: that would bring back what was deleted.
It stays as it is until somebody asks to begin anew. What cannot be written is told.
"""

import asyncio
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from sshdash.errors import SSHDashError
from sshdash.events import EventBus, WarningRaised
from sshdash.sftp.database import (
    Change,
    Database,
    StoreBroken,
    StoreInUse,
    StoreNewer,
    set_aside,
)
from sshdash.sftp.entries import Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.sync_past import Past, Record
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_scan import Comparison

_VERSION = 1
_SCHEMA = """
CREATE TABLE places (
    place BLOB PRIMARY KEY, kind TEXT NOT NULL, left_size INTEGER NOT NULL,
    left_time INTEGER NOT NULL, right_size INTEGER NOT NULL, right_time INTEGER NOT NULL,
    digest BLOB NOT NULL
) WITHOUT ROWID;
"""
_DOOMED = """
CREATE TABLE IF NOT EXISTS doomed (place BLOB PRIMARY KEY, to_right INTEGER NOT NULL) WITHOUT ROWID
"""
"""It came later, and an earlier sshdash may pass it over."""
_DOOM = "INSERT OR REPLACE INTO doomed VALUES (?, ?)"
_OVER = "DELETE FROM doomed WHERE place = ?"
_SAVE = "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM places WHERE place = ?"
_PATIENCE = 5.0
"""Seconds that another process may take to read or write."""
_MOST_PLACES = 500_000
"""Of a larger tree nothing is remembered: all of it is in memory while trees are compared."""
_MOST_PAIRS = 200
_DAYS = 400
"""Pairs that nobody synchronised for so long are forgotten."""
_DAY = 86_400.0
_LARGEST = 2**63
"""No number in the file is as large."""

Pair = tuple[str, str]
"""What both trees are known by."""


_UNREADABLE = OSError, sqlite3.Error, StoreBroken, StoreInUse, StoreNewer


class UnreadableMemory(SSHDashError):
    """What was remembered is there, and cannot be read."""

    def __init__(self, path: Path, error: Exception) -> None:
        busy = isinstance(error, StoreInUse)
        hint = "wait until it has ended" if busy else "--resync begins anew and deletes nothing"
        title = "What is remembered of the last sync cannot be read"
        super().__init__(title, f"{shown(os.fsencode(path))}: {_problem_of(error)}", hint)


def _problem_of(error: Exception) -> str:
    if isinstance(error, StoreInUse):
        return "another sshdash is busy with it"
    if isinstance(error, StoreNewer):
        return f"a newer sshdash wrote it ({error})"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


class SyncMemory:
    """What is remembered in `folder`, of one pair of trees at a time."""

    def __init__(self, folder: Path, events: EventBus) -> None:
        self._folder = folder
        self._events = events

    def __repr__(self) -> str:
        return f"<SyncMemory {self._folder}>"

    async def recall(self, pair: Pair, by_content: bool = False, anew: bool = False) -> Past:
        """Return what is remembered of a pair.

        Raises UnreadableMemory where there is a file that does not tell; `anew` is for whoever
        wants to go on even so, as if there had been no last time.
        """
        try:
            records, doomed = await asyncio.to_thread(self._read, pair)
        except _UNREADABLE as error:
            if not anew:
                raise UnreadableMemory(self._path(pair), error) from error
            records, doomed = {}, {}
        return Past(records, by_content, doomed)

    async def begin_anew(self, pair: Pair) -> None:
        """Put a file aside that cannot be read, so that there can be another.

        Raises UnreadableMemory where that is not possible.
        """
        await asyncio.to_thread(self._make_way, pair)

    async def settle(self, pair: Pair, comparison: Comparison, rules: Rules) -> None:
        """Remember what was found alike, and forget what is on neither end any more."""
        present = comparison.present
        if present is None:
            return
        hidden = [problem.place for problem in comparison.problems]
        gone = await asyncio.to_thread(present.gone, comparison.pairs, hidden, rules)
        await self.note(pair, present.fresh, gone)

    async def doom(self, pair: Pair, places: Mapping[bytes, bool]) -> None:
        """Remember what is about to be deleted, on the right or not, until it is forgotten.

        Nobody can tell otherwise, after a run that was cut short, who deleted it.
        """
        if places:
            await self._guarded(partial(self._write, pair, {}, [], places))

    async def note(
        self, pair: Pair, fresh: Mapping[bytes, Record], gone: Iterable[bytes] = ()
    ) -> None:
        """Remember `fresh` and forget `gone`."""
        forget = list(gone)
        if fresh or forget:
            await self._guarded(partial(self._write, pair, fresh, forget))

    async def _guarded(self, work: Callable[[], None]) -> None:
        """Write in a thread, and tell what went wrong."""
        try:
            await asyncio.to_thread(work)
        except _UNREADABLE as error:
            title = "The last sync of these folders cannot be remembered"
            why = f"{_problem_of(error)}; what is deleted until the next one cannot be told"
            self._events.emit(WarningRaised(title, why))

    # -- in a thread

    def _path(self, pair: Pair) -> Path:
        name = "\n".join(sorted(pair)).encode("utf-8", "surrogateescape")
        return self._folder / f"pair-{hashlib.sha256(name).hexdigest()[:32]}.db"

    def _open(self, path: Path) -> Database:
        return Database(path, _SCHEMA, _VERSION, _PATIENCE)

    def _read(self, pair: Pair) -> tuple[dict[bytes, Record], dict[bytes, bool]]:
        path = self._path(pair)
        try:
            if not path.stat().st_size:
                raise StoreBroken("it is empty")
        except FileNotFoundError:
            return {}, {}
        base = self._open(path)
        try:
            found = dict(map(_record, base.rows("SELECT * FROM places")))
            base.rows(_DOOMED)
            doomed = {bytes(place): bool(end) for place, end in base.rows("SELECT * FROM doomed")}
            os.utime(path)  # it is in use, though nothing may have changed for long
        except (ValueError, TypeError) as error:
            raise StoreBroken(str(error)) from error
        finally:
            base.close()
        if pair[0] <= pair[1]:
            return found, doomed
        turned = {place: record.turned for place, record in found.items()}
        return turned, {place: not to_right for place, to_right in doomed.items()}

    def _make_way(self, pair: Pair) -> None:
        path = self._path(pair)
        try:
            self._read(pair)
        except StoreInUse as error:
            raise UnreadableMemory(path, error) from error
        except _UNREADABLE:
            try:
                set_aside(path)
            except OSError as error:
                raise UnreadableMemory(path, error) from error

    def _write(
        self,
        pair: Pair,
        fresh: Mapping[bytes, Record],
        gone: list[bytes],
        doomed: Mapping[bytes, bool] | None = None,
    ) -> None:
        turned = pair[0] > pair[1]
        rows = [
            _row(place, record.turned if turned else record)
            for place, record in fresh.items()
            if max(*record.left, *record.right) < _LARGEST
        ]
        changes: list[Change] = [
            (_DOOMED, [()]),
            (_FORGET, [(place,) for place in gone]),
            (_OVER, [(place,) for place in (*gone, *fresh)]),
            (_SAVE, rows),
            (_DOOM, [(place, end is not turned) for place, end in (doomed or {}).items()]),
        ]
        base = self._open(self._path(pair))
        large = False
        try:
            base.write(changes)
            (count,) = base.rows("SELECT count(*) FROM places").fetchone()
            large = count > _MOST_PLACES
        finally:
            base.close(remove=large)
        self._prune()
        if large:
            raise OSError(f"more than {_MOST_PLACES:,} files")

    def _prune(self) -> None:
        """Forget pairs that are old, or too many."""
        found = []
        for path in self._folder.glob("pair-*.db"):
            with suppress(FileNotFoundError):
                found.append((path.stat().st_mtime, path))
        found.sort(reverse=True)
        oldest = time.time() - _DAYS * _DAY
        for number, (written, path) in enumerate(found):
            if number >= _MOST_PAIRS or written < oldest:
                with suppress(StoreInUse, StoreNewer, StoreBroken, FileNotFoundError):
                    Database(path, _SCHEMA, _VERSION).close(remove=True)


def _record(row: tuple[bytes, str, int, int, int, int, bytes]) -> tuple[bytes, Record]:
    place, kind, left_size, left_time, right_size, right_time, digest = row
    record = Record(Kind(kind), (left_size, left_time), (right_size, right_time), digest)
    return bytes(place), record


def _row(place: bytes, record: Record) -> tuple[object, ...]:
    return place, record.kind.value, *record.left, *record.right, record.digest
