"""Keeps the queue on the disk as it changes, without the loop ever waiting for the disk.

What a job notes is written in the background, all that is new in one transaction. Before a
temporary file is made, its copy waits until its name is written: whatever happens to the process,
each of them is known to the one that comes after.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import msgspec

from sshdash.events import EventBus, WarningRaised
from sshdash.sftp.copy_job import Job
from sshdash.sftp.database import Change, StoreBroken, StoreInUse
from sshdash.sftp.kept import SWEPT, Kept, PartRow, Standing, figures, ledger_of, pack, parts_of
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.shelf import Shelf
from sshdash.sftp.store import (
    FORGET_JOB,
    FORGET_NOTES,
    FORGET_PART,
    FORGET_PARTS,
    SAVE_JOB,
    SAVE_NOTE,
    SAVE_PART,
)
from sshdash.states import TransferState

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_TICK = 0.5
"""Seconds after which progress is written."""
_SHARE = 20
"""Looking for what is new takes this part of the time at most: who waits, waits together."""


class Journal:
    """What is known of the jobs of one queue, in memory and on the disk."""

    def __init__(self, shelf: Shelf, events: EventBus) -> None:
        self._shelf = shelf
        self._events = events
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sshdash-queue")
        self._records: dict[str, _Record] = {}
        self._gone: set[str] = set()
        """Jobs to be forgotten."""
        self._changed: set[str] = set()
        """Jobs whose own row is to be written again."""
        self._awaited: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._looked = 0.0
        """Seconds it took to find what was new."""
        self._task: asyncio.Task[None] | None = None
        self._broken = self._closed = self._used = False

    def __repr__(self) -> str:
        return f"<Journal {self._shelf} [{len(self._records)} jobs]>"

    @property
    def is_kept(self) -> bool:
        """Whether what is told to it outlives the process."""
        return not self._broken

    async def take(self) -> list[tuple[Kept, Ledger]]:
        """Return the jobs of processes that are gone: they are this one's now."""
        try:
            kept = await self._in_thread(self._taken)
        except (StoreInUse, StoreBroken, OSError, sqlite3.Error) as error:
            self._give_up(error)
            return []
        for title, detail in self._shelf.problems:
            self._events.emit(WarningRaised(title, detail))
        return kept

    def _taken(self) -> list[tuple[Kept, Ledger]]:
        taken = []
        for one in self._shelf.take():
            try:
                taken.append((one, ledger_of(one)))
            except (msgspec.MsgspecError, ValueError) as error:
                title = "A copy of an earlier run cannot be understood"
                self._shelf.problems.append((title, str(error)))
        return taken

    def follow(self, job: Job, parts: "dict[bytes, PartRow] | None" = None) -> None:
        """Keep a job from now on; `parts` is what of it is on the disk already."""
        self._records[job.uid] = _Record(job, parts or {})
        job.ledger.notes = []
        job.ledger.recorded = self.recorded
        job.noted = self.changed
        self.changed(job)

    def changed(self, job: Job) -> None:
        """Write a job's state soon."""
        if job.uid in self._records:
            self._changed.add(job.uid)
            self._begin()

    def forget(self, job: Job) -> None:
        """Remove a job for good."""
        if self._records.pop(job.uid, None) is not None:
            self._gone.add(job.uid)
            self._changed.discard(job.uid)
            self._begin()

    async def recorded(self) -> None:
        """Return once all that is known by now is on the disk, or nothing can be written."""
        if self._broken or self._closed:
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.append(written)
        self._begin()
        await written

    async def close(self) -> None:
        """Write what is left and give the file up; twice is once."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._write()
        if not self._used:
            return
        with suppress(OSError, sqlite3.Error):
            await self._in_thread(self._shelf.close)
        self._thread.shutdown()

    # -- inside

    def _begin(self) -> None:
        if self._closed:
            return
        if self._task is None:
            self._task = asyncio.create_task(self._keep_on(), name="keeping the queue")
        self._wake.set()

    async def _keep_on(self) -> None:
        while True:
            running = any(one.job.task is not None for one in self._records.values())
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK if running else None):
                    await self._wake.wait()
            self._wake.clear()
            self._changed.update(
                uid for uid, one in self._records.items() if one.job.task is not None
            )
            await self._write()
            await asyncio.sleep(self._looked * _SHARE)

    async def _write(self) -> None:
        """Write all that is new. Where that fails, copies go on and a warning is told."""
        awaited, self._awaited = self._awaited, []
        try:
            began = time.monotonic()
            changes = [] if self._broken else self._changes()
            self._looked = time.monotonic() - began
            if changes:
                await self._in_thread(lambda: self._shelf.write(changes))
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)
        except Exception as error:  # a defect, or a server's monstrous figures: copies go on
            log.warning("the queue could not be written", exc_info=True)
            self._give_up(error)
        finally:
            for written in awaited:
                if not written.done():
                    written.set_result(None)

    def _changes(self) -> list[Change]:
        changes: list[Change] = []
        if self._gone:
            gone = [(uid,) for uid in self._gone]
            changes += [(sql, gone) for sql in (FORGET_JOB, FORGET_NOTES, FORGET_PARTS)]
            self._gone.clear()
        for uid, record in self._records.items():
            if uid in self._changed or record.job.task is not None:
                changes += record.changes(uid in self._changed)
        self._changed.clear()
        return changes

    def _give_up(self, error: Exception) -> None:
        if self._broken:
            return
        self._broken = True
        log.warning("the queue is not kept: %s", error)
        if not isinstance(error, StoreInUse):
            self._events.emit(
                WarningRaised("The queue of copies cannot be written", f"{error}: copies go on")
            )

    async def _in_thread(self, call: Callable[[], Result]) -> Result:
        """Return what a call returns; who cancels waits for its end."""
        self._used = True
        running = asyncio.get_running_loop().run_in_executor(self._thread, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait((running,))
            if error := running.exception():
                log.warning("the queue could not be written: %s", error)
            raise


class _Record:
    """What of one job is on the disk."""

    def __init__(self, job: Job, parts: "dict[bytes, PartRow]") -> None:
        self.job = job
        self._parts = parts

    def changes(self, own: bool) -> list[Change]:
        """Return what is new since the last time; the job's own row where that is asked for."""
        job, ledger = self.job, self.job.ledger
        changes: list[Change] = []
        if own:
            row = (job.uid, job.position, _state(job), pack(job.request), pack(_standing(job)))
            changes.append((SAVE_JOB, [row]))
        over = own and job.state is TransferState.DONE
        if ledger.notes:
            if not over:
                changes.append((SAVE_NOTE, [(job.uid, *note) for note in ledger.notes]))
            ledger.notes = []
        parts = parts_of(ledger, self._parts)
        gone = [(job.uid, part) for part in self._parts if part not in parts]
        new = [(job.uid, *row) for part, row in parts.items() if self._parts.get(part) is not row]
        self._parts = parts
        changes += [(FORGET_PART, gone)] if gone else []
        changes += [(SAVE_PART, new)] if new else []
        if over:
            changes.append((FORGET_NOTES, [(job.uid,)]))
        return changes


def _state(job: Job) -> str:
    return SWEPT if job.is_swept else job.state.value


def _standing(job: Job) -> Standing:
    """Return a job's figures, its times by the clock on the wall."""
    passed = time.time() - time.monotonic()
    standing = Standing(
        reason=job.reason,
        cut_off=job.cut_off,
        limit=job.pace.own.rate,
        started=0.0 if job.started is None else job.started + passed,
        ended=0.0 if job.ended is None else job.ended + passed,
    )
    return figures(job.ledger, standing)
