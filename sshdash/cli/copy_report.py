"""How a copy is told on a command line: one moving line on a terminal, or JSON lines."""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from sshdash.cli.moving_line import LINE
from sshdash.events import Event, TransferChanged
from sshdash.sftp.job import TransferSnapshot
from sshdash.states import TransferState
from sshdash.untrusted import clean

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_JSON_EVERY = 0.5
"""Seconds between two progress lines."""


class Report(Protocol):
    """Told how jobs stand, several times a second, and of each change at once."""

    def changed(self, event: Event) -> None:
        """Tell a change of state."""
        ...

    def progress(self, snapshots: Sequence[TransferSnapshot]) -> None:
        """Show how far it is."""
        ...

    def finish(self, snapshots: Sequence[TransferSnapshot], seconds: float) -> None:
        """Tell how it ended."""
        ...


class Quiet:
    """Tells only what was not copied."""

    def changed(self, event: Event) -> None:
        """Say nothing."""

    def progress(self, snapshots: Sequence[TransferSnapshot]) -> None:
        """Say nothing."""

    def finish(self, snapshots: Sequence[TransferSnapshot], seconds: float) -> None:
        """Name each file that was not copied on stderr."""
        for snapshot in snapshots:
            tell_failures(snapshot)


class Line:
    """One line on a terminal, drawn over itself."""

    def __init__(self) -> None:
        self._drawn = False

    def changed(self, event: Event) -> None:
        """Say nothing: the line is drawn often enough."""

    def progress(self, snapshots: Sequence[TransferSnapshot]) -> None:
        """Draw the line anew."""
        LINE.draw(_line(snapshots))
        self._drawn = True

    def finish(self, snapshots: Sequence[TransferSnapshot], seconds: float) -> None:
        """Leave a line that says what was copied, and name each file that was not."""
        if self._drawn:
            LINE.draw(_line(snapshots))
            LINE.leave()
        for snapshot in snapshots:
            tell_failures(snapshot)
            if snapshot.verified:
                by = clean(", ".join(snapshot.verified_by), 200)
                print(f"{snapshot.verified} files verified by SHA-256 ({by})", file=sys.stderr)


class JsonLines:
    """One object per line on stdout, for programs."""

    def __init__(self) -> None:
        self._last = 0.0

    def changed(self, event: Event) -> None:
        """Tell a job's new state."""
        if isinstance(event, TransferChanged):
            _write({"event": "state", "job": event.job, "state": event.new.value})

    def progress(self, snapshots: Sequence[TransferSnapshot]) -> None:
        """Tell figures now and then."""
        now = time.monotonic()
        if now - self._last >= _JSON_EVERY:
            self._last = now
            for snapshot in snapshots:
                if snapshot.is_running:
                    _write({"event": "progress", **_figures(snapshot)})

    def finish(self, snapshots: Sequence[TransferSnapshot], seconds: float) -> None:
        """Tell the failures and a last line with everything in sum."""
        for snapshot in snapshots:
            for event, files in (("failure", snapshot.errors), ("left_out", snapshot.left_out)):
                for file in files:
                    told = {"path": file.path, "reason": file.reason}
                    _write({"event": event, "job": snapshot.id, **told})
        _write(
            {
                "event": "done",
                "ok": is_all_there(snapshots),
                "files": sum(snapshot.files_done for snapshot in snapshots),
                "bytes": sum(snapshot.bytes_done for snapshot in snapshots),
                "failed": sum(snapshot.errors_total for snapshot in snapshots),
                "left_out": sum(snapshot.left_out_total for snapshot in snapshots),
                "skipped": sum(snapshot.skipped for snapshot in snapshots),
                "verified": sum(snapshot.verified for snapshot in snapshots),
                "verified_by": sorted({by for one in snapshots for by in one.verified_by}),
                "seconds": round(seconds, 3),
                "reasons": [snapshot.reason for snapshot in snapshots if snapshot.reason],
            }
        )


def is_all_there(snapshots: Sequence[TransferSnapshot]) -> bool:
    """Return whether everything that was named has been copied, or skipped as was asked."""
    return all(one.state is TransferState.DONE and not one.left_out_total for one in snapshots)


def size_text(size: float) -> str:
    """Return bytes with three digits: ``14.2 MB``."""
    unit = 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    digits = 0 if unit == 0 or size >= 99.95 else 1
    return f"{size:.{digits}f} {_UNITS[unit]}"


def _line(snapshots: Sequence[TransferSnapshot]) -> str:
    done = sum(snapshot.bytes_done for snapshot in snapshots)
    total = sum(snapshot.bytes_total + snapshot.bytes_failed for snapshot in snapshots)
    files = sum(snapshot.files_done for snapshot in snapshots)
    all_files = sum(snapshot.files_total + snapshot.files_failed for snapshot in snapshots)
    rate = sum(snapshot.rate for snapshot in snapshots if snapshot.is_running) or max(
        (snapshot.rate for snapshot in snapshots), default=0.0
    )
    ends = [snapshot.eta for snapshot in snapshots if snapshot.eta is not None]
    if any(snapshot.state is TransferState.SCANNING for snapshot in snapshots):
        percent = "looking"
    else:
        part, whole = (done, total) if total else (files, all_files)
        most = 99 if any(snapshot.errors_total for snapshot in snapshots) else 100
        done_of = 100 * part // whole if whole else 100 * is_all_there(snapshots)
        percent = f"{min(done_of, most):>3} %"
    name = next((c.name for snapshot in snapshots for c in snapshot.current), snapshots[0].title)
    eta = f"  ETA {_clock(max(ends))}" if ends else ""
    return f"{percent}  {size_text(done)}  {size_text(rate)}/s{eta}  {files}/{all_files}  {name}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(math.ceil(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _figures(snapshot: TransferSnapshot) -> dict[str, object]:
    return {
        "job": snapshot.id,
        "files_done": snapshot.files_done,
        "files_total": snapshot.files_total,
        "bytes_done": snapshot.bytes_done,
        "bytes_total": snapshot.bytes_total,
        "rate": round(snapshot.rate),
        "eta": None if snapshot.eta is None else round(snapshot.eta, 1),
        "current": [progress.name for progress in snapshot.current],
    }


def tell_failures(snapshot: TransferSnapshot) -> None:
    """Name each file that was not copied, or not as it should be, on stderr."""
    prefix = f"{snapshot.source}:" if snapshot.request.source else ""
    for error in snapshot.errors:
        print(f"sshdash: {prefix}{error.path}: {error.reason}", file=sys.stderr)
    _tell_rest(snapshot.errors_total - len(snapshot.errors))
    for omitted in snapshot.left_out:
        print(f"sshdash: {prefix}{omitted.path}: left out: {omitted.reason}", file=sys.stderr)
    _tell_rest(snapshot.left_out_total - len(snapshot.left_out))
    for again in snapshot.restarted:
        print(f"sshdash: {prefix}{again.path}: started over: {again.reason}", file=sys.stderr)
    if snapshot.reason and not snapshot.errors_total:
        print(f"sshdash: {clean(snapshot.reason, 500)}", file=sys.stderr)


def _tell_rest(more: int) -> None:
    if more > 0:
        print(f"sshdash: and {more} more", file=sys.stderr)


def _write(fields: Mapping[str, object]) -> None:
    print(json.dumps(fields), flush=True)
