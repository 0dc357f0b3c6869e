"""The copy jobs below the panes: a summary line, and one line or more for each job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from sshdash.states import TransferState
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.format import (
    bar_text,
    clip,
    count_text,
    duration_text,
    eta_text,
    percent_text,
    rate_text,
    size_text,
)
from sshdash.ui.theme import MARKS
from sshdash.ui.widgets.file_messages import ChangeTransfer, TransferStep
from sshdash.ui.widgets.file_row_text import shorten_start
from sshdash.ui.widgets.row_list import Piece, RowList

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot

_INTERVAL = 0.1
"""Seconds between two looks at the jobs, while the list is in sight."""
_ERRORS_SHOWN = 3
_BAR = 12
_NAME = 20
"""Cells that the name of a job keeps before the tails are aligned."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One line of the list: of which job, and what it shows."""

    item: int
    text: str
    role: str


def tail_text(job: TransferSnapshot) -> str:
    """Return the right part of a job's line: bar, percent and figures."""
    done, total = _progress(job)
    progress = f"{bar_text(done, total, _BAR)} {percent_text(done, total):>5}"
    return "  ".join(part for part in (progress, *_figures(job)) if part)


def job_lines(
    item: int, job: TransferSnapshot, selected: bool, width: int, tail_width: int = 0
) -> list[JobLine]:
    """Return a job's lines: itself; files under way; for the selected one, why files failed.

    `tail_width` is the width of the longest tail, so that the bars stand below each other.
    """
    lines = [JobLine(item, _summary(job, width, tail_width), "job")]
    if job.is_running and job.files_total != 1:
        for file in job.current:
            bar = f"{bar_text(file.done, file.total, 8)} {percent_text(file.done, file.total):>5}"
            name = clip(file.name, max(width - 40, 10))
            sizes = f"{size_text(file.done)} of {size_text(file.total)}"
            lines.append(JobLine(item, f"     {bar}  {name}  {sizes}", "file"))
    if job.reason not in ("", job.state.value):
        first = f" · {job.errors[0].path}: {job.errors[0].reason}" if job.errors else ""
        role = "warning" if job.state is TransferState.WAITING else "error"
        lines.append(JobLine(item, f"     {job.reason}{'' if selected else first}", role))
    if selected:
        shown = job.errors[:_ERRORS_SHOWN]
        lines += [JobLine(item, f"     ✖ {bad.path}: {bad.reason}", "error") for bad in shown]
        if (more := max(job.errors_total, len(job.errors)) - len(shown)) > 0:
            lines.append(JobLine(item, f"     … and {count_text(more, 'more failure')}", "error"))
    for one in job.restarted[: _ERRORS_SHOWN if selected else 1]:
        lines.append(JobLine(item, f"     started over {one.path}: {one.reason}", "warning"))
    return lines + _left_out_lines(item, job, selected)


def in_order(jobs: list[TransferSnapshot]) -> list[TransferSnapshot]:
    """Return jobs in the order of their use: running, waiting, then the last that ended first."""
    running = [job for job in jobs if job.is_running]
    queued = [job for job in jobs if not job.is_running and not job.is_finished]
    ended = [job for job in jobs if job.is_finished]
    return [*running, *queued, *sorted(ended, key=lambda job: -(job.ended or 0.0))]


def _left_out_lines(item: int, job: TransferSnapshot, selected: bool) -> list[JobLine]:
    """Return what was not copied on purpose: the first, or some of it for the selected job."""
    shown = job.left_out[: _ERRORS_SHOWN if selected else 1]
    lines = [f"left out {one.path}: {one.reason}" for one in shown]
    more = max(job.left_out_total, len(job.left_out)) - len(shown)
    if more > 0 and selected:
        lines.append(f"… and {more} more left out")
    elif more > 0:
        lines[0] += f" · and {more} more"
    return [JobLine(item, f"     {line}", "warning") for line in lines]


def _summary(job: TransferSnapshot, width: int, tail_width: int) -> str:
    """Return the text of a job's own line, right of its mark."""
    ends = f"{job.source} → {job.target}:"
    tail = tail_text(job)
    if width - tail_width >= _NAME + 6:
        tail = tail.ljust(tail_width)
    room = width - len(tail) - 6  # the mark, the gap, and one cell at the edge
    name = clip(job.title, max(min(len(job.title), room), 8))
    if room - len(name) >= 12:
        left = room - len(name) - 2
        folder = shorten_start(job.target_dir, max(left - len(ends), 0))
        name += f"  {clip(ends + folder, left)}"
    return f"{name:<{max(room, 8)}}  {tail}"


def _progress(job: TransferSnapshot) -> tuple[int, int]:
    """Return how much is done of how much: bytes, or files where none of them holds any."""
    if job.state is TransferState.DONE:
        return 1, 1
    if job.bytes_total:
        return job.bytes_done, job.bytes_total
    return job.files_done, job.files_total


def _figures(job: TransferSnapshot) -> list[str]:
    failed = max(job.errors_total, len(job.errors))
    words = [f"{job.files_done}/{job.files_total} files"] if job.files_total > 1 else []
    if failed:
        words.append(f"{failed} failed")
    if left_out := max(job.left_out_total, len(job.left_out)):
        words.append(f"{left_out} left out")
    if job.skipped:
        words.append(f"{job.skipped} skipped")
    if job.state is TransferState.COPYING:
        return [*words, f"{rate_text(job.rate):>9}", f"{eta_text(job.eta):>5}"]
    if job.state is TransferState.DONE:
        words.append(size_text(job.bytes_done))
        if job.started is not None and job.ended is not None:
            words.append(duration_text(job.ended - job.started))
        return words
    return [*words, job.state.value]


class Jobs(RowList):
    """The jobs, each on one line or more."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "job--job",
        "job--file",
        "job--error",
        "job--faint",
        "job--success",
        "job--warning",
    }

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[TransferSnapshot] = []
        self._lines: list[JobLine] = []

    def show(self, jobs: list[TransferSnapshot]) -> None:
        """Show other snapshots; the cursor stays on its job while the person is here."""
        jobs = in_order(jobs)
        if jobs == self.jobs and self._lines:
            return
        current, before = self.current, [job.id for job in self.jobs]
        self.jobs = jobs
        ids = [job.id for job in jobs]
        if self.has_focus and current and current.id in ids:
            self.cursor = ids.index(current.id)
        elif ids != before:
            self.cursor = 0
            self.scroll_to(y=0, animate=False)
        self._arrange()

    @property
    def current(self) -> TransferSnapshot | None:
        """The job at the cursor."""
        return self.jobs[self.cursor] if self.cursor < len(self.jobs) else None

    def _arrange(self) -> None:
        width = self.scrollable_content_region.width
        tail = max((len(tail_text(job)) for job in self.jobs), default=0)
        self._lines = [
            line
            for item, job in enumerate(self.jobs)
            for line in job_lines(item, job, item == self.cursor and self.has_focus, width, tail)
        ]
        self.reset_lines()

    def on_resize(self) -> None:
        """Fit the lines."""
        self._arrange()

    def watch_cursor(self, old: int, new: int) -> None:
        """Show the details of the job at the cursor."""
        self._arrange()
        super().watch_cursor(old, new)

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show the details of the job at the cursor while there is one."""
        super().watch_has_focus(has_focus)
        self._arrange()

    def item_count(self) -> int:
        """Return how many jobs there are."""
        return len(self.jobs)

    def line_count(self) -> int:
        """Return how many lines they take."""
        return len(self._lines)

    def line_of(self, item: int) -> int:
        """Return the first line of a job."""
        found = (number for number, line in enumerate(self._lines) if line.item == item)
        return next(found, 0)

    def item_at(self, line: int) -> int:
        """Return the job of a line."""
        return self._lines[line].item

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the mark of a job and its text."""
        shown = self._lines[line]
        if shown.role != "job":
            return [(clip(shown.text, width), self.look(f"job--{shown.role}"))]
        mark = MARKS[self.jobs[shown.item].state]
        return [(f" {mark.shape} ", self._colour(mark.colour)), (shown.text, Style.null())]

    def _colour(self, name: str) -> Style:
        return self.look(f"job--{name}")


class TransferList(Vertical):
    """A line that sums up, and the jobs below it while it is open. Gone while there are none."""

    place: ClassVar[Place] = Place.TRANSFERS
    BINDINGS = bindings_of(Place.TRANSFERS)

    class Left(Message):
        """The person goes back to the files."""

    def __init__(self, source: Callable[[], list[TransferSnapshot]]) -> None:
        super().__init__()
        self._source = source
        self._jobs = Jobs()
        self._head = Static(classes="transfers-head", markup=False)
        self._seen: set[str] = set()

    def compose(self) -> ComposeResult:
        """Lay out the summary and the jobs."""
        yield self._head
        yield self._jobs

    def on_mount(self) -> None:
        """Begin to look."""
        self.display = False
        self.set_interval(_INTERVAL, self.look)

    @property
    def jobs(self) -> list[TransferSnapshot]:
        """The jobs that are shown."""
        return self._jobs.jobs

    def look(self) -> None:
        """Show the jobs as they are now, unless nobody could see them."""
        if self.parent is None or not getattr(self.parent, "is_on_screen", True):
            return
        jobs = self._source()
        self._jobs.show(jobs)
        self.display = bool(jobs)
        if {job.id for job in jobs} - self._seen:
            self._seen = {job.id for job in jobs}
            self.add_class("-open")
        self._head.update(Content(self._summary(jobs)))
        if not jobs and self.has_focus_within:
            self.post_message(self.Left())

    def _summary(self, jobs: list[TransferSnapshot]) -> str:
        arrow = "▾" if self.has_class("-open") else "▸"
        counts = {
            "running": sum(job.is_running for job in jobs),
            "waiting": sum(job.state is TransferState.WAITING for job in jobs),
            "queued": sum(job.state is TransferState.QUEUED for job in jobs),
            "failed": sum(job.state is TransferState.FAILED for job in jobs),
            "done": sum(job.state is TransferState.DONE for job in jobs),
            "cancelled": sum(job.state is TransferState.CANCELLED for job in jobs),
        }
        words = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        return f"{arrow} transfers  {words}"

    def open(self) -> None:
        """Unfold the list and give it the focus; nothing while there are no jobs."""
        if self.display:
            self.add_class("-open")
            self._jobs.focus()

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        job = self._jobs.current
        name = command_id.partition(".")[2]
        if name == "close":
            return ""
        if job is None:
            return "There are no transfers"
        if name == "cancel" and job.is_finished:
            return "It has ended already"
        if name == "retry" and job.state not in (TransferState.FAILED, TransferState.CANCELLED):
            return "Only what failed or was cancelled can be copied again"
        if name == "clear" and not any(job.is_finished for job in self.jobs):
            return "No transfer has ended yet"
        return ""

    def action_transfers_cancel(self) -> None:
        """Cancel the job at the cursor."""
        self._change(TransferStep.CANCEL)

    def action_transfers_retry(self) -> None:
        """Retry the job at the cursor."""
        self._change(TransferStep.RETRY)

    def action_transfers_command(self) -> None:
        """Copy the scp command that does the same copy."""
        self._change(TransferStep.COPY_COMMAND)

    def action_transfers_clear(self) -> None:
        """Take the finished jobs off the list."""
        self.post_message(ChangeTransfer(TransferStep.CLEAR))

    def action_transfers_close(self) -> None:
        """Go back to the files and fold the list."""
        self.remove_class("-open")
        self.post_message(self.Left())

    def _change(self, step: TransferStep) -> None:
        if job := self._jobs.current:
            self.post_message(ChangeTransfer(step, job.id))

    @on(RowList.Moved)
    @on(RowList.Chosen)
    def _keep(self, event: Message) -> None:
        event.stop()

    def on_click(self) -> None:
        """Fold or unfold with a click on the summary."""
        if self._head.mouse_hover:
            self.toggle_class("-open")
            self.look()
