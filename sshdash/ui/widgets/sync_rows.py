"""The steps of a synchronisation, one a line, with ticks."""

import time
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style

from sshdash.sftp.entries import Entry, Kind
from sshdash.sftp.failures import shown
from sshdash.sftp.sync_plan import RUNS, Act, Step
from sshdash.ui.format import clip, size_text
from sshdash.ui.sync_choice import SyncChoice
from sshdash.ui.widgets.file_row_text import TimeForm, shorten_middle, time_cell
from sshdash.ui.widgets.row_list import Piece, RowList

_SIGNS = {
    Act.NEW: "+",
    Act.CHANGED: "~",
    Act.DELETE: "−",
    Act.CONFLICT: "!",
    Act.LEAVE: "·",
}
_WORD = 9
_SIZE = 8
_LEAST = 24
"""Cells that a name has before the times give way."""


class SyncRows(RowList):
    """One line per step: tick, what is done, where to, the place, the size, both times."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "sync--new",
        "sync--changed",
        "sync--delete",
        "sync--conflict",
        "sync--leave",
        "sync--tick",
        "sync--off",
        "sync--detail",
        "sync--folder",
    }

    def __init__(self, choice: SyncChoice) -> None:
        super().__init__()
        self.choice = choice

    @property
    def current(self) -> Step | None:
        """The step under the cursor."""
        steps = self.choice.steps
        return steps[self.cursor] if self.cursor < len(steps) else None

    def item_count(self) -> int:
        """Return how many steps there are."""
        return len(self.choice.steps)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return a step on a line."""
        step = self.choice.steps[line]
        able = step.act in RUNS
        ticked = self.choice.is_ticked(line)
        muted = self.look("sync--off") if able and not ticked else Style.null()
        tick = ("[✓] " if ticked else "[ ] ") if able else "    "
        act = self.look(f"sync--{step.act.name.lower()}") + muted
        arrow = ("→" if step.to_right else "←") if able else " "
        head = f"{_SIGNS[step.act]} {step.act.value:<{_WORD}}{arrow} "
        form, room = _columns(width - len(tick) - cell_len(head), step)
        name = shorten_middle(shown(step.place) or ".", max(room - 1, 1))
        slash = "/" if step.is_folder else ""
        name = f"{name}{slash}"
        look = self.look("sync--folder") if step.is_folder else Style.null()
        return [
            (tick, self.look("sync--tick") if ticked else self.look("sync--off")),
            (head, act),
            (name + " " * max(room - cell_len(name), 0), look + muted),
            (_rest(step, form, width - len(tick) - cell_len(head) - room), self._detail(step)),
        ]

    def _detail(self, step: Step) -> Style:
        warns = step.act is Act.CONFLICT or (step.act is Act.CHANGED and step.why)
        return self.look("sync--conflict" if warns else "sync--detail")


def _columns(width: int, step: Step) -> tuple[TimeForm, int]:
    """Return the form of both times and the cells for the name."""
    for form in (TimeForm.FULL, TimeForm.MEDIUM, TimeForm.SHORT):
        room = width - (2 + _SIZE) - 2 * (2 + form.value) - 1
        if room >= _LEAST + (12 if form is TimeForm.FULL else 0):
            return form, room
    return TimeForm.NONE, max(width - (2 + _SIZE) - 1, 4)


def _rest(step: Step, form: TimeForm, width: int) -> str:
    """Return size and times, or why nothing can be done."""
    if step.act not in RUNS:
        return clip(f"  {step.why}", width)
    now = time.time()
    one = step.source if step.act is not Act.DELETE else step.target
    size = size_text(one.size) if one is not None and one.kind is Kind.FILE else ""
    mark = "!" if step.why else " "
    text = f" {mark}{size:>{_SIZE}}"
    if form is not TimeForm.NONE:
        for entry in (step.left, step.right):
            text += f"  {_time(entry, form, now):>{form.value}}"
    return text


def _time(entry: Entry | None, form: TimeForm, now: float) -> str:
    return "–" if entry is None else time_cell(entry, form, now)
