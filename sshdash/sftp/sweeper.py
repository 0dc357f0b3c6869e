"""Removes the temporary files that copies left, at once or when their host is back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import SSHDashError
from sshdash.sftp.copy_job import Job
from sshdash.sftp.job import Endpoint, host_of
from sshdash.sftp.partial import remove_parts
from sshdash.sftp.scp_runner import CopyEnd

OpenFilesystem = Callable[[Endpoint], Awaitable[CopyEnd]]


class Sweeper:
    """Cleans up after jobs; no host is connected to for that alone."""

    def __init__(self, open_filesystem: OpenFilesystem, outages: Outages | NoOutages) -> None:
        self._open = open_filesystem
        self._outages = outages
        self._waiting: set[asyncio.Task[None]] = set()
        self._removing: set[asyncio.Task[None]] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Sweeper [{len(self._waiting)} waiting, {len(self._removing)} at work]>"

    async def clean(self, job: Job) -> None:
        """Remove what was kept of a job that ends."""
        ledger, target = job.ledger, host_of(job.request.target)
        _give_up(job)
        if isinstance(self._outages, NoOutages) or not ledger.leftovers:
            return
        if not target or not self._outages.is_out(target):
            await self._remove(job)
        else:
            self.sweep(job)

    def sweep(self, job: Job, swept: Callable[[Job], None] = lambda job: None) -> None:
        """Remove what was kept of a job that has ended, at once or when its host is back.

        `swept` is called when nothing of it is left.
        """
        _give_up(job)
        if not job.ledger.leftovers:
            swept(job)
        elif not self._closed:
            target = host_of(job.request.target)
            ready = not target or not self._outages.is_out(target)
            task = asyncio.create_task(self._sweep(job, swept), name=f"cleaning up after {job.id}")
            (self._removing if ready else self._waiting).add(task)
            task.add_done_callback(self._removing.discard)
            task.add_done_callback(self._waiting.discard)

    def close(self) -> "set[asyncio.Task[None]]":
        """Give up what waits for a host; return the tasks that end now."""
        self._closed = True
        for task in self._waiting:
            task.cancel()
        return self._waiting | self._removing

    async def _sweep(self, job: Job, swept: Callable[[Job], None]) -> None:
        if target := host_of(job.request.target):
            await self._outages.up(target)
        if job.ledger.leftovers:
            await self._remove(job)
        if not job.ledger.leftovers:
            swept(job)

    async def _remove(self, job: Job) -> None:
        with suppress(SSHDashError):
            filesystem = await self._open(job.request.target)
            try:
                await remove_parts(filesystem, job.ledger.leftovers)
            finally:
                await filesystem.close()


def _give_up(job: Job) -> None:
    """Let nothing be gone on with any more."""
    ledger = job.ledger
    ledger.leftovers.update(partial.part for partial in ledger.partials.values())
    ledger.partials.clear()
