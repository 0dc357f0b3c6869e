"""The queue of copy jobs: runs some at once, tells how they stand, cancels and retries."""

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import Cancelled, ConnectError, ConnectionLost, SSHDashError
from sshdash.events import EventBus, TransferChanged
from sshdash.prompts import Prompter
from sshdash.sftp.entries import name_of
from sshdash.sftp.failures import shown
from sshdash.sftp.job import (
    CopyRequest,
    Endpoint,
    TransferSnapshot,
    TransferTotals,
    direction_of,
    host_of,
)
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.partial import remove_parts
from sshdash.sftp.rate import RateMeter, seconds_left
from sshdash.sftp.runner import Runner
from sshdash.sftp.scp_host import ScpHost
from sshdash.sftp.scp_runner import CopyEnd, ScpRunner
from sshdash.sftp.tasks import finish
from sshdash.states import Step, TransferState, advance, allows
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

OpenFilesystem = Callable[[Endpoint], Awaitable[CopyEnd]]

_PATIENCE = 15.0
"""Seconds that running jobs get to clean up when the queue closes."""


class _Job:
    """One job: the only place where its state moves."""

    def __init__(self, number: str, request: CopyRequest, events: EventBus) -> None:
        self.id = number
        self.request = request
        self.state = TransferState.QUEUED
        self.reason = ""
        self.cut_off = False
        self.ledger = Ledger()
        self.meter: RateMeter | None = None
        self.started: float | None = None
        self.ended: float | None = None
        self.task: asyncio.Task[None] | None = None
        self.finished = asyncio.Event()
        self._events = events

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.state.value} [{self.ledger.files_done} files done]>"

    def move(self, step: Step, reason: str = "") -> None:
        """Take one step and tell it."""
        old, self.state = self.state, advance(self.state, step)
        self.reason = reason
        self._events.emit(TransferChanged(self.id, old, self.state, reason))

    def snapshot(self, now: float) -> TransferSnapshot:
        """Return how it stands."""
        request, ledger = self.request, self.ledger
        done, total = ledger.bytes_done, ledger.bytes_total
        rate, eta = 0.0, None
        if self.meter is not None:
            if self.state is TransferState.COPYING:
                rate = self.meter.update(now, done)
                files_left = ledger.files_total - ledger.files_done
                age = self.meter.age(now)
                eta = seconds_left(age, rate, total - done, ledger.files_done, files_left)
            elif self.ended is not None:
                rate = self.meter.average(self.ended, done)
        return TransferSnapshot(
            id=self.id,
            title=_title(request),
            source=clean(request.source) or "local",
            target=clean(request.target) or "local",
            target_dir=shown(request.target_dir),
            state=self.state,
            files_done=ledger.files_done,
            files_total=ledger.files_total,
            bytes_done=done,
            bytes_total=total,
            rate=rate,
            eta=eta,
            current=ledger.current(),
            errors=ledger.errors(),
            errors_total=len(ledger.failures),
            left_out=ledger.omissions(),
            left_out_total=len(ledger.left_out),
            skipped=ledger.skipped,
            resumed=ledger.resumed,
            restarted=ledger.restarts(),
            direction=direction_of(request.source, request.target),
            reason=self.reason,
            cut_off=self.cut_off,
            started=self.started,
            ended=self.ended,
            request=request,
        )


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
        self._open = open_filesystem
        self._prompter = prompter
        self._events = events
        self._at_once = max(1, at_once)
        self._jobs: dict[str, _Job] = {}
        self._numbers = itertools.count(1)
        self._sweeps: set[asyncio.Task[None]] = set()
        self._returning: dict[_Job, asyncio.Future[None]] = {}
        """Jobs whose hosts are back, and that wait for room."""
        self._closed = False

    def __repr__(self) -> str:
        states = [job.state.value for job in self._jobs.values()]
        counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
        return f"<TransferQueue [{counts or 'empty'}]>"

    def submit(self, request: CopyRequest) -> str:
        """Queue a copy and return the job's id; it starts as soon as there is room."""
        job = _Job(f"t{next(self._numbers)}", request, self._events)
        self._jobs[job.id] = job
        self._events.emit(TransferChanged(job.id, job.state, job.state))
        self._start_next()
        return job.id

    def cancel(self, job_id: str) -> None:
        """Cancel a job that is queued or running; what is finished stays as it is."""
        job = self._jobs[job_id]
        if not allows(job.state, Step.CANCEL):
            return
        self._end(job, Step.CANCEL, "cancelled")
        if job.task is not None:
            job.task.cancel()
        else:
            job.finished.set()
        self._start_next()

    def retry(self, job_id: str) -> None:
        """Queue a failed or cancelled job again; only what is not there yet is copied."""
        job = self._jobs[job_id]
        if not allows(job.state, Step.START) or job.state is TransferState.QUEUED:
            return
        job.ledger.restart()
        job.cut_off, job.ended = False, None
        job.finished = asyncio.Event()
        job.move(Step.START)
        self._start_next()

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
        return _hosts(self._jobs[job_id].request)

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
        for sweep in self._sweeps:
            sweep.cancel()
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        tasks += self._sweeps
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
            for task in late:
                log.warning("a copy did not end in %d seconds: %r", _PATIENCE, task)

    # -- inside

    def _start_next(self) -> None:
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
                job.task = asyncio.create_task(self._run(job), name=f"copy {job.id}")
                job.task.add_done_callback(partial(self._ended, job))

    def _ended(self, job: _Job, _: "asyncio.Task[None]") -> None:
        job.task = None
        if job.state is not TransferState.QUEUED:
            job.finished.set()
        self._start_next()

    def _end(self, job: _Job, step: Step, reason: str = "") -> None:
        task = asyncio.current_task()
        if task is not None and task is job.task and task.cancelling():
            return  # it was cancelled before, and this only came of the clean-up
        job.ended = time.monotonic()
        job.move(step, reason)

    async def _run(self, job: _Job) -> None:
        job.started = time.monotonic()
        job.move(Step.START)
        try:
            await self._copy_through(job)
        except Cancelled as error:
            self._end(job, Step.CANCEL, str(error))
        except SSHDashError as error:
            job.cut_off = isinstance(error, ConnectionLost | ConnectError)
            await self._clean(job)
            self._end(job, Step.FAIL, _with_leftovers(str(error), job))
        except Exception as error:  # a defect must end this job alone, and be seen
            log.exception("copy %s failed unexpectedly", job.id)
            self._end(job, Step.FAIL, f"unexpected: {clean(repr(error))}")
        finally:
            if await finish(self._clean(job), _PATIENCE):
                raise asyncio.CancelledError

    async def _copy_through(self, job: _Job) -> None:
        """Copy, over as many connections as that takes."""
        hosts = _hosts(job.request)
        interests = [self._outages.interest(host, "copy") for host in hosts]
        stand: tuple[int, int] | None = None
        try:
            if self._is_awaited(job, hosts):
                self._interrupt(job, hosts)
                await self._turn(job, hosts)
            while True:
                began = time.monotonic()
                try:
                    await self._copy(job)
                    return
                except (ConnectionLost, ConnectError) as error:
                    await self._outages.settle(hosts)
                    stuck = stand == (stand := (job.ledger.files_done, job.ledger.bytes_done))
                    if not self._is_worth_waiting(error, hosts, began, stuck):
                        raise
                    self._interrupt(job, hosts, str(error))
                await self._turn(job, hosts)
        finally:
            for interest in interests:
                interest.release()

    def _is_worth_waiting(
        self, error: SSHDashError, hosts: Sequence[str], began: float, stuck: bool
    ) -> bool:
        """Return whether a job goes on once its hosts are connected.

        One that got no further (`stuck`) although they were all the time would begin over and
        over; and where nothing was lost, a host that cannot be reached is a failure.
        """
        if not all(map(self._outages.is_expected, hosts)):
            return False
        outage = any(self._outages.was_out(host, began) for host in hosts)
        return outage or not (stuck or isinstance(error, ConnectError))

    def _is_awaited(self, job: _Job, hosts: Sequence[str]) -> bool:
        """Return whether others wait for a host already: each would dial it again at once."""
        out = {host for host in hosts if self._outages.is_out(host)}
        waiting = (one for one in self._jobs.values() if one.state is TransferState.WAITING)
        return any(one is not job and out.intersection(_hosts(one.request)) for one in waiting)

    def _interrupt(self, job: _Job, hosts: Sequence[str], why: str = "") -> None:
        """Let a job wait for its connection."""
        job.meter = None
        out = [clean(host) for host in hosts if self._outages.is_out(host)]
        job.move(Step.INTERRUPT, f"waits for {' and '.join(out)}" if out else why)
        self._start_next()

    async def _turn(self, job: _Job, hosts: Sequence[str]) -> None:
        """Return once the hosts of a job that waits are back, and there is room for it."""
        for host in hosts:
            await self._outages.back(host)
        turn = self._returning[job] = asyncio.get_running_loop().create_future()
        job.reason = "waits for other copies"
        self._start_next()
        try:
            await turn
        finally:
            self._returning.pop(job, None)

    async def _clean(self, job: _Job) -> None:
        """Remove what was kept to go on with, at once or when its host is back."""
        ledger, target = job.ledger, host_of(job.request.target)
        ledger.leftovers.update(partial.part for partial in ledger.partials.values())
        ledger.partials.clear()
        if isinstance(self._outages, NoOutages) or not ledger.leftovers:
            return
        if not target or not self._outages.is_out(target):
            await self._remove_leftovers(job)
        elif not self._closed:
            sweep = asyncio.create_task(self._sweep(job), name=f"cleaning up after {job.id}")
            self._sweeps.add(sweep)
            sweep.add_done_callback(self._sweeps.discard)

    async def _sweep(self, job: _Job) -> None:
        await self._outages.up(host_of(job.request.target))
        if job.ledger.leftovers:
            await self._remove_leftovers(job)

    async def _remove_leftovers(self, job: _Job) -> None:
        with suppress(SSHDashError):
            filesystem = await self._open(job.request.target)
            try:
                await remove_parts(filesystem, job.ledger.leftovers)
            finally:
                await filesystem.close()

    async def _copy(self, job: _Job) -> None:
        request = job.request
        async with AsyncExitStack() as opened:
            source = await self._open(request.source)
            opened.push_async_callback(source.close)
            target = source
            if request.target != request.source:
                target = await self._open(request.target)
                opened.push_async_callback(target.close)

            def scanned() -> None:
                job.move(Step.SCANNED)
                job.meter = RateMeter(time.monotonic(), job.ledger.bytes_done)

            resumable = not isinstance(self._outages, NoOutages)
            rest = job.ledger, self._prompter
            if isinstance(source, ScpHost) or isinstance(target, ScpHost):
                await ScpRunner(request, source, target, *rest).run(scanned)
            else:
                await Runner(request, source, target, *rest, resumable).run(scanned)
        failed = len(job.ledger.failures)
        if failed:
            self._end(job, Step.FAIL, _with_leftovers(f"{failed} not copied", job))
        else:
            self._end(job, Step.FINISH)


def _hosts(request: CopyRequest) -> tuple[Endpoint, ...]:
    ends = dict.fromkeys(map(host_of, (request.source, request.target)))
    return tuple(host for host in ends if host)


def _title(request: CopyRequest) -> str:
    if len(request.paths) == 1:
        return clean(name_of(request.paths[0]) or b"/")
    return f"{len(request.paths)} items"


def _with_leftovers(reason: str, job: _Job) -> str:
    left = len(job.ledger.leftovers)
    if not left:
        return reason
    files = "1 unfinished file" if left == 1 else f"{left} unfinished files"
    return f"{reason}; {files} may remain there (.*.sshdash-*.part), a retry removes them"
