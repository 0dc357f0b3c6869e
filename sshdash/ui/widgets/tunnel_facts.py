"""Everything about one tunnel in words: what it is for, its numbers, and what went wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.cells import cell_len

from sshdash.states import TunnelState
from sshdash.tunnels.kept.rule import Meanwhile, ProbeKind, Start
from sshdash.tunnels.legs import Leg
from sshdash.tunnels.spec import Kind
from sshdash.tunnels.totals import Totals, total
from sshdash.ui.format import clip, count_text, duration_text, rate_text, size_text
from sshdash.ui.theme import AWAY_MARK, MARKS
from sshdash.ui.widgets.sparkline import sparkline
from sshdash.ui.widgets.tunnel_diagram import legs_of, time_text
from sshdash.ui.widgets.tunnel_words import (
    broken_leg,
    meaning,
    name_of,
    next_step,
    uptime_text,
)
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sshdash.tunnels.snapshot import TunnelSnapshot

Line = tuple[tuple[str, str], ...]
"""Texts of a line, cleaned, with their styles."""

_KEYWORDS = {
    Kind.LOCAL: "LocalForward",
    Kind.REMOTE: "RemoteForward",
    Kind.DYNAMIC: "DynamicForward",
}
_STARTS = {Start.LAUNCH: "opens with sshdash", Start.HOST: "opens when the host is connected"}
_MISHAPS = 4
_TOLD_APART = (
    TunnelState.DEGRADED,
    TunnelState.RECONNECTING,
    TunnelState.PAUSED,
    TunnelState.FAILED,
)
"""The states that sums name, with the marks of the rows."""


def brief(tunnel: TunnelSnapshot, width: int, rule: Sequence[TunnelSnapshot] = ()) -> list[Line]:
    """Return what a person wants to know first: what is wrong, what it is for, how much passed."""
    lines = list(trouble(tunnel))
    lines.append(((meaning(tunnel), "$muted"),))
    lines += _side_by_side(_numbers(tunnel), width, "$faint")
    if len(rule) > 1:
        lines.append(_rule_sum(tunnel, rule))
    return lines


def sum_words(totals: Totals) -> str:
    """Return what tunnels carry together: how many are open and how the others are, and what."""
    others = "".join(
        f" {MARKS[state].value[0]} {totals.states[state.value]}"
        for state in _TOLD_APART
        if state.value in totals.states
    )
    words = [f"{totals.open} of {totals.tunnels} open{others}"]
    if totals.clients:
        words.append(count_text(totals.clients, "client"))
    for up, down, form in (
        (totals.rate_up, totals.rate_down, rate_text),
        (totals.bytes_up, totals.bytes_down, size_text),
    ):
        if max(up, down) >= 0.5:
            words.append(f"↑ {form(up)} ↓ {form(down)}")
    return " · ".join(words)


def full(tunnel: TunnelSnapshot, width: int, rule: Sequence[TunnelSnapshot] = ()) -> list[Line]:
    """Return all there is."""
    lines = list(trouble(tunnel))
    lines.append(((meaning(tunnel), "$muted"),))
    if own := _own(tunnel):
        lines.append(own)
    lines += _traffic(tunnel, width)
    lines += _side_by_side(_circumstances(tunnel), width, "$muted")
    if len(rule) > 1:
        lines.append(_rule_sum(tunnel, rule))
    if tunnel.probe is not None:
        lines.append(_probe(tunnel))
    lines += _mishaps(tunnel, width)
    return lines


def trouble(tunnel: TunnelSnapshot) -> Iterable[Line]:
    """Return which leg fails, why, and what to do next."""
    leg = broken_leg(tunnel)
    words = clean(leg.message if leg is not None and leg.message else tunnel.error, 1000)
    style = "$error" if tunnel.state is TunnelState.FAILED else "$warning"
    if tunnel.owner:
        owner = clean(tunnel.owner, 60)
        runs = f"{owner} runs it, and has its port and its clients; t takes it over."
        yield ((f"{AWAY_MARK} ", "$accent"), (runs, ""))
    if tunnel.state is TunnelState.PAUSED:
        yield ((_pause(tunnel), "$warning"),)
    if words:
        where = f"{_stretch(leg)}: " if leg is not None else ""
        if leg is not None:  # which the target ends
            words = words.removeprefix(f"{clean(leg.end, 60)}: ")
        yield (("✖ ", f"bold {style}"), (where, f"bold {style}"), (words, style))
        if step := next_step(tunnel):
            yield ((f"→ {step}", "$foreground"),)
    if tunnel.exposed:
        yield ((f"⚠ {tunnel.exposure}", "$warning"),)


def _pause(tunnel: TunnelSnapshot) -> str:
    """Return what clients of a paused tunnel meet."""
    if not tunnel.holds_port:
        return "Paused, and its port is free for others."
    if tunnel.rule is not None and tunnel.rule.meanwhile is Meanwhile.REFUSE:
        return "Paused: clients are refused."
    waiting = f", {tunnel.clients} now" if tunnel.clients else ""
    return f"Paused: clients wait for a minute at most{waiting}."


def _stretch(leg: Leg) -> str:
    return f"{clean(leg.start, 60)} → {clean(leg.end, 60)}"


def _side_by_side(words: Sequence[str], width: int, style: str) -> Iterable[Line]:
    """Return facts on as many lines as they take, none of them broken in two."""
    line = ""
    for fact in words:
        longer = f"{line}  ·  {fact}" if line else fact
        if line and cell_len(longer) > width:
            yield ((line, style),)
            longer = fact
        line = longer
    yield ((line, style),)


def _origin(tunnel: TunnelSnapshot) -> str:
    if tunnel.rule is not None:
        return f"{_KEYWORDS[tunnel.kind]} of the rule {name_of(tunnel)}"
    return f"{_KEYWORDS[tunnel.kind]} " + (
        "of ssh_config" if tunnel.source == "config" else "added by hand"
    )


def _numbers(tunnel: TunnelSnapshot) -> list[str]:
    words = [_origin(tunnel)]
    if tunnel.clients_total:
        words.append(f"{count_text(tunnel.clients_total, 'client')} so far")
    if tunnel.failures:
        words.append(f"{tunnel.failures} did not get through")
    if tunnel.bytes_up or tunnel.bytes_down:
        words.append(f"↑ {size_text(tunnel.bytes_up)} ↓ {size_text(tunnel.bytes_down)}")
    if tunnel.uptime is not None:
        words.append(f"up for {uptime_text(tunnel.uptime)}")
    if tunnel.reconnects:
        words.append(count_text(tunnel.reconnects, "reconnect"))
    return words


def _rule_sum(tunnel: TunnelSnapshot, rule: Sequence[TunnelSnapshot]) -> Line:
    return (
        (f"Σ {name_of(tunnel)}  ", "bold $muted"),
        (sum_words(total(rule)), "$muted"),
    )


def _circumstances(tunnel: TunnelSnapshot) -> list[str]:
    words = [_origin(tunnel)]
    words.append(f"{count_text(tunnel.clients, 'client')} open, {tunnel.clients_total} in all")
    if tunnel.failures:
        words.append(f"{tunnel.failures} did not get through")
    if tunnel.uptime is not None:
        words.append(f"up for {uptime_text(tunnel.uptime)}")
    if tunnel.reconnects:
        words.append(count_text(tunnel.reconnects, "reconnect"))
    times = [leg.round_trip for leg in legs_of(tunnel) if leg.round_trip is not None]
    if len(times) > 1:
        words.append(f"{time_text(sum(times))} there and back")
    return words


def _own(tunnel: TunnelSnapshot) -> Line:
    """Return what its owner wrote down about a rule."""
    rule = tunnel.rule
    if rule is None:
        return ()
    words = [f"#{clean(tag, 20)}" for tag in rule.tags]
    if rule.group:
        words.append(f"one at a time of {clean(rule.group, 40)}")
    if rule.start in _STARTS:
        words.append(_STARTS[rule.start])
    if rule.probe.interval is not None:
        kind = "TCP" if rule.probe.kind is ProbeKind.TCP else rule.probe.kind.value
        words.append(f"asked by {kind} every {duration_text(rule.probe.interval)}")
    parts: list[tuple[str, str]] = []
    if rule.note:
        parts.append((f"“{clean(rule.note, 300)}”  ", "italic $foreground"))
    if words:
        parts.append(("  ·  ".join(words), "$faint"))
    return tuple(parts)


def _traffic(tunnel: TunnelSnapshot, width: int) -> Iterable[Line]:
    for sign, count, rate, minute in (
        ("↑", tunnel.bytes_up, tunnel.rate_up, tunnel.minute_up),
        ("↓", tunnel.bytes_down, tunnel.rate_down, tunnel.minute_down),
    ):
        now = rate_text(rate) if rate >= 0.5 else "–"
        average = rate_text(minute) if minute >= 0.5 else "–"
        words = f"{sign} {size_text(count):>8}   now {now:>9}   last minute {average:>9}"
        bars = min(len(tunnel.history), width - len(words) - 14)
        graph: tuple[tuple[str, str], ...] = ()
        if sign == "↓" and bars >= 10 and any(tunnel.history):
            graph = ((f"   {sparkline(tunnel.history, bars)}", "$accent"), (" 30 s", "$faint"))
        yield ((words, "$foreground"), *graph)


def _probe(tunnel: TunnelSnapshot) -> Line:
    probe = tunnel.probe
    if probe is None:
        return ()
    age = duration_text(max(time.time() - probe.time, 0))
    said = clean(probe.text, 300)
    if probe.seconds is None:
        return (("▲ probe ", "$warning"), (said, "$warning"), (f", {age} ago", "$faint"))
    took = f"{time_text(probe.seconds)}"
    return (
        ("● probe ", "$success"),
        (f"{said} in {took}", "$foreground"),
        (f", {age} ago", "$faint"),
    )


def _mishaps(tunnel: TunnelSnapshot, width: int) -> Iterable[Line]:
    for mishap in reversed(tunnel.mishaps[-_MISHAPS:]):
        clock = time.strftime("%H:%M:%S", time.localtime(mishap.time))
        again = ""
        if mishap.count > 1:
            first = time.strftime("%H:%M:%S", time.localtime(mishap.first))
            again = f"  ×{mishap.count} since {first}"
        words = clip(clean(mishap.text, 400), max(width - 11 - len(again), 20))
        yield ((f"{clock}  ", "$faint"), (words, "$warning"), (again, "$muted"))
