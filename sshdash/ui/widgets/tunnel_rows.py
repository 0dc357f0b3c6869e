"""The lines of the tunnel table, of which only those that changed are drawn again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from textual.strip import Strip
from textual.theme import Theme

from sshdash.states import TunnelState
from sshdash.tunnels.kept.rules_text import COLOURS
from sshdash.ui.format import clip, count_text, rate_text, size_text
from sshdash.ui.theme import MARKS
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.ui.widgets.sparkline import sparkline
from sshdash.ui.widgets.terminal_paint import named_colours
from sshdash.ui.widgets.tunnel_columns import TunnelColumns, Wishes
from sshdash.ui.widgets.tunnel_words import name_of, standing, way_of
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_LEAST_TAG = 5
"""Cells in which the beginning of a tag says something."""


class TunnelRows(RowList):
    """One line per tunnel; by host, a heading stands above the first one of each."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tunnel--faint",
        "tunnel--success",
        "tunnel--warning",
        "tunnel--error",
        "tunnel--detail",
        "tunnel--kind",
        "tunnel--spark",
        "tunnel--exposed",
        "tunnel--heading",
        "tunnel--name",
    }

    def __init__(self) -> None:
        super().__init__()
        self.tunnels: list[TunnelSnapshot] = []
        self.by_host = False
        self._lines: list[tuple[int, bool]] = []
        """For each line the tunnel, and whether it is the heading above it."""
        self._places: list[int] = []
        self._drawn: dict[int, list[Piece]] = {}
        self._columns = TunnelColumns.fit(80, Wishes(0, 0, 0, 0))
        self._fitted: tuple[object, ...] = ()

    def show(self, tunnels: list[TunnelSnapshot], by_host: bool = False) -> bool:
        """Show other snapshots, the cursor staying on its tunnel; return whether columns moved."""
        current = self.current
        same = by_host == self.by_host and _order(tunnels) == _order(self.tunnels)
        self.tunnels, self.by_host = tunnels, by_host
        if not same:
            self._lay_out()
            ids = [tunnel.id for tunnel in tunnels]
            if current and current.id in ids:
                self.cursor = ids.index(current.id)
        moved = self._fit()
        if same and not moved:
            self._refresh_changed()
        else:
            self.reset_lines()
        return moved or not same

    def _lay_out(self) -> None:
        self._lines, self._places = [], []
        host = None
        for index, tunnel in enumerate(self.tunnels):
            if self.by_host and tunnel.host != host:
                host = tunnel.host
                self._lines.append((index, True))
            self._places.append(len(self._lines))
            self._lines.append((index, False))

    def _refresh_changed(self) -> None:
        """Draw those lines in sight again that would look different."""
        width = self.scrollable_content_region.width
        top = self.scroll_offset.y
        seen = range(top, min(top + self.size.height, len(self._lines)))
        # All first: whatever is to be drawn again makes Textual work out the styles anew.
        for line in [one for one in seen if self._drawn.get(one) != self.pieces(one, width)]:
            self.refresh_lines(line)

    @property
    def current(self) -> TunnelSnapshot | None:
        """The tunnel at the cursor."""
        return self.tunnels[self.cursor] if self.cursor < len(self.tunnels) else None

    @property
    def columns(self) -> TunnelColumns:
        """The columns, as they fit the width."""
        self._fit()
        return self._columns

    def _fit(self) -> bool:
        """Measure, where the width or what is shown changed; return whether columns moved."""
        width = self.scrollable_content_region.width
        key = (width, self.by_host, *((one.host, one.listen, one.rule) for one in self.tunnels))
        if key == self._fitted:
            return False
        self._fitted = key
        names = (cell_len(_named(tunnel)) for tunnel in self.tunnels)
        hosts = (cell_len(clean(tunnel.host, 60)) for tunnel in self.tunnels)
        way, short = (
            max((sum(map(len, way_of(one, short))) for one in self.tunnels), default=0)
            for short in (False, True)
        )
        host = 0 if self.by_host else max(hosts, default=0)
        columns = TunnelColumns.fit(width, Wishes(max(names, default=0), host, way, short))
        moved, self._columns = columns != self._columns, columns
        return moved

    # Lines

    def item_count(self) -> int:
        """Return how many tunnels there are."""
        return len(self.tunnels)

    def line_count(self) -> int:
        """Return how many lines they take, with the headings."""
        return len(self._lines)

    def line_of(self, item: int) -> int:
        """Return the line of a tunnel."""
        return self._places[item] if item < len(self._places) else 0

    def item_at(self, line: int) -> int:
        """Return the tunnel on a line, or below it."""
        return self._lines[line][0]

    def reveal(self, item: int) -> None:
        """Show a tunnel, the first one of all with its heading."""
        super().reveal(item)
        if item == 0 and self.by_host:
            self.scroll_to(y=0, animate=False, force=True)

    def line_ground(self, line: int) -> Style:
        """Return the background; headings are never under the cursor."""
        return self.rich_style if self._lines[line][1] else super().line_ground(line)

    def render_line(self, y: int) -> Strip:
        """Draw one line, and keep what it shows."""
        line = y + self.scroll_offset.y
        if 0 <= line < len(self._lines):
            self._drawn[line] = self.pieces(line, self.scrollable_content_region.width)
        return super().render_line(y)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the columns of one tunnel, or a heading."""
        item, heading = self._lines[line]
        if heading:
            return self._heading_pieces(self.tunnels[item])
        tunnel, columns = self.tunnels[item], self._columns
        mark = MARKS[tunnel.state]
        detail = self.look("tunnel--detail")
        idle = bool(tunnel.owner) or tunnel.state in (TunnelState.CLOSED, TunnelState.FAILED)
        plain = detail if idle else Style.null()
        colour = self.look(f"tunnel--{mark.colour}")
        pieces: list[Piece] = [(f" {mark.shape} ", colour)]
        if columns.name:
            pieces += self._name_pieces(item, columns.name)
        pieces.append((f"{tunnel.kind.value} ", self.look("tunnel--kind")))
        pieces += self._way_pieces(tunnel, plain)
        if columns.host:
            host = clip(clean(tunnel.host, 60), columns.host)
            pieces.append((f"  {host:<{columns.host}}", plain))
        if columns.clients:
            clients = str(tunnel.clients) if tunnel.clients else ""
            pieces.append((f"  {clients:>{columns.clients}}", plain))
        if columns.traffic:
            for gap, rate, count in (
                ("  ", tunnel.rate_up, tunnel.bytes_up),
                (" ", tunnel.rate_down, tunnel.bytes_down),
            ):
                pieces.append((gap + _traffic(rate, count), plain if rate >= 0.5 else detail))
        if columns.spark:
            some = any(tunnel.history)
            spark = sparkline(tunnel.history, columns.spark) if some else " " * columns.spark
            pieces.append((f"  {spark}", self.look("tunnel--spark")))
        words = clip(standing(tunnel, columns.standing), columns.standing)
        pieces.append((f"  {words:<{columns.standing}}", colour))
        return pieces

    def _heading_pieces(self, first: TunnelSnapshot) -> list[Piece]:
        own = [one for one in self.tunnels if one.host == first.host]
        marks = Counter(MARKS[one.state] for one in own)
        route = " → ".join(clean(hop, 60) for hop in first.route[:-1])
        pieces: list[Piece] = [
            (f" {clip(clean(first.host, 60), 40)}", self.look("tunnel--heading")),
            (f"  via {route}" if route else "", self.look("tunnel--faint")),
            (f"   {count_text(len(own), 'tunnel')}", self.look("tunnel--faint")),
        ]
        for mark, count in sorted(marks.items(), key=lambda pair: pair[0].name):
            pieces.append((f"  {mark.shape} {count}", self.look(f"tunnel--{mark.colour}")))
        return pieces

    def _name_pieces(self, item: int, width: int) -> list[Piece]:
        """Return the name in its colour, with its tags; a rule is named once for its forwards."""
        tunnel = self.tunnels[item]
        rule = tunnel.rule
        above = self.tunnels[item - 1] if item else None
        if rule is None:
            return [(" " * (width + 2), Style.null())]
        if above and above.rule and above.rule.name == rule.name and above.host == tunnel.host:
            return [("└".ljust(width + 2), self.look("tunnel--faint"))]
        name = clip(name_of(tunnel), width)
        room = width - cell_len(name) - 1
        tags = clip(_tags(tunnel), room) if room >= _LEAST_TAG else ""
        gap = width - cell_len(name) - (cell_len(tags) + 1 if tags else 0)
        look = self.look("tunnel--name")
        if rule.colour in COLOURS:
            look += Style(color=_shown(rule.colour, self.app.current_theme))
        return [
            (name, look),
            (f" {tags}" if tags else "", self.look("tunnel--faint")),
            (" " * (gap + 2), Style.null()),
        ]

    def _way_pieces(self, tunnel: TunnelSnapshot, style: Style) -> list[Piece]:
        width = self._columns.way
        listen, badge, target = way_of(tunnel, self._columns.short)
        listen = clip(listen, width - len(badge))
        target = clip(target, width - len(listen) - len(badge))
        gap = width - len(listen) - len(badge) - len(target)
        return [
            (listen, style),
            (badge, self.look("tunnel--exposed")),
            (target + " " * max(gap, 0), style),
        ]


def _order(tunnels: list[TunnelSnapshot]) -> list[tuple[str, str]]:
    return [(tunnel.id, tunnel.host) for tunnel in tunnels]


def _shown(colour: str, theme: Theme) -> Color:
    """Return a rule's colour as it can be read on the theme's background."""
    lost = "black" if theme.dark else "white"
    index = COLOURS.index("bright_black" if colour == lost else colour)
    return Color.from_rgb(*named_colours(theme)[index])


def _tags(tunnel: TunnelSnapshot) -> str:
    tags = tunnel.rule.tags if tunnel.rule is not None else ()
    return " ".join(f"#{clean(tag, 20)}" for tag in tags)


def _named(tunnel: TunnelSnapshot) -> str:
    return " ".join(filter(None, (name_of(tunnel), _tags(tunnel))))


def _traffic(rate: float, count: int) -> str:
    """Return what passes now, else what has passed, as wide as the column."""
    words = rate_text(rate) if rate >= 0.5 else size_text(count) if count else "–"
    return f"{words:>9}"
