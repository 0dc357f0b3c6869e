"""The copy jobs below the panes: a summary line, and one line or more for each job."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from sshdash.states import TransferState
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of, footer_of
from sshdash.ui.format import clip
from sshdash.ui.messages import OffersChanged
from sshdash.ui.theme import MARKS
from sshdash.ui.widgets.file_messages import ChangeTransfer, TransferStep
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.ui.widgets.transfer_lines import (
    SOME,
    JobLine,
    counts_text,
    graph_text,
    in_order,
    is_short,
    job_lines,
    tail_text,
    totals_text,
)

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot, TransferTotals

_INTERVAL = 0.1
"""Seconds between two looks at the jobs, while the list is in sight."""
_IDLE = (TransferState.QUEUED, TransferState.WAITING, TransferState.PAUSED)
_STOPPED = (TransferState.PAUSED, TransferState.FAILED, TransferState.CANCELLED)
_KEPT = 200
"""Jobs whose lines are kept: more than are in sight at once."""
_ALL = 100
"""Complaints that are shown of a job where the list has the room to itself."""


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

    def __init__(self, details: int = SOME) -> None:
        super().__init__()
        self.offers: frozenset[str] | None = None
        """The commands that make sense for the job at the cursor."""
        self.jobs: list[TransferSnapshot] = []
        self._details = details
        self._shown: list[TransferSnapshot] = []
        """The jobs as they were given."""
        self._firsts: list[int] = []
        """The first line of each job, and behind them how many lines there are."""
        self._tail_width = 0
        self._heights: dict[str, tuple[TransferSnapshot, bool, int]] = {}
        """By job, its number of lines and what of: most jobs stay as they are."""
        self._made: dict[str, tuple[TransferSnapshot, object, list[JobLine]]] = {}
        """The lines of jobs in sight, and what they were made from."""
        self._tails: dict[str, tuple[TransferSnapshot, int]] = {}

    def show(self, jobs: list[TransferSnapshot]) -> None:
        """Show other snapshots; the cursor stays on its job while the person is here."""
        if jobs == self._shown and self._firsts:
            return
        self._shown, jobs = jobs, in_order(jobs)
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
        """Find where each job is: their lines are made only where they are in sight."""
        self._tail_width = max((self._tail(job) for job in self.jobs), default=0)
        if max(len(self._tails), len(self._heights)) > 2 * len(self.jobs):
            ids = {job.id for job in self.jobs}
            self._tails = {name: made for name, made in self._tails.items() if name in ids}
            self._heights = {name: made for name, made in self._heights.items() if name in ids}
        if len(self._made) > _KEPT:
            self._made.clear()
        heights = (self._height(item, job) for item, job in enumerate(self.jobs))
        self._firsts = list(accumulate(heights, initial=0))
        self.reset_lines()

    def _is_selected(self, item: int) -> bool:
        return item == self.cursor and self.has_focus

    def _height(self, item: int, job: TransferSnapshot) -> int:
        selected = self._is_selected(item)
        made = self._heights.get(job.id)
        if made is None or made[0] is not job or made[1] is not selected:
            lines = 1 if is_short(job) else len(job_lines(job, selected, 80, 0, self._details))
            made = self._heights[job.id] = (job, selected, lines)
        return made[2]

    def _lines_of(self, item: int) -> list[JobLine]:
        job = self.jobs[item]
        width = self.scrollable_content_region.width
        how = (self._is_selected(item), width, self._tail_width)
        made = self._made.get(job.id)
        if made is None or made[0] is not job or made[1] != how:
            made = self._made[job.id] = (job, how, job_lines(job, *how, self._details))
        return made[2]

    def _tail(self, job: TransferSnapshot) -> int:
        made = self._tails.get(job.id)
        if made is None or made[0] is not job:
            made = self._tails[job.id] = (job, len(tail_text(job)))
        return made[1]

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
        return self._firsts[-1] if self._firsts else 0

    def line_of(self, item: int) -> int:
        """Return the first line of a job."""
        return self._firsts[item] if item < len(self._firsts) else 0

    def item_at(self, line: int) -> int:
        """Return the job of a line."""
        return max(bisect_right(self._firsts, line, hi=len(self.jobs)) - 1, 0)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the mark of a job and its text."""
        item = self.item_at(line)
        lines, place = self._lines_of(item), line - self._firsts[item]
        if place >= len(lines):  # it is arranged anew before it is drawn again
            return []
        shown = lines[place]
        if shown.role != "job":
            return [(clip(shown.text, width), self.look(f"job--{shown.role}"))]
        mark = MARKS[self.jobs[item].state]
        return [(f" {mark.shape} ", self._colour(mark.colour)), (shown.text, Style.null())]

    def _colour(self, name: str) -> Style:
        return self.look(f"job--{name}")


class NoJobs(Static, can_focus=True):
    """Has the focus where there are no jobs: keys and footer are not those of another place."""

    offers = frozenset({"transfers.limit_all", "transfers.close"})
    """The commands that make sense without a job."""

    def __init__(self) -> None:
        words = Content("No copies: in the files, c copies what is marked")
        super().__init__(words, classes="transfers-empty", markup=False)


class TransferList(Vertical):
    """Lines that sum up, and the jobs below them.

    Below the panes it is folded where nothing is new, and gone while there are no jobs. With
    `totals` it has a tab to itself: everything in sum and a graph of the rates, always there.
    """

    place: ClassVar[Place] = Place.TRANSFERS
    BINDINGS = bindings_of(Place.TRANSFERS)

    class Left(Message):
        """The person goes back to the files."""

    def __init__(
        self,
        source: Callable[[], list[TransferSnapshot]],
        totals: Callable[[], TransferTotals] | None = None,
    ) -> None:
        super().__init__(classes="-whole" if totals else "")
        self._source = source
        self._totals = totals
        self._jobs = Jobs(_ALL if totals else SOME)
        self._head = Static(classes="transfers-head", markup=False)
        self._empty = NoJobs()
        self._seen: set[str] = set()
        self._since = time.monotonic()
        """What had ended by then is no news."""

    def compose(self) -> ComposeResult:
        """Lay out the summary and the jobs."""
        yield self._head
        yield self._jobs
        if self._totals:
            yield self._empty

    def on_mount(self) -> None:
        """Begin to look."""
        self.display = self._totals is not None
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
        self._offer()
        if self._totals:
            self._show_totals(jobs, self._totals())
            return
        self.display = bool(jobs)
        recent = {job.id for job in jobs if job.ended is None or job.ended > self._since}
        if recent - self._seen:
            self.add_class("-open")
        self._seen = recent
        arrow = "▾" if self.has_class("-open") else "▸"
        self._head.update(Content(f"{arrow} transfers  {counts_text(jobs)}"))
        if not jobs and self.has_focus_within:
            self.post_message(self.Left())

    def _show_totals(self, jobs: list[TransferSnapshot], totals: TransferTotals) -> None:
        focused = self.has_focus_within
        self._empty.display = not jobs
        self._jobs.display = bool(jobs)
        if focused:
            self._list.focus()
        width = max(self._head.content_region.width, 20)
        lines = [Content.styled(counts_text(jobs), "$muted")]
        for drawn, words in (totals_text(totals, width), graph_text(totals, width)):
            lines.append(Content.assemble(Content.styled(drawn, "$accent"), words))
        self._head.update(Content("\n").join(lines) if jobs else Content(""))

    @property
    def _list(self) -> Widget:
        """What has the focus: the jobs, or that there are none."""
        return self._jobs if self.jobs or not self._totals else self._empty

    def open(self) -> None:
        """Unfold the list and give it the focus; nothing while it is not there."""
        if self.display:
            self.add_class("-open")
            self._list.focus()

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        name = command_id.partition(".")[2]
        if name in ("close", "limit_all"):
            return ""
        job = self._jobs.current
        if job is None:
            return "There are no transfers"
        reasons = {
            "cancel": "It has ended already" if job.is_finished else "",
            "pause": "It has ended already: r copies what is missing" if job.is_finished else "",
            "limit": "It has ended already" if job.is_finished else "",
            "retry": "" if job.state in _STOPPED else "Only what has stopped can be copied again",
            "compare": "" if job.request.base is not None else "Only a sync can be compared again",
            "earlier": "" if job.state in _IDLE else "Only what does not run yet has a place",
            "later": "" if job.state in _IDLE else "Only what does not run yet has a place",
            "clear": "" if any(one.is_finished for one in self.jobs) else "None has ended yet",
        }
        return reasons.get(name, "")

    def action_transfers_pause(self) -> None:
        """Pause the job at the cursor, or let it go on."""
        self._change(TransferStep.PAUSE)

    def action_transfers_pause_all(self) -> None:
        """Pause all jobs, or let them go on where none does."""
        self.post_message(ChangeTransfer(TransferStep.PAUSE_ALL))

    def action_transfers_earlier(self) -> None:
        """Put the job at the cursor before the one above."""
        self._change(TransferStep.EARLIER)

    def action_transfers_later(self) -> None:
        """Put the job at the cursor after the one below."""
        self._change(TransferStep.LATER)

    def action_transfers_limit(self) -> None:
        """Ask how fast the job at the cursor may go."""
        self._change(TransferStep.LIMIT)

    def action_transfers_limit_all(self) -> None:
        """Ask how fast all jobs together may go."""
        self.post_message(ChangeTransfer(TransferStep.LIMIT_ALL))

    def action_transfers_cancel(self) -> None:
        """Cancel the job at the cursor."""
        self._change(TransferStep.CANCEL)

    def action_transfers_retry(self) -> None:
        """Retry the job at the cursor."""
        self._change(TransferStep.RETRY)

    def action_transfers_compare(self) -> None:
        """Compare the folders of the synchronisation at the cursor again."""
        self._change(TransferStep.COMPARE)

    def action_transfers_command(self) -> None:
        """Copy the scp command that does the same copy."""
        self._change(TransferStep.COPY_COMMAND)

    def action_transfers_clear(self) -> None:
        """Take the finished jobs off the list."""
        self.post_message(ChangeTransfer(TransferStep.CLEAR))

    def action_transfers_close(self) -> None:
        """Go back to the files and fold the list."""
        if not self._totals:
            self.remove_class("-open")
        self.post_message(self.Left())

    def _change(self, step: TransferStep) -> None:
        if job := self._jobs.current:
            self.post_message(ChangeTransfer(step, job.id))

    def _offer(self) -> None:
        """Have those keys shown that do something for the job at the cursor."""
        commands = (one.id for one in footer_of(Place.TRANSFERS))
        offers = frozenset(one for one in commands if not self.why_not(one))
        if offers != self._jobs.offers:
            self._jobs.offers = offers
            self.post_message(OffersChanged())

    @on(RowList.Moved)
    @on(RowList.Chosen)
    def _keep(self, event: Message) -> None:
        event.stop()
        self._offer()

    def on_click(self) -> None:
        """Fold or unfold with a click on the summary."""
        if self._head.mouse_hover and not self._totals:
            self.toggle_class("-open")
            self.look()
