"""The lines of the tunnel table: columns that fit the width, the state as shape and word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style

from sshdash.states import TunnelState
from sshdash.ui.format import clip, duration_text, rate_text, size_text
from sshdash.ui.theme import MARKS
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.ui.widgets.sparkline import sparkline
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_STATE = 9
_HOST = (4, 20)
_WAY = (18, 56)
_CLIENTS = 7
_BYTES = 7
_RATE = 8
_UPTIME = (6, 10)
_SPARK = (6, 30)
_GAP = 2
_KIND = _GAP + 2
"""The letter of the kind with a gap before and a space behind it."""


@dataclass(frozen=True, slots=True)
class TunnelColumns:
    """The widths of the columns; 0 leaves a column out."""

    host: int
    way: int
    short: bool = False
    """Whether ``localhost`` is left out of all listening addresses, which are then shorter."""
    clients: int = 0
    rate: int = 0
    volume: int = 0
    uptime: int = 0
    spark: int = 0

    @classmethod
    def fit(cls, width: int, host: int, way: int, short_way: int) -> TunnelColumns:
        """Return the columns that fit, where host and way would like to be so wide.

        What a tunnel carries and since when has its room before the way is shown in full; the
        number of clients and the rates come in where there is more. What is left at the end goes
        to the time, the sparkline and the way, in this order.
        """
        host = min(max(host, _HOST[0]), _HOST[1] if width >= 90 else _HOST[1] // 2)
        room = width - (3 + _STATE) - (_GAP + host) - _KIND
        figures = _cost("volume") + _cost("spark") + _cost("uptime")
        short = way > max(room - figures - _cost("clients"), _WAY[0])
        wanted = min(max(short_way if short else way, _WAY[0]), _WAY[1])
        taken = min(wanted, max(room - figures, _WAY[0]))
        room -= taken
        found: dict[str, int] = {}
        for name, (column, _) in _FIGURES.items():
            if room >= _cost(name):
                room -= _cost(name)
                found[name] = column
        for name, most in (("uptime", _UPTIME[1]), ("spark", _SPARK[1])):
            if name in found:
                more = min(room, most - found[name])
                found[name] += more
                room -= more
        return cls(host, taken + max(room, 0), short, **found)


_FIGURES = {
    "volume": (_BYTES, 2),
    "spark": (_SPARK[0], 1),
    "uptime": (_UPTIME[0], 1),
    "clients": (_CLIENTS, 1),
    "rate": (_RATE, 2),
}
"""Widths and numbers of the columns of figures, in the order of their use."""


def _cost(name: str) -> int:
    """Return the cells that figures take; the two of a pair stand close together."""
    column, count = _FIGURES[name]
    return _GAP + column + (count - 1) * (1 + column)


def head_text(columns: TunnelColumns) -> str:
    """Return the names of the columns on a line."""
    gap = " " * _GAP
    text = f"   {'state':<{_STATE}}{gap}{'host':<{columns.host}}{' ' * _KIND}"
    text += f"{'listens → target':<{columns.way}}"
    if columns.clients:
        text += f"{gap}{'clients':>{columns.clients}}"
    if columns.volume:
        text += f"{gap}{'↑ bytes':>{columns.volume}} {'↓ bytes':>{columns.volume}}"
    if columns.rate:
        text += f"{gap}{'↑ rate':>{columns.rate}} {'↓ rate':>{columns.rate}}"
    if columns.spark:
        text += f"{gap}{'last 30 s' if columns.spark >= 9 else 'rate':<{columns.spark}}"
    if columns.uptime:
        text += f"{gap}{'up for':>{columns.uptime}}"
    return text


class TunnelRows(RowList):
    """One line per tunnel."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tunnel--faint",
        "tunnel--success",
        "tunnel--warning",
        "tunnel--error",
        "tunnel--detail",
        "tunnel--kind",
        "tunnel--spark",
        "tunnel--exposed",
    }

    def __init__(self) -> None:
        super().__init__()
        self.tunnels: list[TunnelSnapshot] = []

    def show(self, tunnels: list[TunnelSnapshot]) -> None:
        """Show other snapshots, the cursor staying on its tunnel."""
        current = self.current
        grown = len(tunnels) != len(self.tunnels)
        self.tunnels = tunnels
        ids = [tunnel.id for tunnel in tunnels]
        if current and current.id in ids:
            self.cursor = ids.index(current.id)
        if grown:
            self.reset_lines()
        else:
            self.refresh()

    @property
    def current(self) -> TunnelSnapshot | None:
        """The tunnel at the cursor."""
        return self.tunnels[self.cursor] if self.cursor < len(self.tunnels) else None

    def columns(self, width: int) -> TunnelColumns:
        """Return the columns for a width."""
        host = max((len(clean(tunnel.host, 60)) for tunnel in self.tunnels), default=0)
        way, short = (
            max((sum(map(len, _way(tunnel, short))) for tunnel in self.tunnels), default=0)
            for short in (False, True)
        )
        return TunnelColumns.fit(width, host, way, short)

    def item_count(self) -> int:
        """Return how many tunnels there are."""
        return len(self.tunnels)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the columns of one tunnel."""
        tunnel = self.tunnels[line]
        columns = self.columns(width)
        mark = MARKS[tunnel.state]
        colour = self.look(f"tunnel--{mark.colour}")
        idle = tunnel.state in (TunnelState.CLOSED, TunnelState.FAILED)
        plain = self.look("tunnel--detail") if idle else Style.null()
        detail = self.look("tunnel--detail")
        clients = str(tunnel.clients) if tunnel.clients or not idle else ""
        pieces: list[Piece] = [
            (f" {mark.shape} {_state(tunnel):<{_STATE}}", colour),
            (f"  {clip(clean(tunnel.host, 60), columns.host):<{columns.host}}", plain),
            (f"  {tunnel.kind.value}", self.look("tunnel--kind")),
            *self._way_pieces(tunnel, columns, plain),
        ]
        if columns.clients:
            pieces.append((f"  {clients:>{columns.clients}}", plain))
        if columns.volume:
            counts = (tunnel.bytes_up, tunnel.bytes_down)
            pieces.append((f" {_pair(map(_quiet, counts), columns.volume)}", detail))
        if columns.rate:
            rates = (tunnel.rate_up, tunnel.rate_down)
            pieces.append((f" {_pair(map(_rate, rates), columns.rate)}", plain))
        if columns.spark:
            history = () if idle and not any(tunnel.history) else tunnel.history
            spark = sparkline(history, columns.spark) if history else " " * columns.spark
            pieces.append((f"  {spark}", self.look("tunnel--spark")))
        if columns.uptime:
            uptime = _uptime(tunnel.uptime, columns.uptime)
            pieces.append((f"  {uptime:>{columns.uptime}}", detail))
        return pieces

    def _way_pieces(
        self, tunnel: TunnelSnapshot, columns: TunnelColumns, style: Style
    ) -> list[Piece]:
        width = columns.way
        listen, badge, target = _way(tunnel, columns.short)
        listen = clip(listen, width)
        target = clip(target, width - len(listen) - len(badge))
        gap = width - len(listen) - len(badge) - len(target)
        return [
            (f" {listen}", style),
            (badge, self.look("tunnel--exposed")),
            (target + " " * max(gap, 0), style),
        ]


def _state(tunnel: TunnelSnapshot) -> str:
    """Return the state in a word; of one that waits, for how long yet."""
    if tunnel.state is not TunnelState.RECONNECTING:
        return str(tunnel.state.value)
    return "waiting" if tunnel.retry_in is None else f"retry {ceil(tunnel.retry_in)} s"


def _way(tunnel: TunnelSnapshot, short: bool) -> tuple[str, str, str]:
    """Return where it listens, the badge where others can reach that, and the target."""
    badge = " ⚠" if tunnel.exposed else ""
    listen = clean(tunnel.listen, 80)
    if short:
        listen = listen.removeprefix("localhost")
    return listen, badge, f" → {clean(tunnel.target, 80)}"


def _pair(texts: Iterable[str], width: int) -> str:
    """Return two figures beside each other, up before down."""
    return "".join(f" {text:>{width}}" for text in texts)


def _uptime(seconds: float | None, width: int) -> str:
    """Return how long a tunnel is open, without the smaller unit where that has no room."""
    words = "" if seconds is None else duration_text(seconds)
    return words if len(words) <= width else " ".join(words.split()[:2])


def _quiet(count: int) -> str:
    return size_text(count) if count else "–"


def _rate(rate: float) -> str:
    return rate_text(rate) if rate >= 0.5 else "–"
