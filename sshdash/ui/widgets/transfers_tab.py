"""The tab of all copies; there is one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from sshdash.ui.command import Place
from sshdash.ui.widgets.file_messages import ChangeTransfer
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.transfer_list import TransferList

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot, TransferTotals


class TransfersTab(Tab):
    """Every job, what they do together, and how fast."""

    place = Place.TRANSFERS

    def __init__(
        self,
        source: "Callable[[], list[TransferSnapshot]]",
        totals: "Callable[[], TransferTotals]",
    ) -> None:
        super().__init__()
        self.list = TransferList(source, totals)
        self.set_reactive(Tab.tab_title, "transfers")

    def __repr__(self) -> str:
        return f"<TransfersTab {self.tab_title!r}>"

    def compose(self) -> ComposeResult:
        """Lay out the list."""
        yield self.list

    @on(ChangeTransfer)
    def _pass_on(self, event: ChangeTransfer) -> None:
        event.stop()
        self.post_message(Tab.Requested(self, event))

    @on(TransferList.Left)
    def _leave(self, event: TransferList.Left) -> None:
        event.stop()
        self.post_message(Tab.CloseWanted(self))

    def on_show_tab(self) -> None:
        """Give the focus to the jobs."""
        self.list.look()
        self.list.open()

    def action_tab_copy(self) -> None:
        """Copy the scp command of the job under the cursor."""
        self.list.action_transfers_command()
