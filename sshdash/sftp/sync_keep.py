"""Keeps a tree on a host like one on this machine, as that changes, until it is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from sshdash.connections.recovery.outages import NoOutages, Outages
from sshdash.errors import ConnectError, ConnectionLost, SSHDashError
from sshdash.sftp.compare import Criteria
from sshdash.sftp.failures import shown
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import Endpoint
from sshdash.sftp.queue import TransferQueue
from sshdash.sftp.sync_plan import RUNS, Act, Step, Tree, Way, steps
from sshdash.sftp.sync_rules import Rules
from sshdash.sftp.sync_run import Outcome, Synchronisation, make_root
from sshdash.sftp.sync_scan import Comparison, End, Scan
from sshdash.sftp.sync_sums import digests
from sshdash.sftp.watch import LocalWatch


class KeepState(Enum):
    """What it is doing."""

    COMPARING = "comparing"
    COPYING = "copying"
    IN_STEP = "up to date"
    WAITING = "waits for the host"
    BEHIND = "not all of it is there"


@dataclass(frozen=True, slots=True)
class Kept:
    """How it stands; the texts are cleaned."""

    state: KeepState
    copied: int = 0
    """Files since it began."""
    deleted: int = 0
    problem: str = ""
    """Why not everything is there, or what it waits for."""

    @property
    def is_well(self) -> bool:
        """Whether nothing keeps it from being up to date."""
        return self.state not in (KeepState.WAITING, KeepState.BEHIND)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be kept up to date, and how."""

    local: Tree
    remote: Tree
    rules: Rules
    delete: bool = False
    """Whether what is deleted here is deleted there."""
    window: int = 0


class KeepUp:
    """One tree that is kept up to date; `tell` hears how it stands, `done` of every round."""

    def __init__(
        self,
        wish: Wish,
        queue: TransferQueue,
        open_filesystem: Callable[[Endpoint], Awaitable[Filesystem]],
        outages: Outages | None = None,
        tell: Callable[[Kept], None] = lambda _: None,
        done: Callable[[list[Step], Comparison, Outcome], None] = lambda *_: None,
    ) -> None:
        self.wish = wish
        self.kept = Kept(KeepState.COMPARING)
        self._queue = queue
        self._open = open_filesystem
        self._outages = outages or NoOutages()
        self._tell = tell
        self._done = done
        self._copied = self._deleted = 0

    def __repr__(self) -> str:
        return f"<KeepUp {shown(self.wish.local.root)} [{self.kept.state.value}]>"

    async def run(self) -> None:
        """Go on until cancelled. Raises FileError where changes cannot be noticed.

        Raises Cancelled where the host was disconnected, and what a connection raises where it is
        not made again.
        """
        host = self.wish.remote.endpoint
        interest = self._outages.interest(host, "sync") if host else None
        watch = LocalWatch(self.wish.local.root, self.wish.rules)
        try:
            await watch.start()  # before the first look: nothing falls between the two
            folders: set[bytes] | None = None
            while True:
                try:
                    behind = await self._round(folders)
                except (ConnectionLost, ConnectError) as error:
                    await self._wait(host, error)
                    folders = None
                    continue
                changed = await watch.changes()
                folders = None if changed is None else changed | behind
        finally:
            await watch.stop()
            if interest is not None:
                interest.release()

    async def _wait(self, host: Endpoint, error: SSHDashError) -> None:
        """Return when the host is back."""
        if isinstance(self._outages, NoOutages):
            raise error
        self._show(KeepState.WAITING, str(error))
        await self._outages.settle((host,))
        await self._outages.back(host)

    async def _round(self, folders: set[bytes] | None) -> set[bytes]:
        """Bring `folders` in step, None for all; return those in which something failed."""
        self._show(KeepState.COMPARING)
        comparison = await self._compare(folders)
        wish = self.wish
        planned = steps(comparison.pairs, Way.RIGHT, wish.delete, wish.window, comparison.keeping)
        todo = await asyncio.to_thread(list, planned)  # the first time it may be very much
        outcome = Outcome()
        if any(step.act in RUNS for step in todo):
            self._show(KeepState.COPYING)
            run = Synchronisation(wish.local, wish.remote, self._queue, self._open)
            may_delete, stale = not comparison.problems, comparison.stale
            outcome = await run.run(todo, may_delete, stale=stale)
            self._queue.remove_finished()
        if outcome.error is not None:
            raise outcome.error
        if any(copy.cut_off for copy in outcome.copies):
            raise ConnectionLost("Connection lost", host=wish.remote.endpoint)
        self._copied += sum(copy.files_done for copy in outcome.copies)
        self._deleted += outcome.deleted
        self._done(todo, comparison, outcome)
        problem = _problem(comparison, todo, outcome)
        self._show(KeepState.BEHIND if problem else KeepState.IN_STEP, problem)
        if outcome.is_whole:
            return set()
        return {step.place.rpartition(b"/")[0] for step in todo}

    async def _compare(self, folders: set[bytes] | None) -> Comparison:
        wish = self.wish
        left = await self._open(wish.local.endpoint)
        try:
            right = await self._open(wish.remote.endpoint)
            try:
                await left.stat(wish.local.root)  # a tree that is gone is not an empty one
                await make_root(right, wish.remote.root)
                scan = Scan(
                    End(left, wish.local.root),
                    End(right, wish.remote.root),
                    wish.rules,
                    Criteria(window=wish.window, right_only=wish.delete),
                    digests,
                )
                return await (scan.everything() if folders is None else scan.these(folders))
            finally:
                await right.close()
        finally:
            await left.close()

    def _show(self, state: KeepState, problem: str = "") -> None:
        self.kept = Kept(state, self._copied, self._deleted, problem)
        self._tell(self.kept)


def _problem(comparison: Comparison, todo: list[Step], outcome: Outcome) -> str:
    """Return the first thing that went wrong, empty where nothing did."""
    for problem in comparison.problems:
        return f"{shown(problem.place) or '.'}: {problem.reason}"
    for copy in outcome.copies:
        for file in (*copy.errors, *copy.left_out):
            return f"{file.path}: {file.reason}"
        if copy.reason:
            return copy.reason
    for place, reason in outcome.failures:
        return f"{shown(place)}: {reason}"
    for step in todo:
        if step.act in (Act.CONFLICT, Act.LEAVE):
            return f"{shown(step.place)}: {step.why}"
    return ""
