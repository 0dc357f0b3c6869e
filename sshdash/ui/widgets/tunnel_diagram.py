"""The ways of tunnels as lines: places, and the legs between them with what moves on them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.cells import cell_len

from sshdash.states import TunnelState
from sshdash.tunnels.legs import Leg, LegState
from sshdash.tunnels.spec import Kind
from sshdash.ui.widgets.tunnel_words import ANYWHERE, is_proxy
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

Part = tuple[str, str]
"""A text and its role: ``end``, ``hop``, ``here``, ``time``, ``sent``, ``received``, ``broken``,
``gap`` or the name of a leg's state."""

_SHORTEST, _LONGEST = 3, 22
"""Cells of a leg's line, without its arrow and the spaces around it."""
_EVERY = 6
"""Cells from one thing that moves to the next."""
_UP, _DOWN = "▸", "◂"
_LINES = {
    LegState.IDLE: ("┄", "▷"),
    LegState.OPENING: ("╌", "▷"),
    LegState.UP: ("─", "▶"),
    LegState.PAUSED: ("╌", "▷"),
    LegState.WAITING: ("╌", "▷"),
    LegState.UNKNOWN: ("─", "▷"),
    LegState.FAILED: ("╌", "▷"),
}
_SIGNS = {LegState.PAUSED: "‖", LegState.WAITING: "◌", LegState.FAILED: "✖"}
"""What stands in the middle of a leg that nothing goes through."""
_STATES = {
    TunnelState.CLOSED: (LegState.IDLE, LegState.IDLE),
    TunnelState.OPENING: (LegState.OPENING, LegState.IDLE),
    TunnelState.OPEN: (LegState.UP, LegState.UP),
    TunnelState.DEGRADED: (LegState.UP, LegState.FAILED),
    TunnelState.RECONNECTING: (LegState.WAITING, LegState.IDLE),
    TunnelState.PAUSED: (LegState.PAUSED, LegState.PAUSED),
    TunnelState.FAILED: (LegState.FAILED, LegState.IDLE),
}
"""For tunnels without legs of their own: how all but the last are, and the last."""


def legs_of(tunnel: TunnelSnapshot) -> tuple[Leg, ...]:
    """Return the legs; where nobody has looked at them, what the state says of them."""
    if tunnel.legs:
        return tunnel.legs
    hops = list(tunnel.route) or [tunnel.host]
    places = ["you", *hops]
    if tunnel.kind is Kind.REMOTE:
        places.reverse()
    places.append(tunnel.target)
    early, last = _STATES[tunnel.state]
    legs = [Leg(*pair, early) for pair in pairwise(places[:-1])]
    if tunnel.state is TunnelState.FAILED:
        legs[1:] = [Leg(leg.start, leg.end, LegState.IDLE) for leg in legs[1:]]
    return (*legs, Leg(places[-2], places[-1], last))


def diagram(tunnels: Sequence[TunnelSnapshot], width: int, step: int = 0) -> list[list[Part]]:
    """Return the lines of the forwards of a rule below each other, the way their bytes go.

    A local or dynamic forward begins here, a remote one at the listening port of the far host.
    What does not fit in `width` goes on below. `step` counts on while bytes move.
    """
    first = max((cell_len(_first(tunnel)) for tunnel in tunnels), default=0)
    length = min((_length(tunnel, width, first) for tunnel in tunnels), default=0)
    if length < _SHORTEST:
        first = 0
    lines: list[list[Part]] = []
    for tunnel in tunnels:
        lines += _wrapped(_blocks(tunnel, max(length, _SHORTEST), first, step), width)
    return lines


def moves(tunnel: TunnelSnapshot) -> bool:
    """Return whether bytes go through it now."""
    return tunnel.rate_up >= 0.5 or tunnel.rate_down >= 0.5


def _first(tunnel: TunnelSnapshot) -> str:
    """Return the place where clients connect."""
    listen = clean(tunnel.listen, 80).removeprefix("localhost")
    if tunnel.kind is not Kind.REMOTE:
        return f"you {listen}"
    return f"{clean(tunnel.host, 60)} {listen}"


def _places(tunnel: TunnelSnapshot) -> list[str]:
    """Return the places behind the legs."""
    places = [clean(leg.end, 60) for leg in legs_of(tunnel)]
    places[-1] = ANYWHERE if is_proxy(tunnel) else clean(tunnel.target, 80)
    return places


def _length(tunnel: TunnelSnapshot, width: int, first: int) -> int:
    """Return how long each leg's line may be to have all of the tunnel on one line."""
    places = _places(tunnel)
    room = width - first - sum(map(cell_len, places)) - 3 * len(places)
    return min(room // len(places), _LONGEST)


def _blocks(tunnel: TunnelSnapshot, length: int, first: int, step: int) -> list[list[Part]]:
    """Return the first place, then each leg with the place behind it."""
    start = _first(tunnel)
    blocks: list[list[Part]] = [[(start + " " * (first - cell_len(start)), "end")]]
    legs, places = legs_of(tunnel), _places(tunnel)
    for index, (leg, place) in enumerate(zip(legs, places, strict=True)):
        last = index == len(legs) - 1
        role = "end" if last else "here" if place == "you" else "hop"
        flow = (tunnel.rate_up >= 0.5, tunnel.rate_down >= 0.5)
        # What moves goes on from leg to leg as on one line.
        blocks.append([*_leg(leg, length, flow, step, index * length), (place, role)])
    return blocks


def _leg(leg: Leg, length: int, flow: tuple[bool, bool], step: int, offset: int) -> list[Part]:
    """Return a leg: its line with the time or a sign in the middle, and the head of the arrow."""
    stroke, head = _LINES[leg.state]
    role = str(leg.state.value)
    middle = _SIGNS.get(leg.state, "")
    if not middle and leg.round_trip is not None:
        middle = f" {time_text(leg.round_trip)} "
    kind = "broken" if leg.state is LegState.FAILED else role if leg.state in _SIGNS else "time"
    if cell_len(middle) > max(length - 2, 1):
        middle = ""
    before = (length - cell_len(middle)) // 2
    after = length - cell_len(middle) - before
    moving = flow if leg.state is LegState.UP else (False, False)
    parts = [(" ", "gap"), *_line(stroke, before, moving, step, offset, role)]
    parts.append((middle, kind))
    parts += _line(stroke, after, moving, step, offset + before + cell_len(middle), role)
    return [*parts, (f"{head} ", role)]


def _line(
    stroke: str, length: int, flow: tuple[bool, bool], step: int, offset: int, role: str
) -> list[Part]:
    """Return a piece of a line with what moves on it, to the right and to the left."""
    up, down = flow
    if not up and not down:
        return [(stroke * length, role)]
    parts: list[Part] = []
    for place in range(offset, offset + length):
        if up and (place - step) % _EVERY == 0:
            parts.append((_UP, "sent"))
        elif down and (place + step) % _EVERY == (_EVERY // 2 if up else 0):
            parts.append((_DOWN, "received"))
        else:
            parts.append((stroke, role))
    return parts


def _wrapped(blocks: list[list[Part]], width: int) -> list[list[Part]]:
    """Return the blocks on as many lines as they need; those below are set in."""
    lines: list[list[Part]] = []
    line: list[Part] = []
    used = 0
    for block in blocks:
        cells = sum(cell_len(text) for text, _ in block)
        if line and used + cells > width:
            lines.append(line)
            line, used = [("  ", "gap")], 2
        line = [*line, *block]
        used += cells
    return [*lines, line]


def time_text(seconds: float) -> str:
    """Return a short time: ``0.4 ms``, ``12 ms``, ``1.2 s``."""
    ms = seconds * 1000
    if ms < 9.95:
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if ms < 999.5 else f"{seconds:.1f} s"
