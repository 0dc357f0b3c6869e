"""Everything about the tunnel at the cursor: its way, its numbers, its mishaps, its clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from sshdash.ui.widgets.tunnel_clients import TunnelClients
from sshdash.ui.widgets.tunnel_facts import Line, brief, full
from sshdash.ui.widgets.tunnel_flow import TunnelFlow

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import ClientSnapshot, TunnelSnapshot


class TunnelDetail(VerticalScroll, can_focus=False):
    """The way above the facts above the clients."""

    def __init__(self) -> None:
        super().__init__(classes="tunnel-detail")
        self.flow = TunnelFlow()
        self.clients = TunnelClients()
        self._words = Static(classes="tunnel-words", markup=False)
        self._lines: list[Line] = []

    def compose(self) -> ComposeResult:
        """Lay out the parts."""
        yield self.flow
        yield self._words
        yield self.clients

    def on_mount(self) -> None:
        """Show no clients yet."""
        self.clients.display = False

    def show(
        self,
        tunnel: TunnelSnapshot,
        rule: Sequence[TunnelSnapshot],
        clients: Sequence[ClientSnapshot] | None,
    ) -> None:
        """Show a tunnel among the forwards of its rule; in brief where `clients` is None."""
        self.flow.show(rule)
        width = max(self.scrollable_content_region.width - 2, 20)
        lines = brief(tunnel, width, rule) if clients is None else full(tunnel, width, rule)
        if lines != self._lines:
            grown = len(lines) != len(self._lines) or _longest(lines) > width
            self._lines = lines
            drawn = Content("\n").join(Content.assemble(*line) for line in lines)
            self._words.update(drawn, layout=grown)
        self.clients.show(clients or ())
        self.clients.display = bool(clients)

    def show_sum(self, words: str) -> None:
        """Tell on the border what all tunnels carry together."""
        if self.border_title != words:
            self.border_title = words and Content(f" Σ {words} ")

    @property
    def text(self) -> str:
        """What is told in words."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)


def _longest(lines: list[Line]) -> int:
    return max((sum(len(text) for text, _ in line) for line in lines), default=0)
