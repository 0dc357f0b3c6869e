"""The trees that are kept up to date: each with a task of its own, until it is stopped."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sshdash.connections.recovery.outages import Outages
from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import EventBus, KeepChanged, WarningRaised
from sshdash.prompts import Prompter
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import Endpoint
from sshdash.sftp.journal import Journal
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.sync_keep import KeepUp, Kept, Wish
from sshdash.sftp.sync_plan import Tree
from sshdash.sftp.tasks import end
from sshdash.untrusted import clean

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeepSnapshot:
    """One of them as it is now."""

    id: str
    wish: Wish
    kept: Kept


class Keepers:
    """Starts, tells and ends them. Each has a queue of its own, so that none waits for copies.

    `journal` returns where the copies of one are kept: after a crash, or when all are ended at
    once, they are among those of the next process, paused.
    """

    def __init__(
        self,
        open_filesystem: Callable[[Endpoint], Awaitable[Filesystem]],
        prompter: Prompter,
        events: EventBus,
        outages: Outages | None = None,
        journal: Callable[[], Journal | None] = lambda: None,
    ) -> None:
        self._open = open_filesystem
        self._journal = journal
        self._leaving = False
        self._prompter = prompter
        self._events = events
        self._outages = outages
        self._numbers = itertools.count(1)
        self._running: dict[str, tuple[KeepUp, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Theirs, and of those that have ended and clean up."""

    def __repr__(self) -> str:
        return f"<Keepers [{len(self._running)} running]>"

    def start(self, wish: Wish) -> str:
        """Keep a tree up to date from now on and return the keeper's id."""
        number = f"k{next(self._numbers)}"
        # Its copies are not told one by one: they would fill the list of transfers.
        queue = TransferQueue(
            self._open,
            self._prompter,
            EventBus(),
            outages=self._outages,
            journal=self._journal(),
        )

        def tell(kept: Kept) -> None:
            self._events.emit(KeepChanged(number, kept.state.value))

        keep = KeepUp(wish, queue, self._open, self._outages, tell)
        task = asyncio.create_task(self._keep(number, keep, queue), name=f"keep {number}")
        # One that is ended before it began does not get to take itself off.
        task.add_done_callback(lambda _: self._running.pop(number, None))
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)
        self._running[number] = keep, task
        return number

    async def stop(self, number: str) -> None:
        """End one; harmless where it has ended."""
        if number in self._running:
            await end((self._running[number][1],))

    async def stop_host(self, host: Endpoint) -> None:
        """End all that go to a host."""
        for one in self.snapshots():
            if one.wish.remote.endpoint == host:
                await self.stop(one.id)

    async def close(self) -> None:
        """End all, and keep what they were copying; who is about to end cleans up first."""
        self._leaving = True
        await end([task for _, task in self._running.values()])
        if self._tasks:
            await asyncio.wait(self._tasks)

    def snapshots(self) -> list[KeepSnapshot]:
        """Return those that run."""
        return [
            KeepSnapshot(number, keep.wish, keep.kept)
            for number, (keep, _) in self._running.items()
        ]

    def find(self, local: Tree, remote: Tree) -> KeepSnapshot | None:
        """Return the one that keeps these two trees in step, where there is one."""
        for one in self.snapshots():
            if (one.wish.local, one.wish.remote) == (local, remote):
                return one
        return None

    async def _keep(self, number: str, keep: KeepUp, queue: TransferQueue) -> None:
        try:
            await keep.run()
        except Cancelled as error:
            log.info("%s", error)
        except SSHDashError as error:
            self._warn(keep, str(error))
        except Exception as error:  # a defect must end this one alone, and be seen
            log.exception("keeping a tree up to date failed")
            self._warn(keep, f"unexpected: {clean(repr(error))}")
        finally:
            del self._running[number]
            self._events.emit(KeepChanged(number, "ended"))
            leaving = self._leaving
            await queue.close(lambda job: leaving)

    def _warn(self, keep: KeepUp, why: str) -> None:
        host = clean(keep.wish.remote.endpoint)
        root = shown(keep.wish.local.root)
        self._events.emit(WarningRaised(f"{root} is not kept up to date any more", why, host=host))
