"""The content of the tunnels tab: a live table or map, and all about the tunnel at the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from sshdash.states import TunnelState
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.widgets.row_list import RowList
from sshdash.ui.widgets.tunnel_bar import FILTER, TunnelBar
from sshdash.ui.widgets.tunnel_clients import TunnelClients
from sshdash.ui.widgets.tunnel_columns import head_text
from sshdash.ui.widgets.tunnel_commands import TunnelCommands
from sshdash.ui.widgets.tunnel_detail import TunnelDetail
from sshdash.ui.widgets.tunnel_diagram import moves
from sshdash.ui.widgets.tunnel_map import TunnelMap
from sshdash.ui.widgets.tunnel_order import Sorting, arranged, siblings
from sshdash.ui.widgets.tunnel_rows import TunnelRows

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import ClientSnapshot, TunnelSnapshot

_INTERVAL = 0.33
"""Seconds between two looks at the tunnels, while they are in sight."""
_CALM = 6
"""Of so many looks one is enough while nothing happens: who knows better wakes the table."""
_ROOMY = 26
"""Rows of the tab from which there is room for all about a tunnel."""
_CHANGING = (TunnelState.OPENING, TunnelState.RECONNECTING)
_EMPTY = (
    "No tunnels yet\n\n"
    "a adds one: a local port that leads to something only the host can reach,\n"
    "a port on the host that leads here, or a SOCKS proxy.\n"
    "LocalForward, RemoteForward and DynamicForward of ssh_config are listed too."
)


class TunnelTable(TunnelCommands):
    """All tunnels, live. Asks for changes; the controller makes them.

    `source` gives the tunnels, `clients` those of one; `watch` is told of the one that is seen.
    """

    place: ClassVar[Place] = Place.TUNNELS
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of(Place.TUNNELS),
        Binding("escape", "leave", "Back", show=False),
    ]

    def __init__(
        self,
        source: Callable[[], list[TunnelSnapshot]] = list,
        clients: Callable[[str], Sequence[ClientSnapshot]] = lambda _: (),
        watch: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._source = source
        self._clients_of = clients
        self._watch = watch
        self.listed = []
        self._sorting = Sorting.LISTED
        self._by_host = False
        self._full: bool | None = None
        """Whether all about a tunnel is wanted; None leaves that to the room there is."""
        self._looks = 0
        self._calm = False
        self._rows = TunnelRows()
        self._map = TunnelMap()
        self._bar = TunnelBar()
        self._head = Static(classes="tunnels-head", markup=False)
        self._detail = TunnelDetail()
        self._empty = Static(_EMPTY, classes="tunnels-empty", markup=False)

    def compose(self) -> ComposeResult:
        """Lay out the table above the detail."""
        yield self._bar
        yield self._head
        yield self._rows
        yield self._map
        yield self._empty
        yield self._detail

    def on_mount(self) -> None:
        """Begin to look."""
        self._map.display = False
        self.update()
        self.set_interval(_INTERVAL, self._look)

    @property
    def rows(self) -> TunnelRows:
        """The list of tunnels, which takes the focus."""
        return self._rows

    @property
    def front(self) -> RowList:
        """The table or the map, whichever is shown."""
        return self._map if self.is_mapped else self._rows

    @property
    def tunnels(self) -> list[TunnelSnapshot]:
        """What is listed, in its order."""
        return self._rows.tunnels

    @property
    def detail(self) -> TunnelDetail:
        """What is told about the tunnel at the cursor."""
        return self._detail

    @property
    def clients(self) -> TunnelClients:
        """The clients of the tunnel at the cursor."""
        return self._detail.clients

    @property
    def is_mapped(self) -> bool:
        """Whether the map is shown and not the table."""
        return bool(self._map.display)

    @property
    def current(self) -> TunnelSnapshot | None:
        """The tunnel at the cursor of the table or the map."""
        if not self.is_mapped:
            return self._rows.current
        wanted = self._map.current
        return next((one for one in self.listed if one.id == wanted), None)

    def select_host(self, host: str) -> None:
        """Put the cursor on the first tunnel of a host, and let new ones begin with it."""
        self.host = host
        self.update()
        for index, tunnel in enumerate(self.tunnels):
            if tunnel.host == host:
                self._rows.cursor = index
                break

    def select(self, tunnel: str) -> None:
        """Put the cursor on a tunnel, shown or not until now."""
        self._map.display = False
        self.update()
        if tunnel not in (ids := [one.id for one in self.tunnels]):
            self._bar.clear()
            self.update()
            ids = [one.id for one in self.tunnels]
        if tunnel in ids:
            self._rows.cursor = ids.index(tunnel)
        self._rows.focus()

    # Looking

    def wake(self) -> None:
        """Look at the next occasion: something happened."""
        self._calm = False

    def _look(self) -> None:
        self._looks += 1
        if (self._calm and self._looks % _CALM) or not self.is_on_screen:
            return
        self.update()

    def update(self) -> None:
        """Show the tunnels as they are now."""
        self.listed = self._source()
        self._calm = not any(
            moves(one) or one.clients or one.state in _CHANGING for one in self.listed
        )
        words = self._bar.filter_text
        tunnels = arranged(self.listed, self._sorting, by_host=self._by_host, words=words)
        some, mapped = bool(self.listed), self.is_mapped
        self._rows.display = self._head.display = some and not mapped
        self._empty.display = not some
        self._detail.display = some
        moved = self._rows.show(tunnels, self._by_host)
        if mapped:
            self._map.show(tunnels)
        if moved:
            self._draw_head()
        self._draw_bar()
        self._draw_detail()

    def _draw_head(self) -> None:
        self._head.update(Content(head_text(self._rows.columns)), layout=False)

    def _draw_bar(self) -> None:
        words = []
        if self._bar.filter_text:
            words.append(f"{len(self.tunnels)} of {len(self.listed)}")
        if self._sorting is not Sorting.LISTED:
            words.append(f"sorted by {self._sorting.value}")
        self._bar.say("  ·  ".join(words))

    @on(events.Resize)
    def _resized(self) -> None:
        """Fit the columns' names and what is told."""
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        if self.is_mounted:
            self._rows.show(self.tunnels, self._by_host)
            self._draw_head()
            self._draw_detail()

    @property
    def _wants_all(self) -> bool:
        return self.size.height >= _ROOMY if self._full is None else self._full

    def _draw_detail(self) -> None:
        tunnel = self.current
        if tunnel is None:
            self._detail.display = False
            return
        self._watch(tunnel.id)
        self._detail.set_class(self._wants_all, "-full")
        clients: Sequence[ClientSnapshot] | None = None
        if self._wants_all:
            clients = self._clients_of(tunnel.id) if tunnel.clients else ()
        if self.clients.has_focus and not clients:
            self.front.focus()  # the last one has gone
        self._detail.show(tunnel, siblings(tunnel, self.listed), clients)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        if event.rows is self.front:
            self._draw_detail()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_tunnels_toggle()

    @on(Input.Changed, f"#{FILTER}")
    def _filtered(self, event: Input.Changed) -> None:
        event.stop()
        self.update()

    @on(Input.Submitted, f"#{FILTER}")
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self.front.focus()
        self.call_after_refresh(self._draw_bar)

    # Going back

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done: Esc goes on to others where nothing is to leave."""
        if action == "leave":
            return self._bar.is_used or self.clients.has_focus or self.is_mapped
        return super().check_action(action, parameters)

    def action_leave(self) -> None:
        """Back out by one step: the clients, the filter, the map."""
        if self.clients.has_focus:
            self.front.focus()
        elif self._bar.is_used:
            self._bar.clear()
            self.front.focus()
            self.call_after_refresh(self.update)
        else:
            self.action_tunnels_map()

    # What is shown

    def action_tunnels_filter(self) -> None:
        """List only what matches."""
        self._bar.begin()

    def action_tunnels_sort(self) -> None:
        """Sort by the next thing."""
        self._sorting = self._sorting.following
        self.update()

    def action_tunnels_group(self) -> None:
        """List by host, or not."""
        self._by_host = not self._by_host
        self.update()

    def action_tunnels_map(self) -> None:
        """Show the map, or the table."""
        current = self.current
        shown = self._map.display = not self._map.display
        self.update()
        if shown and current is not None:
            self._map.go_to(current.id)
        elif current is not None:
            self.select(current.id)
        self.front.focus()

    def action_tunnels_detail(self) -> None:
        """Tell all about a tunnel, or the most important."""
        self._full = not self._wants_all
        self._draw_detail()

    def show_clients(self) -> None:
        """Go to the clients of the tunnel at the cursor."""
        self._full = True
        self._draw_detail()
        if self.clients.display:
            self.clients.focus()
            self.clients.scroll_visible(animate=False)
