"""The content of the tunnels tab: a live table or map, and all about the tunnel at the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from sshdash.states import TunnelState
from sshdash.tunnels.totals import total
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.widgets.row_list import RowList
from sshdash.ui.widgets.tunnel_bar import FILTER
from sshdash.ui.widgets.tunnel_commands import TunnelCommands
from sshdash.ui.widgets.tunnel_diagram import moves
from sshdash.ui.widgets.tunnel_facts import sum_words
from sshdash.ui.widgets.tunnel_order import siblings

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import ClientSnapshot, TunnelSnapshot

_INTERVAL = 0.33
"""Seconds between two looks at the tunnels, while they are in sight."""
_CALM = 6
"""Of so many looks one is enough while nothing happens: who knows better wakes the table."""
_ROOMY = 26
"""Rows of the tab from which there is room for all about a tunnel."""
_CHANGING = (TunnelState.OPENING, TunnelState.RECONNECTING)


class TunnelTable(TunnelCommands):
    """All tunnels, live. Asks for changes; the controller makes them.

    `source` gives the tunnels, `clients` those of one; `watch` is told of the one that is seen, and
    `is_reading` says whether it is not known yet which there are.
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
        is_reading: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__()
        self._is_reading = is_reading
        self._source = source
        self._clients_of = clients
        self._watch = watch
        self.listed = []
        self._full: bool | None = None
        """Whether all about a tunnel is wanted; None leaves that to the room there is."""
        self._looks = 0
        self._calm = False

    def compose(self) -> ComposeResult:
        """Lay out the list above the detail."""
        yield self.listing
        yield self.detail

    def on_mount(self) -> None:
        """Begin to look."""
        self.update()
        self.set_interval(_INTERVAL, self._look)

    def select_host(self, host: str) -> None:
        """Put the cursor on the first tunnel of a host, and let new ones begin with it."""
        self.host = host
        self.update()
        first = next((one.id for one in self.listing.tunnels if one.host == host), "")
        self.listing.go_to(first)

    def select(self, tunnel: str) -> None:
        """Put the cursor of the table on a tunnel, shown or not until now."""
        self.listing.turn(mapped=False)
        self.update()
        if not self.listing.go_to(tunnel):
            self.listing.bar.clear()
            self.update()
            self.listing.go_to(tunnel)
        self.listing.rows.focus()

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
        reading = self._is_reading()
        self._calm = not reading and not any(
            moves(one) or one.clients or one.state in _CHANGING for one in self.listed
        )
        self.listing.show(self.listed, reading=reading)
        self.detail.show_sum(sum_words(total(self.listed)) if len(self.listed) > 1 else "")
        self._draw_detail()

    @on(events.Resize)
    def _resized(self) -> None:
        """Fit the columns' names and what is told."""
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        if self.is_mounted:
            self.listing.fit()
            self._draw_detail()

    @property
    def _wants_all(self) -> bool:
        return self.size.height >= _ROOMY if self._full is None else self._full

    def _draw_detail(self) -> None:
        tunnel = self.current
        self.detail.display = tunnel is not None
        if tunnel is None:
            return
        self._watch(tunnel.id)
        self.detail.set_class(self._wants_all, "-full")
        clients: Sequence[ClientSnapshot] | None = None
        if self._wants_all:
            clients = self._clients_of(tunnel.id) if tunnel.clients else ()
        if self.clients.has_focus and not clients:
            self.listing.front.focus()  # the last one has gone
        self.detail.show(tunnel, siblings(tunnel, self.listed), clients)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        if event.rows is self.listing.front:
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
        self.listing.front.focus()
        self.call_after_refresh(self.listing.draw_bar)

    # Going back

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action can be done: Esc goes on to others where nothing is to leave."""
        if action == "leave":
            return self.listing.bar.is_used or self.clients.has_focus or self.is_mapped
        return super().check_action(action, parameters)

    def action_leave(self) -> None:
        """Back out by one step: the clients, the filter, the map."""
        if self.clients.has_focus:
            self.listing.front.focus()
        elif self.listing.bar.is_used:
            self.listing.bar.clear()
            self.listing.front.focus()
            self.call_after_refresh(self.update)
        else:
            self.action_tunnels_map()

    # What is shown

    def action_tunnels_filter(self) -> None:
        """List only what matches."""
        self.listing.bar.begin()

    def action_tunnels_sort(self) -> None:
        """Sort by the next thing."""
        self.listing.sort()
        self._draw_detail()

    def action_tunnels_group(self) -> None:
        """List by host, or not."""
        self.listing.group()
        self._draw_detail()

    def action_tunnels_map(self) -> None:
        """Show the map, or the table."""
        self.listing.turn(mapped=not self.is_mapped)
        self._draw_detail()
        self.listing.front.focus()

    def action_tunnels_detail(self) -> None:
        """Tell all about a tunnel, or the most important."""
        self._full = not self._wants_all
        self._draw_detail()

    async def action_tunnels_quit(self) -> None:
        """Leave sshdash, as from the hosts."""
        await self.run_action("app.command('app.quit')")

    def show_clients(self) -> None:
        """Go to the clients of the tunnel at the cursor."""
        self._full = True
        self._draw_detail()
        if self.clients.display:
            self.clients.focus()
            self.clients.scroll_visible(animate=False)
