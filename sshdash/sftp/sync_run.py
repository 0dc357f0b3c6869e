"""Carries out a synchronisation: copies by the queue, then what is to be deleted.

Nothing is deleted where anything before went wrong, as in rsync, unless that is asked for; nothing
that is not any more what it was when the trees were compared; and nothing that the other end has
again, or of which it cannot tell: a listing leaves out what its server may not look at.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from sshdash.errors import FileError, SSHDashError
from sshdash.sftp.entries import Entry, Kind, join
from sshdash.sftp.failures import MissingError
from sshdash.sftp.filesystem import Filesystem
from sshdash.sftp.job import CopyRequest, Endpoint, TransferSnapshot
from sshdash.sftp.local import confined
from sshdash.sftp.seen import is_as_seen
from sshdash.sftp.sync_plan import RUNS, Act, Step, Tree, copy_requests
from sshdash.sftp.sync_times import settle_times
from sshdash.sftp.sync_trash import CHANGED, Discarding, Move
from sshdash.sftp.tasks import each
from sshdash.sftp.walk import reason_of
from sshdash.states import TransferState

_WIDTH = 32
"""Things that are deleted at the same time."""
_BACK = "the other end has it again, and it was not deleted"


class Copies(Protocol):
    """What is needed of the queue."""

    def submit(self, request: CopyRequest, inherit: bool = False) -> str:
        """Queue a copy and return the job's id; it may go on with what paused jobs left."""
        ...

    async def wait(self, job_id: str) -> TransferSnapshot:
        """Wait until a job is finished and return how it ended."""
        ...


@dataclass(slots=True)
class Outcome:
    """What became of it."""

    copies: list[TransferSnapshot] = field(default_factory=list)
    deleted: int = 0
    failures: list[tuple[bytes, str]] = field(default_factory=list)
    """Places that could not be deleted or given their time, and why."""
    refused: list[Step] = field(default_factory=list)
    """What the trash did not take; it is where it was."""
    refusal: str = ""
    """Why not."""
    not_deleted: int = 0
    """How many deletions were not tried because something went wrong before."""
    error: SSHDashError | None = None
    """What ended it early, for whoever has told the rest."""

    @property
    def copied_all(self) -> bool:
        """Whether every copy is where it should be."""
        return all(
            one.state is TransferState.DONE and not one.left_out_total and not one.skipped
            for one in self.copies
        )

    @property
    def is_whole(self) -> bool:
        """Whether everything was done."""
        stays = self.failures or self.refused or self.not_deleted or self.error
        return self.copied_all and not stays


class Synchronisation:
    """One run over two trees; what goes on this machine, goes to its `trash` where there is one.

    With `purges`, what is to be deleted may be on the other end, too.
    """

    def __init__(
        self,
        left: Tree,
        right: Tree,
        queue: Copies,
        open_filesystem: Callable[[Endpoint], Awaitable[Filesystem]],
        trash: Move | None = None,
        purges: bool = False,
        deleting: Callable[[Mapping[bytes, bool]], Awaitable[None]] | None = None,
    ) -> None:
        """`deleting` is told what is about to be deleted, by place, and whether on the right."""
        self._left = left
        self._right = right
        self._queue = queue
        self._open = open_filesystem
        self._trash = trash
        self._purges = purges
        self._deleting = deleting
        self.jobs: list[str] = []
        """The copies that were queued."""

    async def run(
        self,
        steps: Sequence[Step],
        may_delete: bool = True,
        whatever_fails: bool = False,
        stale: Collection[bytes] | None = None,
        to_right: bool = True,
    ) -> Outcome:
        """Carry out `steps`; nothing is deleted without `may_delete`, or where a copy fails.

        `whatever_fails` is for whoever wants it deleted even so. One way, `stale` are folders and
        links that get the time of the other end with the folders in which something was done.
        What ends it early is in what is returned, beside what was done until then.
        """
        outcome = Outcome()
        try:
            await self._run(outcome, steps, may_delete, whatever_fails)
            if stale is not None and not any(one.cut_off for one in outcome.copies):
                places = await asyncio.to_thread(_with_changed, stale, steps)
                await self._settle_times(places, to_right, outcome)
        except SSHDashError as error:
            outcome.error = error
        return outcome

    async def _run(
        self, outcome: Outcome, steps: Sequence[Step], may_delete: bool, whatever_fails: bool
    ) -> None:
        requests = await asyncio.to_thread(copy_requests, self._left, self._right, steps)
        self.jobs = [self._queue.submit(one, inherit=True) for one in requests]
        for job in self.jobs:
            outcome.copies.append(await self._queue.wait(job))
        doomed = [step for step in steps if step.act is Act.DELETE]
        if not may_delete or not (outcome.copied_all or whatever_fails):
            outcome.not_deleted = len(doomed)
            return
        if self._deleting is not None:
            await self._deleting({step.place: step.to_right for step in doomed})
        await self._delete_all(doomed, outcome, self._trash)

    async def delete_refused(self, outcome: Outcome) -> None:
        """Delete for good what the trash did not take."""
        refused, outcome.refused = outcome.refused, []
        await self._delete_all(refused, outcome, None)

    async def _settle_times(self, places: set[bytes], to_right: bool, outcome: Outcome) -> None:
        ends = (self._left, self._right) if to_right else (self._right, self._left)

        def failed(place: bytes, reason: str) -> None:
            outcome.failures.append((place, reason))

        source = await self._open(ends[0].endpoint)
        try:
            target = await self._open(ends[1].endpoint)
            try:
                roots = ends[0].root, ends[1].root
                await settle_times(source, roots[0], target, roots[1], places, failed)
            finally:
                await target.close()
        finally:
            await source.close()

    async def _delete_all(self, doomed: list[Step], outcome: Outcome, trash: Move | None) -> None:
        for tree, other, to_right in (
            (self._left, self._right, False),
            (self._right, self._left, True),
        ):
            here = [step for step in doomed if step.to_right is to_right]
            if here and not self._purges:
                here = await self._absent(other, here, outcome)
            if here and trash is not None and not tree.endpoint:
                await self._discard(tree, here, outcome, trash)
            elif here:
                await self._delete(tree, here, outcome)

    async def _absent(self, tree: Tree, steps: list[Step], outcome: Outcome) -> list[Step]:
        """Return the steps about what a tree has not; the others are told as failures."""
        filesystem = await self._open(tree.endpoint)
        absent: set[bytes] = set()

        async def look(step: Step) -> None:
            reason = _BACK
            try:
                if await filesystem.exists(join(tree.root, step.place)) is None:
                    absent.add(step.place)
                    return
            except FileError as error:
                reason = f"the other end cannot tell whether it has it: {reason_of(error)}"
            outcome.failures.append((step.place, reason))

        try:
            await filesystem.stat(tree.root)  # without it, everything would seem to be gone
            await each(steps, min(_WIDTH, len(steps)), look)
        finally:
            await filesystem.close()
        return [step for step in steps if step.place in absent]

    async def _discard(self, tree: Tree, steps: list[Step], outcome: Outcome, trash: Move) -> None:
        filesystem = await self._open(tree.endpoint)
        try:
            done = await Discarding(filesystem, tree.root, steps, trash).run()
        finally:
            await filesystem.close()
        outcome.deleted += done.moved
        outcome.failures += done.failures
        outcome.refused += done.refused
        outcome.refusal = outcome.refusal or done.why

    async def _delete(self, tree: Tree, steps: list[Step], outcome: Outcome) -> None:
        """Delete files and links, then the folders that they leave empty, deepest first."""
        filesystem = await self._open(tree.endpoint)
        try:
            root = await confined(filesystem, tree.root)
            delete = partial(_delete, filesystem, root, outcome)
            files = [step for step in steps if not step.is_folder]
            await each(files, min(_WIDTH, len(files)), delete)
            levels: dict[int, list[Step]] = {}
            for step in steps:
                if step.is_folder:
                    levels.setdefault(step.place.count(b"/"), []).append(step)
            for _, level in sorted(levels.items(), reverse=True):
                await each(level, min(_WIDTH, len(level)), delete)
        finally:
            await filesystem.close()


async def _delete(filesystem: Filesystem, root: bytes, outcome: Outcome, step: Step) -> None:
    path = join(root, step.place)
    try:
        now = await filesystem.exists(path)
        if now is None:
            return
        if step.target is None or _differs(now, step.target):
            outcome.failures.append((step.place, CHANGED))
            return
        await (filesystem.rmdir if step.is_folder else filesystem.unlink)(path)
    except MissingError:
        return  # somebody else did
    except FileError as error:
        outcome.failures.append((step.place, reason_of(error)))
    else:
        outcome.deleted += 1


def _differs(now: Entry, then: Entry) -> bool:
    """Return whether it is not what it was; a folder's time changes as it is emptied."""
    if now.kind is then.kind is Kind.DIRECTORY:
        return False
    return not is_as_seen(now, then)


async def make_root(filesystem: Filesystem, root: bytes) -> None:
    """Make the folder that a tree goes into, where only it itself is missing."""
    if await filesystem.exists(root) is None:
        await filesystem.mkdir(root)


def _with_changed(stale: Collection[bytes], steps: Sequence[Step]) -> set[bytes]:
    """Return places with those of the folders in which something was done, and the top."""
    changed = (step.place.rpartition(b"/")[0] for step in steps if step.act in RUNS)
    return {b"", *stale, *changed}
