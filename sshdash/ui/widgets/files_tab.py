"""A tab with two panes of files."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from sshdash.ui.command import Place
from sshdash.ui.widgets.file_messages import ChangeTransfer, FilesRequest, Refresh
from sshdash.ui.widgets.file_panes import FilePanes
from sshdash.ui.widgets.tabs import Tab

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot


class FilesTab(Tab):
    """Two panes; the tab is called after both."""

    place = Place.FILES

    def __init__(self, host: str, transfers: "Callable[[], list[TransferSnapshot]]") -> None:
        super().__init__()
        self.host = host
        self.panes = FilePanes(transfers)
        self.ending: Callable[[], Awaitable[None]] | None = None
        """Gives back what the panes hold; given by whoever opened the tab."""
        self.set_reactive(Tab.tab_title, "files")

    def __repr__(self) -> str:
        return f"<FilesTab {self.tab_title!r}>"

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        yield self.panes

    def retitle(self) -> None:
        """Call the tab after what the panes show now."""
        self.tab_title = f"files {self.panes.title}"

    @on(FilesRequest)
    @on(ChangeTransfer)
    def _pass_on(self, event: FilesRequest | ChangeTransfer) -> None:
        event.stop()
        self.post_message(Tab.Requested(self, event))

    def on_show_tab(self) -> None:
        """Give the focus to the active pane."""
        self.panes.focus_pane()
        for pane in self.panes.panes:
            if pane.outdated:
                pane.post_message(Refresh(pane))

    def action_tab_copy(self) -> None:
        """Copy the scp command of the selection."""
        self.panes.action_files_command()

    async def close_tab(self) -> None:
        """Close the file systems; copies go on, they are the queue's."""
        if self.ending is not None:
            await self.ending()
