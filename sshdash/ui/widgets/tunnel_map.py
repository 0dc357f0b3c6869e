"""All tunnels as a tree: from here over the hosts on the way to where they lead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.style import Style

from sshdash.states import TunnelState
from sshdash.tunnels.spec import Kind
from sshdash.ui.format import clip, rate_text
from sshdash.ui.theme import MARKS, Mark
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.ui.widgets.tunnel_words import (
    ANYWHERE,
    RUNNING,
    is_proxy,
    name_of,
    standing,
    way_of,
)
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_WORST = (Mark.FAILED, Mark.DEGRADED, Mark.BUSY, Mark.UP, Mark.PAUSED, Mark.IDLE)


@dataclass(frozen=True, slots=True)
class MapLine:
    """One line of the map."""

    stem: str
    """The branches to the left of it."""
    mark: Mark | None
    words: str
    note: str = ""
    """Behind the words, of less weight."""
    figures: str = ""
    """At the right end."""
    tunnel: str = ""
    """The id, where the line is one; empty for a place on the way."""


@dataclass(slots=True)
class _Node:
    name: str
    hosts: dict[str, _Node] = field(default_factory=dict)
    tunnels: list[TunnelSnapshot] = field(default_factory=list)

    def below(self) -> Iterable[TunnelSnapshot]:
        """Yield all tunnels that go through it."""
        yield from self.tunnels
        for host in self.hosts.values():
            yield from host.below()


def map_lines(tunnels: Sequence[TunnelSnapshot]) -> list[MapLine]:
    """Return the tree: here, then each host under the one that leads to it, then its tunnels."""
    root = _Node("you")
    for tunnel in tunnels:
        node = root
        for hop in tunnel.route or (tunnel.host,):
            node = node.hosts.setdefault(hop, _Node(hop))
        node.tunnels.append(tunnel)
    lines = [MapLine(" ", None, "you", figures=_rates(tunnels))]
    _grow(root, " ", lines)
    return lines


def _grow(node: _Node, stem: str, lines: list[MapLine]) -> None:
    branches: list[_Node | TunnelSnapshot] = [*node.tunnels, *node.hosts.values()]
    for index, branch in enumerate(branches):
        last = index == len(branches) - 1
        joint, onward = ("└─", "  ") if last else ("├─", "│ ")
        if isinstance(branch, _Node):
            below = list(branch.below())
            marks = {MARKS[one.state] for one in below}
            worst = next(mark for mark in _WORST if mark in marks)
            running = sum(one.state in RUNNING for one in below)
            note = f"{running} of {len(below)} open"
            name = clean(branch.name, 60)
            lines.append(MapLine(f"{stem}{joint}▶ ", worst, name, note, _rates(below)))
            _grow(branch, f"{stem}{onward}  ", lines)
        else:
            lines.append(_leaf(branch, f"{stem}{joint} "))


def _leaf(tunnel: TunnelSnapshot, stem: str) -> MapLine:
    listen, badge, _ = way_of(tunnel, short=True)
    led = ANYWHERE if is_proxy(tunnel) else clean(tunnel.target, 80)
    arrow = "◀─" if tunnel.kind is Kind.REMOTE else "─▶"
    ends = (led, f"{listen}{badge}") if tunnel.kind is Kind.REMOTE else (f"{listen}{badge}", led)
    words = f"{tunnel.kind.value} {ends[0]} {arrow} {ends[1]}"
    shown = tunnel.state not in (TunnelState.OPEN, TunnelState.CLOSED) or tunnel.owner
    note = "  ".join(filter(None, (name_of(tunnel), standing(tunnel) if shown else "")))
    return MapLine(stem, MARKS[tunnel.state], words, note, _rates([tunnel]), tunnel.id)


def _rates(tunnels: Iterable[TunnelSnapshot]) -> str:
    up, down = 0.0, 0.0
    for tunnel in tunnels:
        up, down = up + tunnel.rate_up, down + tunnel.rate_down
    words = (f"{sign} {rate_text(rate)}" for sign, rate in (("↑", up), ("↓", down)) if rate >= 0.5)
    return "  ".join(words)


class TunnelMap(RowList):
    """The map; the cursor goes from tunnel to tunnel, over the places between them."""

    titles: ClassVar[dict[str, str]] = {"tunnels.toggle": "Go to it", "tunnels.map": "Table"}
    """What commands do here that do something else in the table."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "map--stem",
        "map--place",
        "map--note",
        "map--figures",
        "map--faint",
        "map--success",
        "map--warning",
        "map--error",
    }

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[MapLine] = []
        self._leaves: list[int] = []

    def show(self, tunnels: Sequence[TunnelSnapshot]) -> None:
        """Show other snapshots, the cursor staying on its tunnel."""
        lines = map_lines(tunnels)
        if lines == self.lines:
            return
        current, old = self.current, self.lines
        self.lines = lines
        self._leaves = [index for index, line in enumerate(lines) if line.tunnel]
        ids = [lines[index].tunnel for index in self._leaves]
        if len(lines) != len(old) or [line.tunnel for line in old] != [
            line.tunnel for line in lines
        ]:
            if current in ids:
                self.cursor = ids.index(current)
            self.reset_lines()
            return
        for index, line in enumerate(lines):
            if line != old[index]:
                self.refresh_lines(index)

    @property
    def current(self) -> str:
        """The id of the tunnel at the cursor, empty for none."""
        if self.cursor >= len(self._leaves):
            return ""
        return self.lines[self._leaves[self.cursor]].tunnel

    def go_to(self, tunnel: str) -> None:
        """Put the cursor on a tunnel."""
        ids = [self.lines[index].tunnel for index in self._leaves]
        if tunnel in ids:
            self.cursor = ids.index(tunnel)

    def item_count(self) -> int:
        """Return how many tunnels there are."""
        return len(self._leaves)

    def line_count(self) -> int:
        """Return how many lines the tree has."""
        return len(self.lines)

    def line_of(self, item: int) -> int:
        """Return the line of a tunnel."""
        return self._leaves[item] if item < len(self._leaves) else 0

    def item_at(self, line: int) -> int:
        """Return the tunnel on a line, the next one below a place."""
        below = (item for item, index in enumerate(self._leaves) if index >= line)
        return next(below, len(self._leaves) - 1)

    def reveal(self, item: int) -> None:
        """Show a tunnel, the first one of all with what is above it."""
        super().reveal(item)
        if item == 0 and self.line_of(0) < self.scrollable_content_region.height:
            self.scroll_to(y=0, animate=False, force=True)

    def line_ground(self, line: int) -> Style:
        """Return the background; places are never under the cursor."""
        return super().line_ground(line) if self.lines[line].tunnel else self.rich_style

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return a place or a tunnel behind its branches."""
        one = self.lines[line]
        figures = f"  {one.figures} " if one.figures else " "
        room = width - cell_len(one.stem) - cell_len(figures) - (2 if one.mark else 0)
        words = clip(one.words, room)
        note = clip(one.note, room - cell_len(words) - 2)
        gap = room - cell_len(words) - (cell_len(note) + 2 if note else 0)
        mark = one.mark
        idle = mark is Mark.IDLE and bool(one.tunnel)
        look = self.look("map--note") if idle else Style.null()
        return [
            (one.stem, self.look("map--stem")),
            (f"{mark.shape} " if mark else "", self.look(f"map--{mark.colour}") if mark else look),
            (words, look if one.tunnel else self.look("map--place")),
            (f"  {note}" if note else "", self.look("map--note")),
            (" " * max(gap, 0), Style.null()),
            (figures, self.look("map--figures")),
        ]
