"""The content of a files tab: two panes, what is dragged between them, and the transfers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from sshdash.ui.widgets.file_drag import DraggingPanes
from sshdash.ui.widgets.file_single_commands import SingleFileCommands
from sshdash.ui.widgets.transfer_list import TransferList

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot


class FilePanes(SingleFileCommands, DraggingPanes):
    """Two panes side by side, and the copies below them."""

    def __init__(self, transfers: Callable[[], list[TransferSnapshot]] = list) -> None:
        super().__init__()
        self._transfers = TransferList(transfers)

    def __repr__(self) -> str:
        """Return both panes, the active one first."""
        return f"<FilePanes [{self._active!r}, {self.other(self._active)!r}]>"

    def compose(self) -> ComposeResult:
        """Lay out the panes and the transfers."""
        with Horizontal(classes="panes"):
            yield self.left
            yield self.right
            yield self.beside
        yield self._transfers
        yield self._ghost

    def on_mount(self) -> None:
        """Show which pane is active."""
        self._mark_active()

    @property
    def transfers(self) -> TransferList:
        """The list of copies."""
        return self._transfers

    def action_files_transfers(self) -> None:
        """Go to the transfers."""
        self._transfers.open()

    @on(TransferList.Left)
    def _back_to_files(self, event: TransferList.Left) -> None:
        event.stop()
        self.focus_pane()
