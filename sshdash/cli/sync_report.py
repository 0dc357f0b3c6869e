"""How a synchronisation is told on a command line: one step a line, or JSON lines."""

import json
import sys
from collections.abc import Sequence
from typing import Protocol

from sshdash.cli.context import tell
from sshdash.cli.copy_report import size_text
from sshdash.sftp.failures import shown
from sshdash.sftp.sync_plan import RUNS, Step, Totals
from sshdash.sftp.sync_run import Outcome
from sshdash.sftp.sync_scan import Comparison


class Report(Protocol):
    """Told what there is to do, what went wrong, and what it came to."""

    def begin(self, comparison: Comparison, todo: Sequence[Step]) -> None:
        """Tell the steps, and what could not be compared."""
        ...

    def failures(self, outcome: Outcome) -> None:
        """Tell what could not be done, but for the copies that a line of progress tells."""
        ...

    def finish(self, comparison: Comparison, totals: Totals, outcome: Outcome, dry: bool) -> None:
        """Tell it in sum."""
        ...


class Steps:
    """Tells the steps on stdout, the rest on stderr."""

    def __init__(self, quiet: bool, both: bool) -> None:
        self._quiet = quiet
        self._both = both

    def begin(self, comparison: Comparison, todo: Sequence[Step]) -> None:
        """Print the steps, and what could not be compared."""
        for step in todo if not self._quiet else ():
            print(self._line(step))
        sys.stdout.flush()
        for problem in comparison.problems:
            end = "DST" if problem.right else "SRC"
            tell(f"sshdash: {end}: {shown(problem.place) or '.'}: left out: {problem.reason}")

    def failures(self, outcome: Outcome) -> None:
        """Print what was not deleted or has not its time, and what was skipped."""
        for place, reason in outcome.failures:
            tell(f"sshdash: {shown(place) or '.'}: {reason}")
        if skipped := sum(copy.skipped for copy in outcome.copies):
            tell(f"sshdash: {skipped} left as they were: something appeared there meanwhile")
        if outcome.not_deleted:
            tell(f"sshdash: {outcome.not_deleted} not deleted, because something went wrong before")

    def finish(self, comparison: Comparison, totals: Totals, outcome: Outcome, dry: bool) -> None:
        """Print one line."""
        if not self._quiet:
            tell(f"sshdash: {summary(comparison, totals, dry)}")

    def _line(self, step: Step) -> str:
        arrow = (" →" if step.to_right else " ←") if self._both and step.act in RUNS else ""
        name = shown(step.place) + ("/" if step.is_folder else "")
        why = f"  ({step.why})" if step.why else ""
        return f"{step.act.value + arrow:<10} {name}{why}"


class JsonSteps:
    """Tells everything on stdout, one JSON object a line."""

    def begin(self, comparison: Comparison, todo: Sequence[Step]) -> None:
        """Print the steps, and what could not be compared."""
        for step in todo:
            _write(
                event="step",
                act=step.act.value,
                path=shown(step.place),
                to="target" if step.to_right else "source",
                folder=step.is_folder,
                size=step.size,
                why=step.why,
            )
        for problem in comparison.problems:
            end = "target" if problem.right else "source"
            _write(event="problem", path=shown(problem.place), end=end, reason=problem.reason)

    def failures(self, outcome: Outcome) -> None:
        """Print what could not be copied or deleted, or has not its time."""
        for copy in outcome.copies:
            for file in (*copy.errors, *copy.left_out):
                _write(event="failure", path=file.path, reason=file.reason)
        for place, reason in outcome.failures:
            _write(event="failure", path=shown(place), reason=reason)

    def finish(self, comparison: Comparison, totals: Totals, outcome: Outcome, dry: bool) -> None:
        """Print a last line with everything in sum."""
        _write(
            event="done",
            dry_run=dry,
            ok=outcome.is_whole and not comparison.problems,
            same=comparison.same,
            excluded=comparison.excluded,
            to_copy=totals.copies,
            bytes=totals.size,
            folders=totals.folders,
            to_delete=totals.deletes,
            conflicts=totals.conflicts,
            left_out=totals.left_out,
            skipped=sum(copy.skipped for copy in outcome.copies),
            deleted=outcome.deleted,
            not_deleted=outcome.not_deleted,
        )


def summary(comparison: Comparison, totals: Totals, dry: bool) -> str:
    """Return what there was to do in one line."""
    would = "would copy" if dry else "to copy"
    files = "file" if totals.copies == 1 else "files"
    parts = [f"{would}: {totals.copies:,} {files}, {size_text(totals.size)}"]
    if totals.folders:
        parts.append(f"new folders: {totals.folders:,}")
    if totals.deletes:
        parts.append(f"to delete: {totals.deletes:,}")
    if totals.conflicts:
        parts.append(f"conflicts: {totals.conflicts:,}")
    if totals.left_out:
        parts.append(f"left out: {totals.left_out:,}")
    if comparison.excluded:
        parts.append(f"excluded: {comparison.excluded:,}")
    return "; ".join((*parts, f"the same: {comparison.same:,}"))


def _write(**fields: object) -> None:
    print(json.dumps(fields), flush=True)
