"""The hosts of the sidebar: grouped, filtered, with the state and the counts of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.strip import Strip

from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.format import clip, number_text
from sshdash.ui.fuzzy import match
from sshdash.ui.theme import AGENT_MARK, Mark
from sshdash.ui.widgets.row_list import Piece, RowList, strip_of

_SHELL = "▮"
_TUNNEL = "⇄"


@dataclass(frozen=True, slots=True)
class HostRow:
    """One host as the list shows it; the texts are cleaned."""

    host: str
    """The name it is asked for by."""
    label: str
    group: str = ""
    mark: Mark = Mark.IDLE
    reason: str = ""
    """Why it failed or was lost, what it waits for."""
    shells: int = 0
    tunnels: int = 0
    agent_forwarded: bool = False

    @property
    def counts(self) -> str:
        """Return what is open on it: ``2▮ 1⇄``, and ``⇢`` where it may use our agent."""
        pairs = ((self.shells, _SHELL), (self.tunnels, _TUNNEL))
        parts = [f"{count}{shape}" for count, shape in pairs if count]
        return " ".join([*parts, AGENT_MARK] if self.agent_forwarded else parts)


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The heading of a group."""

    group: str
    size: int
    folded: bool


class HostList(RowList):
    """The hosts on lines, headings between the groups; the cursor may rest on either."""

    place: ClassVar[Place] = Place.HOSTS
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "host--match",
        "host--counts",
        "host--reason",
        "host--group",
        "host--faint",
        "host--success",
        "host--warning",
        "host--error",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(Place.HOSTS),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]

    class Highlighted(Message):
        """The cursor is on another host, or on none."""

        def __init__(self, host: str | None) -> None:
            super().__init__()
            self.host = host

    def __init__(self) -> None:
        super().__init__()
        self._hosts: tuple[HostRow, ...] = ()
        self._lines: list[HostRow | GroupRow] = []
        self._folded: set[str] = set()
        self._filter = ""
        self._matches: dict[str, frozenset[int]] = {}
        self._told: str | None = None

    def __repr__(self) -> str:
        return f"<HostList [{len(self._lines)} of {len(self._hosts)} on {self.host!r}]>"

    # What is shown

    def show(self, hosts: Iterable[HostRow]) -> None:
        """Show other hosts, or the same in another state; the cursor stays with its host."""
        rows = tuple(hosts)
        if rows == self._hosts:
            return
        first = not self._hosts
        self._hosts = rows
        self._arrange(keep=self._line_key())
        if first:
            self.cursor = self._first_host()

    def filter(self, text: str) -> None:
        """Show only the hosts that match; the best match gets the cursor."""
        text = text.strip()
        if text == self._filter:
            return
        keep = self._line_key()
        self._filter = text
        self._arrange(keep=keep)
        if text and self._lines:
            self.cursor = 0
        elif not text and keep is None:
            self.cursor = self._first_host()

    def _arrange(self, keep: str | None) -> None:
        heading = line.group if isinstance(line := self._line(), GroupRow) else None
        if self._filter:
            self._lines = [*self._ranked()]
        else:
            self._matches = {}
            self._lines = [*self._grouped()]
        self.reset_lines()
        if keep is not None:
            self.go_to(keep, unfold=False)
        elif heading is not None:
            self._go_to_heading(heading)
        self._tell()

    def _ranked(self) -> Sequence[HostRow]:
        scored = []
        self._matches = {}
        for row in self._hosts:
            if found := match(self._filter, row.label):
                self._matches[row.host] = frozenset(found.places)
                scored.append((found.score, row))
        scored.sort(key=lambda pair: -pair[0])
        return [row for _, row in scored]

    def _grouped(self) -> Iterable[HostRow | GroupRow]:
        groups: dict[str, list[HostRow]] = {}
        for row in self._hosts:
            groups.setdefault(row.group, []).append(row)
        yield from groups.pop("", ())
        for group, rows in groups.items():
            folded = group in self._folded
            yield GroupRow(group, len(rows), folded)
            if not folded:
                yield from rows

    # Where the cursor is

    @property
    def host(self) -> str | None:
        """Return the host under the cursor, None on a heading or an empty list."""
        line = self._line()
        return line.host if isinstance(line, HostRow) else None

    def host_under(self, offset: Offset) -> tuple[str, int] | None:
        """Return the host drawn at an offset inside the list, and its item."""
        item = self.item_under(offset)
        line = None if item is None else self._lines[item]
        return (line.host, item) if item is not None and isinstance(line, HostRow) else None

    @property
    def shown_hosts(self) -> list[str]:
        """Return the hosts in the order they are listed."""
        return [line.host for line in self._lines if isinstance(line, HostRow)]

    def go_to(self, host: str, unfold: bool = True) -> bool:
        """Put the cursor on a host, unfolding its group; return whether it is listed."""
        if unfold:
            self._unfold_group_of(host)
        for index, line in enumerate(self._lines):
            if isinstance(line, HostRow) and line.host == host:
                self.cursor = index
                return True
        return False

    def _unfold_group_of(self, host: str) -> None:
        groups = {row.group for row in self._hosts if row.host == host}
        if groups & self._folded:
            self._folded -= groups
            self._arrange(keep=None)

    def _line(self) -> HostRow | GroupRow | None:
        return self._lines[self.cursor] if 0 <= self.cursor < len(self._lines) else None

    def _line_key(self) -> str | None:
        return self.host

    def _first_host(self) -> int:
        places = (i for i, line in enumerate(self._lines) if isinstance(line, HostRow))
        return next(places, 0)

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell which host is under the cursor now."""
        super().watch_cursor(old, new)
        self._tell()

    def _tell(self) -> None:
        if self.host != self._told:
            self._told = self.host
            # Whoever called may be a parent, and what a parent sends would not pass it.
            self.post_message(self.Highlighted(self.host).set_sender(self))

    def action_first(self) -> None:
        """Move the cursor to the first host, past a heading."""
        self.cursor = self._first_host()

    def action_host_fold(self) -> None:
        """Fold or unfold the group under the cursor."""
        line = self._line()
        if line is None or not line.group or self._filter:
            return
        self._folded ^= {line.group}
        self._arrange(keep=None)
        self._go_to_heading(line.group)

    def _go_to_heading(self, group: str) -> None:
        for index, line in enumerate(self._lines):
            if isinstance(line, GroupRow) and line.group == group:
                self.cursor = index

    @property
    def group(self) -> str:
        """Return the group of the line under the cursor, empty for none."""
        line = self._line()
        return line.group if line is not None else ""

    @property
    def on_heading(self) -> bool:
        """Return whether the cursor is on the heading of a group."""
        return isinstance(self._line(), GroupRow)

    # Drawing

    def item_count(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return a heading or a host on a line."""
        row = self._lines[line]
        if isinstance(row, GroupRow):
            fold = "▸" if row.folded else "▾"
            return [
                (f" {fold} {clip(row.group, width - 10)}", self.look("host--group")),
                (f"  {number_text(row.size)}", self.look("host--faint")),
            ]
        return self._host_pieces(row, width)

    def render_line(self, y: int) -> Strip:
        """Draw one line; a filter that matches nothing says what Enter would do."""
        if self._lines or not self._filter or y > 1:
            return super().render_line(y)
        words = ("no host matches", "Enter connects to it")[y]
        width = self.size.width
        return strip_of(
            [(f" {clip(words, width - 1)}", self.look("host--faint"))], width, self.rich_style
        )

    def _host_pieces(self, row: HostRow, width: int) -> list[Piece]:
        counts = row.counts
        indent = "   " if row.group and not self._filter else " "
        space = width - len(indent) - 2 - (cell_len(counts) + 1 if counts else 0) - 1
        label = clip(row.label, space)
        left = space - cell_len(label)
        reason = clip(row.reason, left - 2) if row.reason and left > 6 else ""
        gap = left - cell_len(reason)
        return [
            (indent, Style.null()),
            (f"{row.mark.shape} ", self.look(f"host--{row.mark.colour}")),
            *self._label_pieces(row, label),
            (" " * gap, Style.null()),
            (reason, self.look("host--warning" if row.mark is Mark.BUSY else "host--reason")),
            (f" {counts}" if counts else "", self.look("host--counts")),
            (" ", Style.null()),
        ]

    def _label_pieces(self, row: HostRow, label: str) -> list[Piece]:
        matched = self._matches.get(row.host)
        if not matched:
            return [(label, Style.null())]
        hit = self.look("host--match")
        return [(char, hit if i in matched else Style.null()) for i, char in enumerate(label)]
