"""The tab of the tunnels; there is one for all hosts."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from sshdash.ui.command import Place
from sshdash.ui.theme import MARKS, Mark
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.tunnel_messages import (
    AddTunnel,
    ChangeAll,
    ChangeTunnel,
    CutClient,
    EditTunnel,
    TunnelRequest,
)
from sshdash.ui.widgets.tunnel_table import TunnelTable

if TYPE_CHECKING:
    from sshdash.states import TunnelState
    from sshdash.tunnels.snapshot import ClientSnapshot, TunnelSnapshot


class TunnelsTab(Tab):
    """The table of all tunnels; the tab is called after how they are."""

    place = Place.TUNNELS

    def __init__(
        self,
        source: "Callable[[], list[TunnelSnapshot]]",
        clients: "Callable[[str], Sequence[ClientSnapshot]]",
        watch: "Callable[[str], None]",
        is_reading: "Callable[[], bool]",
    ) -> None:
        super().__init__()
        self.table = TunnelTable(source, clients, watch, is_reading)
        self.set_reactive(Tab.tab_title, "tunnels")

    def __repr__(self) -> str:
        return f"<TunnelsTab {self.tab_title!r}>"

    def compose(self) -> ComposeResult:
        """Lay out the table."""
        yield self.table

    def retitle(self, states: "Iterable[TunnelState]") -> None:
        """Call the tab after how many are open and how many failed."""
        self.tab_title = tunnels_title(Counter(MARKS[state] for state in states))

    @on(AddTunnel)
    @on(ChangeAll)
    @on(ChangeTunnel)
    @on(CutClient)
    @on(EditTunnel)
    def _pass_on(self, event: TunnelRequest) -> None:
        event.stop()
        self.post_message(Tab.Requested(self, event))

    def on_show_tab(self) -> None:
        """Give the focus to the table or the map."""
        self.table.wake()
        self.table.listing.front.focus()

    def action_tab_copy(self) -> None:
        """Copy the ssh command of the tunnel under the cursor."""
        self.table.action_tunnels_command()


def tunnels_title(marks: Counter[Mark]) -> str:
    """Return ``tunnels ● 3 ✖ 1``: the states worth a glance, with how many are in each."""
    shown = (Mark.UP, Mark.DEGRADED, Mark.BUSY, Mark.FAILED)
    return " ".join(("tunnels", *(f"{mark.shape} {marks[mark]}" for mark in shown if marks[mark])))
