"""The steps of an attempt at a connection, in aligned columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from textual.content import Content

from sshdash.ui.format import clip, hanging
from sshdash.ui.theme import Mark
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.timeline import Entry, Timeline

_MARKS = {"ok": Mark.UP, "failed": Mark.FAILED, "running": Mark.BUSY}
_UNFINISHED = ("failed", "running")
_NOTE = ("·", "faint")
_PHASE = 16
_TIME = 8
_SLOW = 1.0
"""Seconds from which a step is worth a look."""
_LEAST = 40
"""Cells below which nothing is clipped further."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line; the texts are cleaned."""

    outcome: str
    """``ok``, ``failed``, ``running`` or ``note``, as `Entry.outcome` has it."""
    phase: str
    text: str
    took: str
    host: str
    """Whose step it is: the host's own, or a jump host's."""
    slow: bool = False


def steps_of(timeline: "Timeline", detail: bool = False) -> tuple[Step, ...]:
    """Return the steps as they are now; without `detail` only what everybody wants to see."""
    from sshdash.connections.timeline import Phase

    entries = [entry for entry in timeline.entries if detail or not entry.detail]
    hops = {entry.hop for entry in entries}
    return tuple(
        _step(entry, timeline)
        for entry in entries
        # What a jump host did says more than that there is one.
        if entry.phase is not Phase.JUMP or entry.text not in hops
    )


def _step(entry: "Entry", timeline: "Timeline") -> Step:
    from sshdash.connections.timeline_text import milliseconds

    took = entry.took
    if entry.outcome == "running" and timeline.is_running:
        took = timeline.elapsed - entry.at
        # In whole seconds: it is drawn again and again.
        text = f"{took:.0f} s" if took >= _SLOW else ""
    else:
        text = milliseconds(took)
    return Step(
        entry.outcome,
        entry.phase.value,
        clean(entry.text, 600),
        text,
        clean(entry.hop or timeline.host),
        (took or 0) >= _SLOW,
    )


def shortened(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with one line for each jump host on which all went well."""
    kept: list[Step] = []
    for host, group in groupby(steps, key=lambda step: step.host):
        members = list(group)
        if host == steps[-1].host or any(step.outcome in _UNFINISHED for step in members):
            kept += members
        else:
            kept.append(Step("ok", "jump host", host, "", steps[-1].host))
    return tuple(kept)


def steps_text(steps: Sequence[Step], width: int, whole: bool = False) -> Content:
    """Return the steps as lines of `width` cells.

    What is too long is cut, where it is not `whole` or tells of a failure: then it goes on below.
    """
    return Content("\n").join(_lines(steps, max(width, _LEAST), whole))


def failure_text(title: str, detail: str, hint: str, width: int) -> Content:
    """Return why an attempt failed, in `width` cells; a long line goes on below its own words."""
    mark = Content.styled("✖ ", "$error")
    lines = [hanging(mark, clean(title, 600), "bold $foreground", width)]
    lines += [
        hanging(Content("  "), clean(line, 600), "$muted", width) for line in detail.splitlines()
    ]
    if hint:
        arrow = Content.styled("→ ", "$foreground")
        lines.append(hanging(arrow, clean(hint, 600), "$foreground", width))
    return Content("\n").join(lines)


def _lines(steps: Sequence[Step], width: int, whole: bool) -> Iterator[Content]:
    hosts = {step.host for step in steps}
    before = ""
    for step in steps:
        if len(hosts) > 1 and step.host != before:
            yield Content.styled(step.host, "$muted")
            before = step.host
        room = width - 2 - _PHASE - _TIME - 2
        failed = step.outcome == "failed"
        texts = (
            wrap(step.text, room, break_on_hyphens=False)
            if whole or failed
            else [clip(step.text, room)]
        )
        style = "$foreground" if failed else "$muted"
        yield _line(step, texts[0] if texts else "", room, style)
        for more in texts[1:]:
            yield Content.assemble(" " * (2 + _PHASE), Content.styled(more, style))


def _line(step: Step, text: str, room: int, style: str) -> Content:
    mark = _MARKS.get(step.outcome)
    shape, colour = (mark.shape, mark.colour) if mark else _NOTE
    return Content.assemble(
        Content.styled(f"{shape} ", f"${colour}"),
        Content.styled(f"{step.phase:<{_PHASE}}", "$faint" if mark is None else "$foreground"),
        Content.styled(text, style),
        " " * (max(0, room - Content(text).cell_length) + 2),
        Content.styled(f"{step.took:>{_TIME}}", "$warning" if step.slow else "$faint"),
    )
