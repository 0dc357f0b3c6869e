"""Carries a copy job out, over as many connections as that takes."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import Cancelled, ConnectError, ConnectionLost, SSHDashError
from sshdash.prompts import AnswerType, Prompter, Question
from sshdash.sftp.copy_job import Job
from sshdash.sftp.rate import RateMeter
from sshdash.sftp.runner import Runner
from sshdash.sftp.scp_host import ScpHost
from sshdash.sftp.scp_runner import ScpRunner
from sshdash.sftp.sweeper import OpenFilesystem, Sweeper
from sshdash.sftp.tasks import finish
from sshdash.states import Step, TransferState
from sshdash.untrusted import clean

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds that a job gets to clean up."""


class Turns(Protocol):
    """Who goes on when: the queue."""

    def is_awaited(self, job: Job) -> bool:
        """Return whether others wait for one of the job's hosts already."""
        ...

    def give_way(self) -> None:
        """Let others use the room of a job that waits for its connection."""
        ...

    async def turn(self, job: Job) -> None:
        """Return once there is room for a job whose hosts are back."""
        ...


class Asking:
    """Asks for one job, which tells meanwhile that it waits for an answer."""

    def __init__(self, prompter: Prompter, job: Job) -> None:
        self._prompter = prompter
        self._job = job

    async def ask(self, question: Question[AnswerType]) -> AnswerType | None:
        """Return the answer, or None where the question was dismissed."""
        self._job.questions += 1
        asked = time.monotonic()
        try:
            return await self._prompter.ask(question)
        finally:
            self._job.questions -= 1
            self._job.waited(asked)


class Execution:
    """Runs jobs for a queue."""

    def __init__(
        self,
        turns: Turns,
        open_filesystem: OpenFilesystem,
        prompter: Prompter,
        outages: Outages | NoOutages,
        sweeper: Sweeper,
        keeps: Callable[[], bool],
    ) -> None:
        """`keeps` returns whether a job that ends early can be gone on with until it is dropped."""
        self._turns = turns
        self._open = open_filesystem
        self._prompter = prompter
        self._outages = outages
        self._sweeper = sweeper
        self._keeps = keeps

    async def run(self, job: Job) -> None:
        """Run a job that is queued to its end, clean-up included."""
        job.started = time.monotonic() - job.ran
        job.ledger.restart()
        job.move(Step.START)
        try:
            await self._copy_through(job)
        except Cancelled as error:
            job.end(Step.CANCEL, str(error))
        except SSHDashError as error:
            job.cut_off = isinstance(error, ConnectionLost | ConnectError)
            await self._clean(job)
            job.end(Step.FAIL, job.with_leftovers(str(error)))
        except Exception as error:  # a defect must end this job alone, and be seen
            log.exception("copy %s failed unexpectedly", job.id)
            job.end(Step.FAIL, f"unexpected: {clean(repr(error))}")
        finally:
            job.ran = time.monotonic() - job.started
            if await finish(self._clean(job), PATIENCE):
                raise asyncio.CancelledError

    async def _clean(self, job: Job) -> None:
        """Remove what was kept of a job, unless it is to be gone on with."""
        if job.state in (TransferState.PAUSED, TransferState.QUEUED):
            return
        if job.state is TransferState.DONE or not self._keeps():
            await self._sweeper.clean(job)

    async def _copy_through(self, job: Job) -> None:
        """Copy, over as many connections as that takes."""
        hosts = job.hosts
        interests = [self._outages.interest(host, "copy") for host in hosts]
        stand: tuple[int, int] | None = None
        try:
            if self._turns.is_awaited(job):
                self._interrupt(job)
                await self._turn(job)
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
                    self._interrupt(job, str(error))
                await self._turn(job)
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

    def _interrupt(self, job: Job, why: str = "") -> None:
        """Let a job wait for its connection."""
        job.meter = None
        out = [clean(host) for host in job.hosts if self._outages.is_out(host)]
        job.move(Step.INTERRUPT, f"waits for {' and '.join(out)}" if out else why)
        self._turns.give_way()

    async def _turn(self, job: Job) -> None:
        """Return once the hosts of a job that waits are back, and there is room for it."""
        since = time.monotonic()
        for host in job.hosts:
            await self._outages.back(host)
        job.reason = "waits for other copies"
        await self._turns.turn(job)
        job.waited(since)

    async def _copy(self, job: Job) -> None:
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

            resumable = self._keeps() or not isinstance(self._outages, NoOutages)
            rest = job.ledger, Asking(self._prompter, job)
            runner: Runner | ScpRunner
            if isinstance(source, ScpHost) or isinstance(target, ScpHost):
                runner = ScpRunner(request, source, target, *rest)
            else:
                runner = Runner(request, source, target, *rest, resumable)
            runner.pace = job.pace
            job.runner = runner
            try:
                await runner.run(scanned)
            finally:
                job.runner = None
        failed = len(job.ledger.failures)
        if failed:
            job.end(Step.FAIL, job.with_leftovers(f"{failed} not copied"))
        else:
            job.end(Step.FINISH)
