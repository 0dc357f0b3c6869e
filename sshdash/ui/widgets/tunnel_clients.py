"""Who uses a tunnel: one line per client, each of which can be cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.style import Style

from sshdash.ui.format import clip, duration_text, size_text
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import ClientSnapshot

_AGE, _BYTES = 10, 8
_WIDEST, _LEAST, _GAP = 32, 10, 2


class TunnelClients(RowList):
    """The clients of the selected tunnel, the cursor staying on its own."""

    offers = frozenset({"tunnels.cut"})
    """The only command about a client."""
    COMPONENT_CLASSES: ClassVar[set[str]] = {"client--process", "client--detail"}

    def __init__(self) -> None:
        super().__init__(classes="tunnel-clients")
        self.clients: tuple[ClientSnapshot, ...] = ()

    def show(self, clients: Sequence[ClientSnapshot]) -> None:
        """Show other snapshots."""
        if (shown := tuple(clients)) == self.clients:
            return
        current, grown = self.current, len(shown) != len(self.clients)
        self.clients = shown
        ids = [client.id for client in shown]
        if current is not None and current.id in ids:
            self.cursor = ids.index(current.id)
        if grown:
            self.styles.height = len(shown)
            self.reset_lines()
        else:
            self.refresh()

    @property
    def current(self) -> ClientSnapshot | None:
        """The client at the cursor."""
        return self.clients[self.cursor] if self.cursor < len(self.clients) else None

    def item_count(self) -> int:
        """Return how many there are."""
        return len(self.clients)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return who it is, where it leads, since when, and how much."""
        client = self.clients[line]
        figures = f"  {duration_text(client.age):>{_AGE}}"
        for sign, count in (("↑", client.bytes_up), ("↓", client.bytes_down)):
            figures += f"  {sign} {size_text(count):>{_BYTES}}"
        room = width - len(figures) - 1
        columns = self._widths(room)
        texts = (client.address, client.process, f"→ {client.target}")
        looks = (Style.null(), self.look("client--process"), self.look("client--detail"))
        pieces: list[Piece] = [(" ", Style.null())]
        for text, column, look in zip(texts, columns, looks, strict=True):
            if column:
                shown = clip(clean(text, 100), column - _GAP)
                pieces.append((shown + " " * (column - cell_len(shown)), look))
        pieces.append((" " * (room - sum(columns)), Style.null()))
        return [*pieces, (figures, self.look("client--detail"))]

    def _widths(self, room: int) -> tuple[int, int, int]:
        """Return the columns of address, process and target with the gaps behind them."""
        wanted = [
            max((cell_len(clean(text, 100)) for text in texts), default=0) + _GAP
            for texts in (
                [client.address for client in self.clients],
                [client.process for client in self.clients],
            )
        ]
        address = max(min(wanted[0], _WIDEST, room), 0)
        process = min(wanted[1], _WIDEST, room - address)
        process = process if process >= _LEAST else 0
        target = room - address - process
        return address, process, target if target >= _LEAST else 0
