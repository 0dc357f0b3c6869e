"""The queue of copy jobs: runs some at once, tells how they stand; pauses, cancels, retries.

With a journal it outlives the process: what was not done is there again, paused.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.events import EventBus, TransferChanged
from sshdash.prompts import Prompter
from sshdash.sftp.copy_job import Job
from sshdash.sftp.entries import parent_of
from sshdash.sftp.execution import PATIENCE, Execution
from sshdash.sftp.job import FINISHED, CopyRequest, Endpoint, TransferSnapshot, TransferTotals
from sshdash.sftp.journal import Journal
from sshdash.sftp.kept import SWEPT, Kept, state_of
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.rate import RateHistory, end_of_all
from sshdash.sftp.sweeper import OpenFilesystem, Sweeper
from sshdash.sftp.throttle import Pace, Throttle
from sshdash.states import Step, TransferState, allows

log = logging.getLogger(__name__)

_IDLE = (TransferState.QUEUED, TransferState.WAITING, TransferState.PAUSED)
"""States in which a job has a place that can be changed."""
_STOPPED = (TransferState.PAUSED, TransferState.FAILED, TransferState.CANCELLED)
"""States that only the person ends."""


class TransferQueue:
    """Copy jobs in the order they came, `at_once` of them running.

    With `outages`, a job whose connection is lost and expected back waits for it and goes on.
    With a `journal`, whatever ends a job early leaves it so that it can be gone on with.
    """

    def __init__(
        self,
        open_filesystem: OpenFilesystem,
        prompter: Prompter,
        events: EventBus,
        at_once: int = 2,
        outages: Outages | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._outages = outages or NoOutages()
        self._sweeper = Sweeper(open_filesystem, self._outages)
        self._journal = journal
        self._execution = Execution(
            self, open_filesystem, prompter, self._outages, self._sweeper, self._keeps
        )
        self._events = events
        self._at_once = max(1, at_once)
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._returning: dict[Job, asyncio.Future[None]] = {}
        """Jobs whose hosts are back, and that wait for room."""
        self._throttle = Throttle()
        self._rates = RateHistory()
        self._closed = False

    def __repr__(self) -> str:
        states = [job.state.value for job in self._jobs.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        return f"<TransferQueue [{counts or 'empty'}]>"

    def submit(self, request: CopyRequest, inherit: bool = False) -> str:
        """Queue a copy and return the job's id; it starts as soon as there is room.

        With `inherit` it goes on with what paused jobs left unfinished in the same places.
        """
        job = Job(f"t{next(self._numbers)}", request, self._events)
        if self._journal is not None:
            self._journal.follow(job)
        for other in self._jobs.values():
            job.know(other)
            if inherit:
                job.inherit(other)
        self._add(job)
        self._events.emit(TransferChanged(job.id, job.state, job.state))
        self.give_way()
        return job.id

    def limit(self, rate: int, job_id: str = "") -> None:
        """Let a job, or all of them together, go no faster than `rate` bytes per second.

        0 takes the limit away.
        """
        if not job_id:
            self._throttle.rate = rate
            return
        job = self._jobs[job_id]
        job.pace.own.rate = rate
        job.changed()

    async def restore(self) -> list[str]:
        """Take over the jobs of processes that are gone, paused; return those that were cut off."""
        if self._journal is None:
            return []
        cut_off = []
        for kept, ledger in await self._journal.take():
            job = self._restored(kept, ledger)
            if job.is_swept:
                self._sweeper.sweep(job, self._journal.forget)
                continue
            self._add(job)
            self._events.emit(TransferChanged(job.id, job.state, job.state))
            if job.state is TransferState.PAUSED:
                cut_off.append(job.id)
        return cut_off

    def cancel(self, job_id: str) -> None:
        """Cancel a job that has not ended; what is finished stays as it is."""
        job = self._jobs[job_id]
        if not allows(job.state, Step.CANCEL):
            return
        job.end(Step.CANCEL, "cancelled")
        if job.task is None:
            job.finished.set()
            if not self._keeps():
                self._sweeper.sweep(job)
        job.stop(keep=self._keeps())
        self.give_way()

    def pause(self, job_id: str, reason: str = "") -> None:
        """Stop a job that goes on by itself, so that it can be gone on with."""
        job = self._jobs[job_id]
        if allows(job.state, Step.PAUSE):
            job.meter = None
            job.move(Step.PAUSE, reason)
            job.stop(keep=True)
            self.give_way()

    def shift(self, job_id: str, by: int) -> None:
        """Put a job before or behind its neighbour among those that do not run."""
        job = self._jobs[job_id]
        idle = [one for one in self._jobs.values() if one.state in _IDLE]
        place = idle.index(job) + by if job in idle else -1
        if not 0 <= place < len(idle):
            return
        other = idle[place]
        job.position, other.position = other.position, job.position
        ordered = sorted(self._jobs.values(), key=lambda one: one.position)
        self._jobs = {one.id: one for one in ordered}
        for one in (job, other):
            one.changed()

    def retry(self, job_id: str, request: CopyRequest | None = None) -> None:
        """Queue a job again that is paused, failed or cancelled; only what is missing is copied.

        A `request` for the same, but with other options, takes the place of the first.
        """
        job = self._jobs[job_id]
        if job.state not in _STOPPED:
            return
        job.request = request or job.request
        job.ledger.restart()
        job.cut_off, job.ended = False, None
        job.finished.clear()  # the same one: who waits for a paused job waits on
        job.move(Step.START)
        self.give_way()

    def remove_finished(self) -> None:
        """Forget the jobs that are done, failed or cancelled."""
        for job in tuple(self._jobs.values()):
            if job.snapshot(time.monotonic()).is_finished and job.finished.is_set():
                del self._jobs[job.id]
                self._drop(job)

    def snapshots(self) -> list[TransferSnapshot]:
        """Return all jobs as they are now, in the order they came."""
        now = time.monotonic()
        return [job.snapshot(now) for job in self._jobs.values()]

    def snapshot(self, job_id: str) -> TransferSnapshot:
        """Return one job as it is now. Raises KeyError where it is not known."""
        return self._jobs[job_id].snapshot(time.monotonic())

    def hosts(self, job_id: str) -> tuple[Endpoint, ...]:
        """Return the hosts that a job needs. Raises KeyError where it is not known."""
        return self._jobs[job_id].hosts

    def totals(self) -> TransferTotals:
        """Return everything that is queued or running, in sum."""
        snapshots = self.snapshots()
        paused = TransferState.PAUSED
        live = [one for one in snapshots if one.state is not paused and one.state not in FINISHED]
        running = [one for one in live if one.is_running]
        rate = sum(one.rate for one in running)
        left = sum(one.bytes_total - one.bytes_done for one in live)
        return TransferTotals(
            jobs_running=len(running),
            jobs_queued=len(live) - len(running),
            jobs_paused=sum(one.state is paused for one in snapshots),
            files_done=sum(one.files_done for one in live),
            files_total=sum(one.files_total for one in live),
            bytes_done=sum(one.bytes_done for one in live),
            bytes_total=sum(one.bytes_total for one in live),
            rate_up=sum(one.rate for one in running if one.direction in ("up", "across")),
            rate_down=sum(one.rate for one in running if one.direction in ("down", "across")),
            limit=self._throttle.rate,
            rates=self._rates.note(time.monotonic(), round(rate)),
            eta=end_of_all([one.eta for one in running], rate, left),
            uncounted=sum(not one.is_running and not one.files_total for one in live),
        )

    async def wait(self, job_id: str) -> TransferSnapshot:
        """Wait until a job is finished, its clean-up included, and return how it ended."""
        job = self._jobs[job_id]
        await job.finished.wait()
        return job.snapshot(time.monotonic())

    async def close(self, keep: Callable[[TransferSnapshot], bool] = lambda job: True) -> None:
        """End everything and wait until it is cleaned up: cancelled, or paused for another time.

        Of what could be gone on with, only that remains which `keep` returns True for.
        """
        self._closed = True
        for job in self._jobs.values():
            if self._keeps():
                self.pause(job.id, "interrupted")
            else:
                self.cancel(job.id)
        await _ended({job.task for job in self._jobs.values() if job.task is not None})
        for job in self._jobs.values():
            if not keep(job.snapshot(time.monotonic())):
                self._drop(job)
        await _ended(self._sweeper.close())
        if self._journal is not None:
            await self._journal.close()

    @asynccontextmanager
    async def guarding(self, endpoint: Endpoint, part: bytes) -> AsyncIterator[None]:
        """Have a temporary file removed, and what it was to replace put right, whatever ends this.

        Another process does it where this one is killed, one of a later connection where it is cut.
        """
        job = Job("", CopyRequest("", (), endpoint, parent_of(part)), self._events)
        job.is_swept = True
        job.ledger.leftovers.add(part)
        try:
            if self._journal is not None:
                self._journal.follow(job)
                await self._journal.recorded()
            yield
            job.ledger.leftovers.clear()
        finally:
            forget = self._journal.forget if self._journal is not None else _forgotten
            self._sweeper.sweep(job, forget)

    # -- who goes on when

    def is_awaited(self, job: Job) -> bool:
        """Return whether others wait for one of its hosts already: each would dial at once."""
        out = {host for host in job.hosts if self._outages.is_out(host)}
        waiting = (one for one in self._jobs.values() if one.state is TransferState.WAITING)
        return any(one is not job and out.intersection(one.hosts) for one in waiting)

    async def turn(self, job: Job) -> None:
        """Return once there is room for a job whose hosts are back."""
        turn = self._returning[job] = asyncio.get_running_loop().create_future()
        self.give_way()
        try:
            await turn
        finally:
            self._returning.pop(job, None)

    def give_way(self) -> None:
        """Start jobs while there is room, those first that were interrupted.

        One that still cleans up takes its room; one that waits for its connection does not.
        """
        busy = sum(
            job.task is not None and job.state is not TransferState.WAITING
            for job in self._jobs.values()
        )
        for job, turn in tuple(self._returning.items()):
            if busy >= self._at_once or self._closed:
                return
            if job.state is TransferState.WAITING and not turn.done():
                busy += 1
                del self._returning[job]
                job.ledger.restart()
                job.move(Step.START)
                turn.set_result(None)
        for job in self._jobs.values():
            if busy >= self._at_once or self._closed:
                return
            if job.state is TransferState.QUEUED and job.task is None:
                busy += 1
                job.task = asyncio.create_task(self._execution.run(job), name=f"copy {job.id}")
                job.task.add_done_callback(partial(self._ended, job))

    def _ended(self, job: Job, _: "asyncio.Task[None]") -> None:
        job.task = None
        job.changed()
        if job.state not in _IDLE:
            job.finished.set()
        self.give_way()

    # -- inside

    def _keeps(self) -> bool:
        """Return whether a job that ends early can be gone on with by another process."""
        return self._journal is not None and self._journal.is_kept

    def _add(self, job: Job) -> Job:
        """Put a job behind the others."""
        job.pace = Pace(job.pace.own, self._throttle)
        job.position = 1.0 + max((one.position for one in self._jobs.values()), default=0.0)
        self._jobs[job.id] = job
        return job

    def _restored(self, kept: Kept, ledger: Ledger) -> Job:
        """Return a job as it was, but paused where it had not ended."""
        assert self._journal is not None
        job = Job(f"t{next(self._numbers)}", kept.request, self._events)
        job.uid, job.ledger = kept.uid, ledger
        job.is_swept = kept.state == SWEPT
        job.state = TransferState.CANCELLED if job.is_swept else state_of(kept)
        standing = kept.standing
        job.pace.own.rate = standing.limit
        job.reason, job.cut_off = standing.reason, standing.cut_off
        if job.state is TransferState.PAUSED:
            job.reason = job.reason or "interrupted"
        else:
            job.finished.set()
        passed = time.monotonic() - time.time()
        job.started = standing.started + passed if standing.started else None
        job.ended = standing.ended + passed if standing.ended else None
        self._journal.follow(job, {row.part: row for row in kept.parts})
        return job

    def _drop(self, job: Job) -> None:
        """Let nothing remain of a job that was taken off the list."""
        if self._journal is None:
            self._sweeper.sweep(job)
            return
        job.is_swept = True
        job.changed()
        self._sweeper.sweep(job, self._journal.forget)


def _forgotten(job: Job) -> None:
    """Nothing is kept."""


async def _ended(tasks: "set[asyncio.Task[None]]") -> None:
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in late:
            log.warning("a copy did not end in %d seconds: %r", PATIENCE, task)
