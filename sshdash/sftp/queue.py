"""The queue of copy jobs: runs some at once, tells how they stand, cancels and retries."""

import asyncio
import itertools
import logging
import time
from functools import partial

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.events import EventBus, TransferChanged
from sshdash.prompts import Prompter
from sshdash.sftp.copy_job import Job
from sshdash.sftp.execution import PATIENCE, Execution
from sshdash.sftp.job import CopyRequest, Endpoint, TransferSnapshot, TransferTotals
from sshdash.sftp.sweeper import OpenFilesystem, Sweeper
from sshdash.states import Step, TransferState, allows

log = logging.getLogger(__name__)


class TransferQueue:
    """Copy jobs in the order they came, `at_once` of them running.

    With `outages`, a job whose connection is lost and expected back waits for it and goes on.
    """

    def __init__(
        self,
        open_filesystem: OpenFilesystem,
        prompter: Prompter,
        events: EventBus,
        at_once: int = 2,
        outages: Outages | None = None,
    ) -> None:
        self._outages = outages or NoOutages()
        self._sweeper = Sweeper(open_filesystem, self._outages)
        self._execution = Execution(self, open_filesystem, prompter, self._outages, self._sweeper)
        self._events = events
        self._at_once = max(1, at_once)
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)
        self._returning: dict[Job, asyncio.Future[None]] = {}
        """Jobs whose hosts are back, and that wait for room."""
        self._closed = False

    def __repr__(self) -> str:
        states = [job.state.value for job in self._jobs.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        return f"<TransferQueue [{counts or 'empty'}]>"

    def submit(self, request: CopyRequest) -> str:
        """Queue a copy and return the job's id; it starts as soon as there is room."""
        job = Job(f"t{next(self._numbers)}", request, self._events)
        self._jobs[job.id] = job
        self._events.emit(TransferChanged(job.id, job.state, job.state))
        self.give_way()
        return job.id

    def cancel(self, job_id: str) -> None:
        """Cancel a job that is queued or running; what is finished stays as it is."""
        job = self._jobs[job_id]
        if not allows(job.state, Step.CANCEL):
            return
        job.end(Step.CANCEL, "cancelled")
        if job.task is not None:
            job.task.cancel()
        else:
            job.finished.set()
        self.give_way()

    def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job again; only what is not there yet is copied."""
        job = self._jobs[job_id]
        if not allows(job.state, Step.START) or job.state is TransferState.QUEUED:
            return
        job.ledger.restart()
        job.cut_off, job.ended = False, None
        job.finished = asyncio.Event()
        job.move(Step.START)
        self.give_way()

    def remove_finished(self) -> None:
        """Forget the jobs that are done, failed or cancelled."""
        for job in tuple(self._jobs.values()):
            if job.snapshot(time.monotonic()).is_finished and job.finished.is_set():
                del self._jobs[job.id]

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
        live = [one for one in snapshots if not one.is_finished]
        running = [one for one in live if one.is_running]
        ends = [one.eta for one in running]
        return TransferTotals(
            jobs_running=len(running),
            jobs_queued=len(live) - len(running),
            files_done=sum(one.files_done for one in live),
            files_total=sum(one.files_total for one in live),
            bytes_done=sum(one.bytes_done for one in live),
            bytes_total=sum(one.bytes_total for one in live),
            rate_up=sum(one.rate for one in running if one.direction in ("up", "across")),
            rate_down=sum(one.rate for one in running if one.direction in ("down", "across")),
            eta=None if None in ends else max((end for end in ends if end), default=None),
        )

    async def wait(self, job_id: str) -> TransferSnapshot:
        """Wait until a job is finished, its clean-up included, and return how it ended."""
        job = self._jobs[job_id]
        await job.finished.wait()
        return job.snapshot(time.monotonic())

    async def close(self) -> None:
        """Cancel everything and wait until it is cleaned up."""
        self._closed = True
        for job in self._jobs.values():
            self.cancel(job.id)
        tasks = self._sweeper.close()
        tasks.update(job.task for job in self._jobs.values() if job.task is not None)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in late:
                log.warning("a copy did not end in %d seconds: %r", PATIENCE, task)

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
        if job.state is not TransferState.QUEUED:
            job.finished.set()
        self.give_way()
