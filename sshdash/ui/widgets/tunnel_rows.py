"""The lines of the tunnel table: columns that fit the width, the state as shape and word."""

from __future__ import annotations

from dataclasses import dataclass
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

_STATE = 8
_KIND = 1
_CLIENTS = 7
_BYTES = 8
_RATE = 8
_UPTIME = 10


@dataclass(frozen=True, slots=True)
class TunnelColumns:
    """The widths of the columns; 0 leaves a column out."""

    host: int
    way: int
    clients: int
    volume: int
    rate: int
    spark: int
    uptime: int

    @classmethod
    def fit(cls, width: int, hosts: int) -> TunnelColumns:
        """Return the columns that fit, `hosts` being the width of the longest host name."""
        host = min(max(hosts, 4), 10 if width < 90 else 20)
        spark = 30 if width >= 150 else 14 if width >= 116 else 0
        uptime = _UPTIME if width >= 100 else 0
        volume = _BYTES if width >= 84 else 0
        taken = 3 + _STATE + 2 + host + 2 + _KIND + 2 + _CLIENTS + 2 + 2 * _RATE + 4
        taken += 2 * (volume + 2) if volume else 0
        taken += sum(column + 2 for column in (spark, uptime) if column)
        return cls(host, max(width - taken, 12), _CLIENTS, volume, _RATE, spark, uptime)


def head_text(columns: TunnelColumns) -> str:
    """Return the names of the columns on a line."""
    parts = [
        f"   {'state':<{_STATE}}",
        f"{'host':<{columns.host}}",
        f"{'':<{_KIND}}",
        f"{'listens → target':<{columns.way}}",
        f"{'clients':>{columns.clients}}",
    ]
    if columns.volume:
        parts += [f"{'↑ bytes':>{columns.volume}}", f"{'↓ bytes':>{columns.volume}}"]
    parts += [f"{'↑ rate':>{columns.rate}}", f"{'↓ rate':>{columns.rate}}"]
    if columns.spark:
        parts.append(f"{'last 30 s':<{columns.spark}}")
    if columns.uptime:
        parts.append(f"{'up for':>{columns.uptime}}")
    return "  ".join(parts)


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
        longest = max((len(clean(tunnel.host, 60)) for tunnel in self.tunnels), default=0)
        return TunnelColumns.fit(width, longest)

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
            (f" {mark.shape} {tunnel.state.value:<{_STATE}}", colour),
            (f"  {clip(clean(tunnel.host, 60), columns.host):<{columns.host}}", plain),
            (f"  {tunnel.kind.value}", self.look("tunnel--kind")),
            *self._way(tunnel, columns.way, plain),
            (f"  {clients:>{columns.clients}}", plain),
        ]
        if columns.volume:
            pieces += [
                (f"  {_quiet(tunnel.bytes_up):>{columns.volume}}", detail),
                (f"  {_quiet(tunnel.bytes_down):>{columns.volume}}", detail),
            ]
        pieces += [
            (f"  {_rate(tunnel.rate_up):>{columns.rate}}", plain),
            (f"  {_rate(tunnel.rate_down):>{columns.rate}}", plain),
        ]
        if columns.spark:
            history = () if idle and not any(tunnel.history) else tunnel.history
            spark = sparkline(history, columns.spark) if history else " " * columns.spark
            pieces.append((f"  {spark}", self.look("tunnel--spark")))
        if columns.uptime:
            uptime = "" if tunnel.uptime is None else duration_text(tunnel.uptime)
            pieces.append((f"  {uptime:>{columns.uptime}}", detail))
        return pieces

    def _way(self, tunnel: TunnelSnapshot, width: int, style: Style) -> list[Piece]:
        listen = clean(tunnel.listen, 80)
        badge = " ⚠" if tunnel.exposed else ""
        target = f" → {clean(tunnel.target, 80)}"
        if width < len(listen) + len(badge) + len(target):
            listen = listen.removeprefix("localhost")
        listen = clip(listen, width)
        target = clip(target, width - len(listen) - len(badge))
        gap = width - len(listen) - len(badge) - len(target)
        return [
            (f"  {listen}", style),
            (badge, self.look("tunnel--exposed")),
            (target + " " * max(gap, 0), style),
        ]


def _quiet(count: int) -> str:
    return size_text(count) if count else "–"


def _rate(rate: float) -> str:
    return rate_text(rate) if rate >= 0.5 else "–"
