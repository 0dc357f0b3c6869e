"""What a person chooses of a comparison: which steps are ticked, and what they come to."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import compress, islice

from sshdash.sftp.compare import is_common
from sshdash.sftp.sync_past import MOST_GONE, Loss, Past
from sshdash.sftp.sync_plan import COPIES, RUNS, Act, Step, Totals, Way, steps
from sshdash.sftp.sync_scan import Comparison
from sshdash.ui.format import count_text, number_text

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
    forget: bool = False
    """Both ways, whether nothing is known of a last time: what was deleted comes back."""

    @property
    def deletes(self) -> bool:
        """Whether anything is deleted."""
        return not self.forget if self.way is Way.BOTH else self.delete


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
    comparison: Comparison | None = None
    """What the steps come from."""


class SyncChoice:
    """The steps in the order of the tree; those that can run are ticked at first."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.totals = Totals()
        """What is ticked, and all that cannot be."""
        self.same = 0
        self.problems = 0
        self.loss: Loss | None = None
        """What is gone from one end, where that is so much that it is not ticked to be deleted."""
        self.is_first = False
        """Whether nothing is known of a last time, where that matters."""
        self._both = False
        self._ticked = bytearray()
        self._able = bytearray()
        """Which steps can be ticked."""
        self._makes_folder = bytearray()
        """Which steps make a folder, of those that can be ticked; likewise, which delete."""
        self._deletes = bytearray()
        self._sizes: list[int] = []
        self._most, self._least = Totals(), Totals()
        """The totals with all of them ticked, and with none: to tick 10^5 at once, too."""
        self._folders: dict[bytes, int] = {}
        self._decided: dict[int, Step] = {}
        """What it was before somebody decided it."""

    async def load(self, comparison: Comparison, options: SyncOptions) -> None:
        """Work the steps out anew."""
        fresh = SyncChoice()
        fresh.same, fresh.problems = comparison.same, len(comparison.problems)
        for problem in comparison.problems:
            where = "on the right" if problem.right else "on the left"
            why = f"{where}: {problem.reason}"
            fresh._add(Step(Act.LEAVE, problem.place, None, None, True, why))
        planned = iter(await asyncio.to_thread(fresh._plan, comparison, options))
        while batch := list(islice(planned, _BATCH)):
            for step in batch:
                fresh._add(step)
            await asyncio.sleep(0)  # a turn for everybody else
        vars(self).update(vars(fresh))

    def clear(self) -> None:
        """Have no steps, while others are worked out."""
        vars(self).update(vars(SyncChoice()))

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
        self._set_all(index, self._end_of(index) if step.is_folder else index + 1, tick)
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
        wanted = self._decision(index, to_right)
        if wanted is None:
            return False
        again = wanted == self.steps[index]
        for other in range(index, self._end_of(index) if wanted.is_folder else index + 1):
            self._decide(other, to_right, again)
        if wanted.act is Act.NEW and not again:
            for folder in self._above(wanted):
                self._decide(folder, to_right, again)
        return True

    # -- inside

    def _plan(self, comparison: Comparison, options: SyncOptions) -> list[Step]:
        """Return the steps, and note what is gone; it takes long and belongs in a thread."""
        past: Past | None = None
        self._both = options.way is Way.BOTH
        if self._both and not options.forget and comparison.present is not None:
            past = comparison.present.past
            self.is_first = not past.records
            for loss in past.losses(comparison.pairs, comparison.same):
                self.loss = loss if loss.percent > MOST_GONE else self.loss
        way, keeping = options.way, comparison.keeping
        delete = options.deletes and not self._both
        return list(steps(comparison.pairs, way, delete, options.window, keeping, past))

    def _decision(self, index: int, to_right: bool) -> Step | None:
        """Return what a step becomes where one side wins, None where nothing is to be decided."""
        step = self._decided.get(index, self.steps[index])
        undecided = step.act is Act.CONFLICT or (self._both and step.act is Act.DELETE)
        winner, loser = (step.left, step.right) if to_right else (step.right, step.left)
        if not undecided or (winner is not None and not is_common(winner)):
            return None
        if winner is not None and loser is not None and winner.kind is not loser.kind:
            return None
        act = Act.DELETE if winner is None else Act.CHANGED
        act = Act.NEW if loser is None else act
        return Step(act, step.place, step.left, step.right, to_right, "you decided")

    def _decide(self, index: int, to_right: bool, back: bool) -> None:
        """Let one side win, or have what was before `back`."""
        wanted = self._decision(index, to_right)
        if back:
            wanted = self._decided.pop(index, None)
        elif wanted is not None:
            self._decided.setdefault(index, self.steps[index])
        if wanted is not None:
            self._forget(index)
            self._put(index, wanted)

    def _add(self, step: Step) -> None:
        index = len(self.steps)
        self.steps.append(step)
        able = step.act in RUNS
        ticked = able and not (self.loss is not None and step.act is Act.DELETE)
        self._ticked.append(ticked)
        self._able.append(able)
        self._makes_folder.append(step.is_folder and step.act in COPIES)
        self._deletes.append(step.act is Act.DELETE)
        self._sizes.append(step.size if step.act in COPIES else 0)
        totals = (self.totals, self._most, *(() if able else (self._least,)))
        for one in totals if ticked or not able else (self._most,):
            one.add(step)
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
        self._makes_folder[index] = step.is_folder and step.act in COPIES
        self._deletes[index] = step.act is Act.DELETE
        self._sizes[index] = step.size if step.act in COPIES else 0
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

    def _set_all(self, start: int, end: int, tick: bool) -> None:
        """Tick the steps from `start` until `end`, or none of them: 10^5 at once, too.

        As numbers of a byte for each step, they are told apart in no time.
        """
        able, ticked = self._able[start:end], self._ticked[start:end]
        changed = int.from_bytes(able) ^ int.from_bytes(ticked) if tick else int.from_bytes(ticked)
        self._ticked[start:end] = able if tick else bytes(end - start)
        sign = 1 if tick else -1
        folders = (changed & int.from_bytes(self._makes_folder[start:end])).bit_count()
        deletes = (changed & int.from_bytes(self._deletes[start:end])).bit_count()
        totals = self.totals
        totals.folders += sign * folders
        totals.deletes += sign * deletes
        totals.copies += sign * (changed.bit_count() - folders - deletes)
        flags = changed.to_bytes(end - start)
        totals.size += sign * sum(compress(self._sizes[start:end], flags))

    def _end_of(self, index: int) -> int:
        """Return where what is in a folder ends: it follows it."""
        inside = self.steps[index].place + b"/"
        return bisect_left(
            self.steps, True, index + 1, key=lambda step: not step.place.startswith(inside)
        )

    def _above(self, step: Step) -> Iterator[int]:
        place = step.place
        while place := place.rpartition(b"/")[0]:
            if (index := self._folders.get(place)) is not None:
                yield index


def totals_text(totals: Totals, size: str) -> str:
    """Return what is ticked in words, `size` being the bytes as they are shown."""
    parts = []
    if totals.copies or totals.folders:
        folders = f", {count_text(totals.folders, 'new folder')}" if totals.folders else ""
        parts.append(f"copies {count_text(totals.copies, 'file')}, {size}{folders}")
    if totals.deletes:
        parts.append(f"deletes {number_text(totals.deletes)}")
    if totals.conflicts:
        parts.append(count_text(totals.conflicts, "conflict"))
    if totals.left_out:
        parts.append(f"{number_text(totals.left_out)} left out")
    return "; ".join(parts) or "nothing is ticked"


def loss_text(loss: Loss | None) -> str:
    """Return a warning about what is gone from one end, empty where it is not too much."""
    if loss is None:
        return ""
    end = "right" if loss.right else "left"
    return (
        f"{number_text(loss.places)} of {number_text(loss.known)} are gone from the {end}: "
        "no deletion is ticked, a ticks all\n"
    )
