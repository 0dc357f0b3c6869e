"""Which files the jobs of other runs are in, and whose they are now.

Every process has a file of its own. Those of processes that are gone are taken over: the first
becomes this one's own, what is in the others is moved there.
"""

import secrets
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from sshdash.sftp.database import (
    Change,
    StoreBroken,
    StoreInUse,
    StoreNewer,
    remove_store,
    set_aside,
)
from sshdash.sftp.kept import SWEPT, Kept, state_of
from sshdash.sftp.store import FORGET_JOB, FORGET_NOTES, Store
from sshdash.states import TransferState

_DAY = 86_400.0
_DAYS_DONE = 7
_MOST_DONE = 100
"""Jobs that ended and left nothing behind are remembered so long, and so many of them."""
_DAYS_SINGLE = 30
"""How long a copy of the command line can be gone on with."""


class Shelf:
    """The files of one folder. Calls block, and belong in one thread at a time.

    With a `name`, only the file of that name is looked at: a copy of the command line goes on
    with nothing but itself.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        self._folder = folder
        self._name = name
        self._store: Store | None = None
        self.problems: list[tuple[str, str]] = []
        """What a person should know: a title, and where."""

    def __repr__(self) -> str:
        return f"<Shelf {self._store or 'without a file'}>"

    def take(self) -> list[Kept]:
        """Return the jobs that nobody has, which are this process' now.

        Those that were written before are left out. Raises StoreInUse where a process that lives
        has the named file, StoreBroken, OSError and sqlite3.Error.
        """
        mine = set() if self._store is None else {job.uid for job in self._store.load()}
        if self._name:
            self._expire()
            path = self._folder / self._name
            if self._store is None and path.exists():
                self._take(path)
        else:
            own = None if self._store is None else self._store.path
            for path in sorted(self._folder.glob("queue-*.db")):
                if path != own:
                    self._take(path)
        if self._store is None:
            return []
        jobs, stale = _current([job for job in self._store.load() if job.uid not in mine])
        if stale:
            gone = [(uid,) for uid in stale]
            self._store.write([(FORGET_JOB, gone), (FORGET_NOTES, gone)])
        return jobs

    def write(self, changes: Iterable[Change]) -> None:
        """Write changes to this process' own file. Raises OSError and sqlite3.Error."""
        if self._store is None:
            name = self._name or f"queue-{secrets.token_hex(8)}.db"
            try:
                self._store = Store(self._folder / name)
            except (StoreInUse, StoreBroken, StoreNewer) as error:
                raise OSError(f"{name}: {error}") from error
        self._store.write(changes)

    def close(self) -> None:
        """Give everything up; a file without jobs is removed."""
        if self._store is not None:
            self._store.close(remove=self._store.is_empty())
            self._store = None

    def _take(self, path: Path) -> None:
        """Take one file over, unless its owner lives."""
        try:
            store = Store(path)
        except StoreInUse:
            if self._name:
                raise
            return
        except StoreNewer:
            self.problems.append(("Copies of a newer sshdash are left alone", str(path)))
            return
        except StoreBroken as error:
            self._set_aside(path, error)
            return
        try:
            store.load()
        except StoreBroken as error:
            store.close()
            self._set_aside(path, error)
            return
        if self._store is None:
            self._store = store
            return
        self._store.absorb(store)
        store.close(remove=True)

    def _set_aside(self, path: Path, error: Exception) -> None:
        aside = set_aside(path)
        title = "A queue of copies cannot be read and was set aside"
        self.problems.append((title, f"{aside}: {error}"))

    def _expire(self) -> None:
        """Remove what nobody went on with for long."""
        for path in self._folder.glob("cp-*.db"):
            try:
                if time.time() - path.stat().st_mtime > _DAYS_SINGLE * _DAY:
                    Store(path).close(remove=True)
            except (StoreInUse, StoreNewer, FileNotFoundError):
                continue
            except StoreBroken:
                remove_store(path)


def _current(jobs: Sequence[Kept]) -> tuple[list[Kept], list[str]]:
    """Return the jobs that are still of interest, and the names of the others."""
    ended = [job for job in jobs if _is_over(job)]
    ended.sort(key=lambda job: -job.standing.ended)
    oldest = time.time() - _DAYS_DONE * _DAY
    stale = {
        job.uid
        for number, job in enumerate(ended)
        if number >= _MOST_DONE or job.standing.ended < oldest
    }
    return [job for job in jobs if job.uid not in stale], list(stale)


def _is_over(job: Kept) -> bool:
    """Return whether a job ended, and left nothing that is to be removed."""
    if job.state == SWEPT:
        return not job.parts
    return state_of(job) is not TransferState.PAUSED and not job.parts
