"""The tunnels as a table or as a map: filtered, sorted, and with one of them at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from sshdash.ui.widgets.row_list import RowList
from sshdash.ui.widgets.tunnel_bar import TunnelBar
from sshdash.ui.widgets.tunnel_columns import head_text
from sshdash.ui.widgets.tunnel_map import TunnelMap
from sshdash.ui.widgets.tunnel_order import Sorting, arranged
from sshdash.ui.widgets.tunnel_rows import TunnelRows
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot

_EMPTY = (
    "No tunnels yet\n\n"
    "a adds one: a local port that leads to something only the host can reach,\n"
    "a port on the host that leads here, or a SOCKS proxy.\n"
    "LocalForward, RemoteForward and DynamicForward of ssh_config are listed too."
)

_READING = "Reading which tunnels there are …"


def _no_match(words: str, count: int) -> str:
    """Return what was looked for, where, and how to have the list back."""
    return (
        f"No tunnel matches “{clean(words.strip(), 60)}”\n\n"
        "It looks at names, hosts, ports, targets, services (postgres),\n"
        "states, #tags and notes.\n\n"
        f"Esc clears the filter and shows all {count}."
    )


class TunnelListing(Vertical):
    """The filter above the table or the map, or what to do where there are no tunnels."""

    def __init__(self) -> None:
        super().__init__(classes="tunnels-listing")
        self.bar = TunnelBar()
        self.rows = TunnelRows()
        self.map = TunnelMap()
        self._head = Static(classes="tunnels-head", markup=False)
        self._empty = Static(_EMPTY, classes="tunnels-empty", markup=False)
        self._listed: Sequence[TunnelSnapshot] = ()
        self._sorting = Sorting.LISTED
        self._by_host = False
        self.is_mapped = False
        """Whether the map is shown and not the table."""

    def compose(self) -> ComposeResult:
        """Lay out what takes turns."""
        yield self.bar
        yield self._head
        yield self.rows
        yield self.map
        yield self._empty

    def on_mount(self) -> None:
        """Begin with the table."""
        self.map.display = False

    @property
    def front(self) -> RowList:
        """The table or the map, whichever is shown."""
        return self.map if self.is_mapped else self.rows

    @property
    def tunnels(self) -> list[TunnelSnapshot]:
        """What is shown, in its order."""
        return self.rows.tunnels

    @property
    def current(self) -> TunnelSnapshot | None:
        """The tunnel at the cursor of the table or the map."""
        if not self.is_mapped:
            return self.rows.current
        wanted = self.map.current
        return next((one for one in self._listed if one.id == wanted), None)

    def show(self, listed: Sequence[TunnelSnapshot], *, reading: bool = False) -> None:
        """Show other snapshots, as far as they match the filter; more come while `reading`."""
        self._listed = listed
        words = self.bar.filter_text
        tunnels = arranged(listed, self._sorting, by_host=self._by_host, words=words)
        some, mapped = bool(tunnels), self.is_mapped
        self.rows.display = self._head.display = some and not mapped
        self.map.display = some and mapped
        self._empty.display = not some
        if not some:
            none = _READING if reading else _EMPTY
            self._empty.update(Content(_no_match(words, len(listed)) if listed else none))
        moved = self.rows.show(tunnels, self._by_host)
        if mapped:
            self.map.show(tunnels)
        if moved:
            self._draw_head()
        self.draw_bar()

    def fit(self) -> None:
        """Fit the columns, and their names, to the width."""
        self.rows.show(self.tunnels, self._by_host)
        self._draw_head()

    def draw_bar(self) -> None:
        """Say in what the list is not as usual."""
        words = []
        if self.bar.filter_text:
            words.append(f"{len(self.tunnels)} of {len(self._listed)}")
            if not self.bar.is_typing:
                words.append("Esc shows all")
        if self._sorting is not Sorting.LISTED:
            words.append(f"sorted by {self._sorting.value}")
        self.bar.say("  ·  ".join(words))

    def _draw_head(self) -> None:
        self._head.update(Content(head_text(self.rows.columns)), layout=False)

    def go_to(self, tunnel: str) -> bool:
        """Put the cursor on a tunnel; return whether it is shown."""
        ids = [one.id for one in self.tunnels]
        if tunnel not in ids:
            return False
        self.rows.cursor = ids.index(tunnel)
        if self.is_mapped:
            self.map.go_to(tunnel)
        return True

    def turn(self, *, mapped: bool) -> None:
        """Show the map or the table, the cursor staying on its tunnel."""
        current = self.current
        self.is_mapped = mapped
        self.show(self._listed)
        if current is not None:
            self.go_to(current.id)

    def sort(self) -> None:
        """Sort by the next thing."""
        self._sorting = self._sorting.following
        self.show(self._listed)

    def group(self) -> None:
        """List by host, or not."""
        self._by_host = not self._by_host
        self.show(self._listed)
