"""One copy job of the queue: its state, what it has done, and how that is told."""

import asyncio
import secrets
import time
from collections.abc import Callable
from functools import partial

from sshdash.events import EventBus, TransferChanged
from sshdash.sftp.entries import join, name_of
from sshdash.sftp.failures import shown
from sshdash.sftp.job import CopyRequest, Endpoint, TransferSnapshot, direction_of, host_of
from sshdash.sftp.ledger import Ledger
from sshdash.sftp.rate import RateMeter, seconds_left
from sshdash.sftp.runner import Runner
from sshdash.sftp.scp_runner import ScpRunner
from sshdash.sftp.throttle import Pace
from sshdash.states import Step, TransferState, advance
from sshdash.untrusted import clean


class Job:
    """One job: the only place where its state moves."""

    def __init__(self, number: str, request: CopyRequest, events: EventBus) -> None:
        self.id = number
        self.uid = secrets.token_hex(8)
        """What it is known by on the disk, whichever process has it."""
        self.position = 0.0
        """Its place among the others, the lowest first."""
        self.request = request
        self.state = TransferState.QUEUED
        self.reason = ""
        self.cut_off = False
        self.ledger = Ledger()
        self.questions = 0
        """Questions that the person has not answered yet."""
        self.meter: RateMeter | None = None
        self.started: float | None = None
        """When it began, later by as long as it only waited: to go on, for answers, for hosts."""
        self.ran = 0.0
        """Seconds that its runs before this one took."""
        self.ended: float | None = None
        self.task: asyncio.Task[None] | None = None
        self.finished = asyncio.Event()
        self.pace = Pace()
        """How fast it may go."""
        self.runner: Runner | ScpRunner | None = None
        """What copies now."""
        self.is_swept = False
        """Whether it is off the list, and only its temporary files are still to be removed."""
        self.noted: Callable[[Job], None] = lambda job: None
        """Told of each change but progress."""
        self._still: TransferSnapshot | None = None
        """How it stands while nothing happens: a long queue is looked at many times a second."""
        self._events = events

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.state.value} [{self.ledger.files_done} files done]>"

    def know(self, other: "Job") -> None:
        """Take over what another left torn, or half replaced, where this one goes to."""
        new, old = self.request, other.request
        if new.target != old.target:
            return
        if new.source == old.source:
            self.ledger.torn.inherit(other.ledger.torn, partial(_go_to_one_place, new, old))
        if new.target_dir == old.target_dir and other.task is None:  # else it is at work on it
            self.ledger.others |= other.ledger.unfinished()

    def inherit(self, other: "Job") -> None:
        """Take over the unfinished files of a paused job that are to be copied again."""
        new, old = self.request, other.request
        idle = other.state is TransferState.PAUSED and other.task is None
        if not idle or (new.source, new.target) != (old.source, old.target):
            return
        unfinished = other.ledger.partials
        targets = {join(new.target_dir, new.place_of(path)) for path in new.paths}
        for target in targets.intersection(unfinished):
            self.ledger.partials[target] = unfinished.pop(target)
        other.changed()

    def move(self, step: Step, reason: str = "") -> None:
        """Take one step and tell it."""
        old, self.state = self.state, advance(self.state, step)
        self.reason = reason
        self.changed()
        self._events.emit(TransferChanged(self.id, old, self.state, reason))

    def changed(self) -> None:
        """Note that it is not as it was."""
        self._still = None
        self.noted(self)

    def waited(self, since: float) -> None:
        """Leave out of the time it ran that it waited since then, though not while files came."""
        pause = time.monotonic() - max(since, self.ledger.last_done)
        if self.started is not None:
            self.started += pause
        if self.meter is not None:
            self.meter.leave_out(pause)

    def stop(self, keep: bool) -> None:
        """End what runs of it; with `keep`, files under way are kept to go on with."""
        if self.task is None:
            return
        if keep and self.runner is not None:
            self.runner.suspend()
        self.task.cancel()

    def end(self, step: Step, reason: str = "") -> None:
        """Take the last step, unless it was taken and this only came of the clean-up."""
        task = asyncio.current_task()
        if task is not None and task is self.task and task.cancelling():
            return
        self.ended = time.monotonic()
        self.move(step, reason)

    @property
    def hosts(self) -> tuple[Endpoint, ...]:
        """The hosts that it needs."""
        ends = map(host_of, (self.request.source, self.request.target))
        return tuple(host for host in dict.fromkeys(ends) if host)

    def with_leftovers(self, reason: str) -> str:
        """Return a reason, with what could not be cleaned up."""
        left = len(self.ledger.leftovers)
        if not left:
            return reason
        files = "1 unfinished file" if left == 1 else f"{left} unfinished files"
        return f"{reason}; {files} may remain there (.*.sshdash-*.part), a retry removes them"

    def snapshot(self, now: float) -> TransferSnapshot:
        """Return how it stands."""
        if self._still is not None:
            return self._still
        snapshot = self._snapshot(now)
        if self.task is None and not snapshot.is_running:
            self._still = snapshot
        return snapshot

    def _snapshot(self, now: float) -> TransferSnapshot:
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
            files_failed=ledger.files_failed,
            bytes_failed=ledger.bytes_failed,
            left_out=ledger.omissions(),
            left_out_total=len(ledger.left_out),
            asks=self.questions > 0,
            skipped=ledger.skipped,
            verified=ledger.verified,
            verified_by=tuple(ledger.verified_by),
            resumed=ledger.resumed,
            torn=bool(ledger.torn),
            folders_made=len(ledger.created),
            restarted=ledger.restarts(),
            direction=direction_of(request.source, request.target),
            reason=self.reason,
            cut_off=self.cut_off,
            started=self.started,
            ended=self.ended,
            limit=self.pace.own.rate,
            request=request,
        )


def _go_to_one_place(new: CopyRequest, old: CopyRequest, path: bytes) -> bool:
    """Return whether two jobs copy a source to the same place."""
    if (new.paths, new.target_dir, new.target_name, new.base) == (
        old.paths,
        old.target_dir,
        old.target_name,
        old.base,
    ):
        return True  # a link that was named is followed: its source has another path
    place = new.target_of(path)
    return place is not None and place == old.target_of(path)


def _title(request: CopyRequest) -> str:
    if len(request.paths) == 1:
        return clean(name_of(request.paths[0]) or b"/")
    return f"{len(request.paths)} items"
