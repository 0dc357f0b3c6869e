"""A timeline as lines to read and as a document for programs; there is no secret in either."""

import time
from collections.abc import Iterator

from sshdash import __version__
from sshdash.connections.timeline import Entry, Phase, Timeline
from sshdash.errors import SSHDashError

_MARKS = {"ok": "ok", "failed": "FAILED", "note": "", "running": "..."}
_MARK = max(map(len, _MARKS.values()))
_PHASE = max(len(phase.value) for phase in Phase)
_TIME = 8


def milliseconds(seconds: float | None) -> str:
    """Return a time as people say it: ``0.3 ms``, ``12 ms``, ``1.24 s``; "" for none."""
    if seconds is None:
        return ""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"


def entry_line(entry: Entry) -> str:
    """Return one step as a line: when it began, how it went, what it was, how long it took."""
    took = f"  ({milliseconds(entry.took)})" if entry.took is not None else ""
    via = f"[{entry.hop}] " if entry.hop else ""
    return (
        f"{milliseconds(max(0.0, entry.at)):>{_TIME}}  {_MARKS[entry.outcome]:<{_MARK}}  "
        f"{entry.phase.value:<{_PHASE}}  {via}{entry.text}{took}"
    )


def text_lines(timeline: Timeline, detail: bool = False) -> list[str]:
    """Return the whole timeline, with what was only noted for a closer look where `detail`."""
    when = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(timeline.started))
    lines = [f"{timeline.host}, {when}, sshdash {__version__}"]
    lines += [entry_line(entry) for entry in timeline.entries if detail or not entry.detail]
    return [*lines, *ending(timeline)]


def ending(timeline: Timeline) -> Iterator[str]:
    """Return how it ended: for a failure the last good step, the one that failed, what to do."""
    if timeline.is_running:
        yield f"still connecting after {milliseconds(timeline.elapsed)}"
        return
    if timeline.failure is None:
        yield f"connected in {milliseconds(timeline.elapsed)}"
        return
    yield f"failed after {milliseconds(timeline.elapsed)}"
    for label, entry in (("last good step", timeline.last_good), ("failed at", timeline.broken)):
        if entry:
            yield f"{label}: {step_name(entry)}"
    yield from failure_lines(timeline.failure)


def failure_lines(failure: SSHDashError) -> Iterator[str]:
    """Return what happened, where, and what to do next."""
    yield failure.title
    yield from (f"  {line}" for line in failure.detail.split("\n") if line)
    if failure.hint:
        yield f"  → {failure.hint}"


def step_name(entry: Entry) -> str:
    """Return a step's phase, the hop it was on, and what it was about."""
    return f"{place_name(entry)} ({entry.text})" if entry.text else place_name(entry)


def place_name(entry: Entry) -> str:
    """Return a step's phase and the hop it was on."""
    return f"{entry.phase.value} of {entry.hop}" if entry.hop else entry.phase.value


def document(timeline: Timeline) -> dict[str, object]:
    """Return it for programs: times in milliseconds."""
    failure = timeline.failure
    return {
        "host": timeline.host,
        "started": round(timeline.started, 3),
        "milliseconds": _rounded(timeline.elapsed),
        "outcome": "running" if timeline.is_running else "failed" if failure else "ok",
        "last_good": _phase(timeline.last_good),
        "failed_at": _phase(timeline.broken),
        "failure": failure and {
            "title": failure.title,
            "detail": failure.detail,
            "hint": failure.hint,
        },
        "steps": [
            {
                "hop": entry.hop or timeline.host,
                "phase": entry.phase.value,
                "text": entry.text,
                "at": _rounded(entry.at),
                "took": None if entry.took is None else _rounded(entry.took),
                "outcome": entry.outcome,
                "detail": entry.detail,
            }
            for entry in timeline.entries
        ],
    }  # fmt: skip


def _phase(entry: Entry | None) -> str | None:
    return entry.phase.value if entry else None


def _rounded(seconds: float) -> float:
    return round(seconds * 1000, 1)
