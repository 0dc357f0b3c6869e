"""What the list of copies shows of each: pure text, as wide as there is room."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from sshdash.sftp.job import FINISHED, RUNNING
from sshdash.states import TransferState
from sshdash.ui.format import (
    bar_text,
    clip,
    count_text,
    duration_text,
    end_text,
    eta_text,
    number_text,
    percent_text,
    rate_text,
    size_text,
)
from sshdash.ui.widgets.file_row_text import shorten, shorten_start
from sshdash.ui.widgets.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sshdash.sftp.job import TransferSnapshot, TransferTotals

SOME = 3
"""Complaints that are shown of a job where there is little room."""
_BAR = 12
_NAME = 20
"""Cells that the name of a job keeps before the tails are aligned."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One line of a job, and what it shows."""

    text: str
    role: str


def tail_text(job: TransferSnapshot) -> str:
    """Return the right part of a job's line: bar, percent and figures."""
    done, total = _progress(job)
    progress = f"{bar_text(done, total, _BAR)} {percent_text(done, total):>5}"
    return "  ".join(part for part in (progress, *_figures(job)) if part)


def job_lines(
    job: TransferSnapshot, selected: bool, width: int, tail_width: int = 0, shown: int = SOME
) -> list[JobLine]:
    """Return a job's lines: itself; files under way; for the selected one, why files failed.

    `tail_width` is the width of the longest tail, so that the bars stand below each other; of
    each sort of complaints at most `shown` have a line.
    """
    lines = [JobLine(_summary(job, width, tail_width), "job")]
    if job.is_running and job.files_total != 1:
        for file in job.current:
            bar = f"{bar_text(file.done, file.total, 8)} {percent_text(file.done, file.total):>5}"
            name = clip(file.name, max(width - 40, 10))
            sizes = f"{size_text(file.done)} of {size_text(file.total)}" if file.total else ""
            lines.append(JobLine(f"     {bar}  {name}  {sizes}", "file"))
    if job.asks:
        lines.append(JobLine("     waits for your answer to a question", "warning"))
    if job.reason not in ("", job.state.value):
        first = f" · {job.errors[0].path}: {job.errors[0].reason}" if job.errors else ""
        waits = job.state in (TransferState.WAITING, TransferState.PAUSED)
        role = "warning" if waits else "error"
        lines.append(JobLine(f"     {job.reason}{'' if selected else first}", role))
    if selected:
        failed = job.errors[:shown]
        lines += [JobLine(f"     ✖ {bad.path}: {bad.reason}", "error") for bad in failed]
        if (more := max(job.errors_total, len(job.errors)) - len(failed)) > 0:
            lines.append(JobLine(f"     … and {count_text(more, 'more failure')}", "error"))
    for one in job.restarted[: shown if selected else 1]:
        lines.append(JobLine(f"     started over {one.path}: {one.reason}", "warning"))
    return lines + _left_out_lines(job, shown if selected else 1, selected)


def is_short(job: TransferSnapshot) -> bool:
    """Return whether a job takes one line, without making it."""
    told = job.errors or job.left_out or job.restarted or job.errors_total or job.left_out_total
    return not (job.state in RUNNING or told or job.reason not in ("", job.state.value))


def in_order(jobs: list[TransferSnapshot]) -> list[TransferSnapshot]:
    """Return jobs in the order of their use: running, waiting, then the last that ended first."""
    running: list[TransferSnapshot] = []
    queued: list[TransferSnapshot] = []
    ended: list[TransferSnapshot] = []
    for job in jobs:
        if job.state in RUNNING:
            running.append(job)
        elif job.state in FINISHED:
            ended.append(job)
        else:
            queued.append(job)
    ended.sort(key=lambda job: -(job.ended or 0.0))
    return [*running, *queued, *ended]


def _left_out_lines(job: TransferSnapshot, most: int, selected: bool) -> list[JobLine]:
    """Return what was not copied on purpose: the first, or some of it for the selected job."""
    shown = job.left_out[:most]
    lines = [f"left out {one.path}: {one.reason}" for one in shown]
    more = max(job.left_out_total, len(job.left_out)) - len(shown)
    if more > 0 and selected:
        lines.append(f"… and {number_text(more)} more left out")
    elif more > 0:
        lines[0] += f" · and {number_text(more)} more"
    return [JobLine(f"     {line}", "warning") for line in lines]


def _summary(job: TransferSnapshot, width: int, tail_width: int) -> str:
    """Return the text of a job's own line, right of its mark."""
    verb = "move " if job.request.move else ""
    ends = f"{verb}{job.source} → {job.target}:"
    tail = tail_text(job)
    if width - tail_width >= _NAME + 6:
        tail = tail.ljust(tail_width)
    room = width - len(tail) - 6  # the mark, the gap, and one cell at the edge
    name = shorten(job.title, max(room, 8))
    if room - cell_len(name) >= 12:
        left = room - cell_len(name) - 2
        folder = shorten_start(job.target_dir, max(left - cell_len(ends), 0))
        name += f"  {clip(ends + folder, left)}"
    return name + " " * max(max(room, 8) - cell_len(name), 0) + f"  {tail}"


def _progress(job: TransferSnapshot) -> tuple[int, int]:
    """Return how much is done of how much: bytes, or files where none of them holds any.

    What failed is not done, and all of it never is where anything failed.
    """
    if job.state is TransferState.DONE:
        return 1, 1
    done, total = job.bytes_done, job.bytes_total + job.bytes_failed
    if not total:
        done, total = job.files_done, job.files_total + job.files_failed
    elif job.files_done < job.files_total:
        done = min(done, total - 1)  # all may have come, and be unpacked still
    if job.errors_total and done >= total > 0:
        return 99, 100  # not a file: a folder, or what belongs to one that is there
    return done, total


def _counted(job: TransferSnapshot) -> list[str]:
    """Return how many files are done of how many; of a single one how much of it."""
    files = job.files_total + job.files_failed
    if files > 1:
        return [f"{number_text(job.files_done)}/{number_text(files)} files"]
    if files == 1 and job.state is TransferState.COPYING:
        return [f"{size_text(job.bytes_done)} of {size_text(job.bytes_total)}"]
    return []


def _figures(job: TransferSnapshot) -> list[str]:
    failed = max(job.errors_total, len(job.errors))
    words = _counted(job)
    if failed:
        words.append(f"{number_text(failed)} failed")
    if left_out := max(job.left_out_total, len(job.left_out)):
        words.append(f"{number_text(left_out)} left out")
    if job.limit:
        words.append(f"≤ {rate_text(job.limit)}")
    if job.skipped:
        words.append(f"{number_text(job.skipped)} skipped")
    if job.verified:
        words.append(f"{number_text(job.verified)} verified")
    if job.state is TransferState.COPYING:
        return [*words, f"{rate_text(job.rate):>9}", f"{eta_text(job.eta):>5}"]
    if job.state is TransferState.DONE:
        words.append(size_text(job.bytes_done))
        if job.started is not None and job.ended is not None:
            words.append(duration_text(job.ended - job.started))
        return words
    told = failed and job.state is TransferState.FAILED  # by how many
    return words if told else [*words, job.state.value]


def counts_text(jobs: Sequence[TransferSnapshot]) -> str:
    """Return how many jobs there are of each sort: ``1 running, 2 queued, 4 done``."""
    states = Counter(job.state for job in jobs)
    counts = {
        "running": states[TransferState.SCANNING] + states[TransferState.COPYING],
        "waiting": states[TransferState.WAITING],
        "queued": states[TransferState.QUEUED],
        "paused": states[TransferState.PAUSED],
        "failed": states[TransferState.FAILED],
        "done": states[TransferState.DONE],
        "cancelled": states[TransferState.CANCELLED],
    }
    return ", ".join(f"{number_text(count)} {word}" for word, count in counts.items() if count)


def totals_text(totals: TransferTotals, width: int) -> tuple[str, str]:
    """Return everything that goes on in sum, on one line: a bar; sizes, files and time left."""
    if not totals.jobs_running + totals.jobs_queued:
        return "", "nothing runs"
    done, total = totals.bytes_done, totals.bytes_total
    more = "≥ " if totals.uncounted else ""
    whole = f"{size_text(done)} of {more}{size_text(total)}"
    words = [f"{percent_text(*totals.progress):>5}", whole]
    if totals.files_total > 1:
        done_of_all = f"{number_text(totals.files_done)}/{number_text(totals.files_total)}"
        words.append(f"{done_of_all} files")
    if end := end_text(totals.eta, totals.uncounted > 0):
        words.append(end)
    text = "  ".join(words)
    return bar_text(*totals.progress, max(min(width - len(text) - 2, 40), 8)), f" {text}"


def graph_text(totals: TransferTotals, width: int) -> tuple[str, str]:
    """Return the rates of the last minutes as a graph, and the newest as figures."""
    rates = f"↑ {rate_text(totals.rate_up)}  ↓ {rate_text(totals.rate_down)}"
    if totals.limit:
        rates += f"  (all ≤ {rate_text(totals.limit)})"
    return sparkline(totals.rates, max(width - len(rates) - 2, 8)), f"  {rates}"
