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
_HOST = (4, 20)
_WAY = (18, 56)
_SHORT = 30
"""A narrower way leaves ``localhost`` out everywhere, so that the rows look alike."""
_CLIENTS = 7
_BYTES = 8
_RATE = 8
_UPTIME = 10
_SPARK = (10, 30)
_GAP = 2


@dataclass(frozen=True, slots=True)
class TunnelColumns:
    """The widths of the columns; 0 leaves a column out."""

    host: int
    way: int
    clients: int = 0
    rate: int = 0
    volume: int = 0
    uptime: int = 0
    spark: int = 0

    @classmethod
    def fit(cls, width: int, host: int, way: int) -> TunnelColumns:
        """Return the columns that fit, where host and way would like to be so wide.

        The figures come in the order of their use, once the way has room; what is left at the
        end goes to the sparkline.
        """
        host = min(max(host, _HOST[0]), _HOST[1] if width >= 90 else _HOST[1] // 2)
        way = min(max(way, _WAY[0]), _WAY[1])
        room = width - (3 + _STATE) - (_GAP + host) - (_GAP + 1) - _GAP
        taken = min(way, max(room - _GAP - _CLIENTS - 2 * (_GAP + _RATE), _WAY[0]))
        room -= taken
        found: dict[str, int] = {}
        for name, column, count in (
            ("clients", _CLIENTS, 1),
            ("rate", _RATE, 2),
            ("spark", _SPARK[0], 1),
            ("volume", _BYTES, 2),
            ("uptime", _UPTIME, 1),
        ):
            if room >= count * (_GAP + column):
                room -= count * (_GAP + column)
                found[name] = column
        if "spark" in found:
            more = min(room, _SPARK[1] - _SPARK[0])
            found["spark"] += more
            room -= more
        return cls(host, taken + max(room, 0), **found)


def head_text(columns: TunnelColumns) -> str:
    """Return the names of the columns on a line."""
    gap = " " * _GAP
    text = f"   {'state':<{_STATE}}{gap}{'host':<{columns.host}}{gap} {gap}"
    text += f"{'listens → target':<{columns.way}}"
    if columns.clients:
        text += f"{gap}{'clients':>{columns.clients}}"
    if columns.volume:
        text += f"{gap}{'↑ bytes':>{columns.volume}}{gap}{'↓ bytes':>{columns.volume}}"
    if columns.rate:
        text += f"{gap}{'↑ rate':>{columns.rate}}{gap}{'↓ rate':>{columns.rate}}"
    if columns.spark:
        text += f"{gap}{clip('last 30 s', columns.spark):<{columns.spark}}"
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
        way = max((sum(map(len, _way(tunnel))) for tunnel in self.tunnels), default=0)
        return TunnelColumns.fit(width, host, way)

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
            *self._way_pieces(tunnel, columns.way, plain),
        ]
        if columns.clients:
            pieces.append((f"  {clients:>{columns.clients}}", plain))
        if columns.volume:
            counts = (tunnel.bytes_up, tunnel.bytes_down)
            pieces += [(f"  {_quiet(count):>{columns.volume}}", detail) for count in counts]
        if columns.rate:
            rates = (tunnel.rate_up, tunnel.rate_down)
            pieces += [(f"  {_rate(rate):>{columns.rate}}", plain) for rate in rates]
        if columns.spark:
            history = () if idle and not any(tunnel.history) else tunnel.history
            spark = sparkline(history, columns.spark) if history else " " * columns.spark
            pieces.append((f"  {spark}", self.look("tunnel--spark")))
        if columns.uptime:
            uptime = "" if tunnel.uptime is None else duration_text(tunnel.uptime)
            pieces.append((f"  {uptime:>{columns.uptime}}", detail))
        return pieces

    def _way_pieces(self, tunnel: TunnelSnapshot, width: int, style: Style) -> list[Piece]:
        listen, badge, target = _way(tunnel)
        if width < _SHORT or len(listen) + len(badge) + len(target) > width:
            listen = listen.removeprefix("localhost")
        listen = clip(listen, width)
        target = clip(target, width - len(listen) - len(badge))
        gap = width - len(listen) - len(badge) - len(target)
        return [
            (f"  {listen}", style),
            (badge, self.look("tunnel--exposed")),
            (target + " " * max(gap, 0), style),
        ]


def _way(tunnel: TunnelSnapshot) -> tuple[str, str, str]:
    """Return where it listens, the badge where others can reach that, and the target."""
    badge = " ⚠" if tunnel.exposed else ""
    return clean(tunnel.listen, 80), badge, f" → {clean(tunnel.target, 80)}"


def _quiet(count: int) -> str:
    return size_text(count) if count else "–"


def _rate(rate: float) -> str:
    return rate_text(rate) if rate >= 0.5 else "–"
