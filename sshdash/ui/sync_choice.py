"""What a person chooses of a comparison: which steps are ticked, and what they come to."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from sshdash.sftp.sync_plan import RUNS, Act, Step, Totals, Way, steps
from sshdash.sftp.sync_scan import Comparison

_BATCH = 500
"""Steps that are worked out without a pause."""
FAT_WINDOW = 2
"""Seconds to which FAT keeps times."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How two trees are compared, and what is to become of them."""

    way: Way = Way.RIGHT
    delete: bool = False
    """Whether the end that changes loses what is only there; one way only."""
    checksum: bool = False
    window: int = 0
    """Seconds by which times may differ."""
    lines: tuple[str, ...] = ()
    """Patterns of what is left out, as in .gitignore."""

    @property
    def deletes(self) -> bool:
        """Whether anything is deleted."""
        return self.delete and self.way is not Way.BOTH


@dataclass(frozen=True, slots=True)
class SyncOrder:
    """What a person asked for."""

    options: SyncOptions
    steps: tuple[Step, ...]
    """Those that are ticked."""
    totals: Totals
    may_delete: bool
    """Whether everything could be compared; else nothing may be deleted."""
    keep: bool = False
    """Whether it is to be kept up to date from then on."""


class SyncChoice:
    """The steps in the order of the tree; those that can run are ticked at first."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.totals = Totals()
        """What is ticked, and all that cannot be."""
        self.same = 0
        self.problems = 0
        self._ticked = bytearray()
        self._able = bytearray()
        """Which steps can be ticked."""
        self._most, self._least = Totals(), Totals()
        """The totals with all of them ticked, and with none: to tick 10^5 at once, too."""
        self._folders: dict[bytes, int] = {}
        self._decided: dict[int, Step] = {}
        """What was a conflict before somebody decided it."""

    async def load(self, comparison: Comparison, options: SyncOptions) -> None:
        """Work the steps out anew."""
        fresh = SyncChoice()
        fresh.same, fresh.problems = comparison.same, len(comparison.problems)
        for problem in comparison.problems:
            where = "on the right" if problem.right else "on the left"
            why = f"{where}: {problem.reason}"
            fresh._add(Step(Act.LEAVE, problem.place, None, None, True, why))
        source = steps(
            comparison.pairs, options.way, options.deletes, options.window, comparison.keeping
        )
        while batch := list(islice(source, _BATCH)):
            for step in batch:
                fresh._add(step)
            await asyncio.sleep(0)  # a turn for everybody else
        vars(self).update(vars(fresh))

    def is_ticked(self, index: int) -> bool:
        """Return whether a step is to be done."""
        return bool(self._ticked[index])

    @property
    def ticked(self) -> tuple[Step, ...]:
        """The steps that are to be done."""
        return tuple(step for step, tick in zip(self.steps, self._ticked, strict=True) if tick)

    def toggle(self, index: int) -> None:
        """Tick a step or not; a folder with all that is in it.

        What is copied needs the new folders above it; a folder that is deleted must lose all.
        """
        step = self.steps[index]
        if step.act not in RUNS:
            return
        tick = not self._ticked[index]
        self._set(index, tick)
        if step.is_folder:
            for other in self._below(index):
                self._set(other, tick)
        if tick is (step.act is not Act.DELETE):
            for other in self._above(step):
                if (self.steps[other].act is Act.DELETE) is (step.act is Act.DELETE):
                    self._set(other, tick)

    def tick_all(self) -> None:
        """Tick everything, or nothing where everything is ticked."""
        tick = self._ticked != self._able
        self._ticked = bytearray(self._able if tick else len(self._able))
        self.totals = replace(self._most if tick else self._least)

    def decide(self, index: int, to_right: bool) -> bool:
        """Let one side win a conflict, or no side again; return whether that can be."""
        now = self.steps[index]
        conflict = self._decided.get(index, now)
        left, right = conflict.left, conflict.right
        if conflict.act is not Act.CONFLICT or left is None or right is None:
            return False
        if left.kind is not right.kind:
            return False
        self._forget(index)
        if now.act is Act.CHANGED and now.to_right is to_right:
            del self._decided[index]
            self._put(index, conflict)
        else:
            self._decided[index] = conflict
            self._put(index, Step(Act.CHANGED, now.place, left, right, to_right, "you decided"))
        return True

    # -- inside

    def _add(self, step: Step) -> None:
        index = len(self.steps)
        self.steps.append(step)
        able = step.act in RUNS
        self._ticked.append(able)
        self._able.append(able)
        for totals in (self.totals, self._most, *(() if able else (self._least,))):
            totals.add(step)
        if step.is_folder:
            self._folders[step.place] = index

    def _forget(self, index: int) -> None:
        """Take a step out of the totals."""
        step = self.steps[index]
        self._most.add(step, -1)
        if step.act in RUNS:
            self._set(index, False)
        else:
            self.totals.add(step, -1)
            self._least.add(step, -1)

    def _put(self, index: int, step: Step) -> None:
        """Put another step in place of one that was forgotten; it is ticked where it can be."""
        self.steps[index] = step
        self._able[index] = step.act in RUNS
        self._most.add(step)
        if step.act in RUNS:
            self._set(index, True)
        else:
            self.totals.add(step)
            self._least.add(step)

    def _set(self, index: int, tick: bool) -> None:
        step = self.steps[index]
        if step.act in RUNS and bool(self._ticked[index]) is not tick:
            self._ticked[index] = tick
            self.totals.add(step, 1 if tick else -1)

    def _below(self, index: int) -> Iterator[int]:
        inside = self.steps[index].place + b"/"
        for other in range(index + 1, len(self.steps)):
            if not self.steps[other].place.startswith(inside):
                return
            yield other

    def _above(self, step: Step) -> Iterator[int]:
        place = step.place
        while place := place.rpartition(b"/")[0]:
            if (index := self._folders.get(place)) is not None:
                yield index


def totals_text(totals: Totals, size: str) -> str:
    """Return what is ticked in words, `size` being the bytes as they are shown."""
    parts = []
    if totals.copies or totals.folders:
        copied = f"{totals.copies:,} {'file' if totals.copies == 1 else 'files'}, {size}"
        folders = f", {totals.folders:,} new folders" if totals.folders > 1 else ""
        parts.append(f"copies {copied}{folders if folders else _one(totals.folders)}")
    if totals.deletes:
        parts.append(f"deletes {totals.deletes:,}")
    if totals.conflicts:
        parts.append(f"{totals.conflicts:,} {'conflict' if totals.conflicts == 1 else 'conflicts'}")
    if totals.left_out:
        parts.append(f"{totals.left_out:,} left out")
    return "; ".join(parts) or "nothing is ticked"


def _one(folders: int) -> str:
    return ", 1 new folder" if folders else ""
