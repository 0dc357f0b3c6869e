"""The content of a files tab: two panes, what is dragged between them, and the transfers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Offset
from textual.widgets import Static

from sshdash.ui.format import clip, count_text
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import Drop, FilePane
from sshdash.ui.widgets.file_row_text import shorten_start
from sshdash.ui.widgets.file_rows import FileRows
from sshdash.ui.widgets.file_single_commands import SingleFileCommands
from sshdash.ui.widgets.host_list import HostList
from sshdash.ui.widgets.transfer_list import TransferList
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot

_EDGE_INTERVAL = 0.06
"""Seconds between the lines a pane scrolls while a drag waits at its edge."""


class FilePanes(SingleFileCommands):
    """Two panes side by side, and the copies below them."""

    def __init__(self, transfers: Callable[[], list[TransferSnapshot]] = list) -> None:
        super().__init__()
        self._ghost = Static(classes="drag-ghost", markup=False)
        self._drag: FileRows.Drag | None = None
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
        self._edge = self.set_interval(_EDGE_INTERVAL, self._scroll_at_edge, pause=True)

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

    # Dragging

    @on(FileRows.DragMoved)
    def _drag_to(self, event: FileRows.DragMoved) -> None:
        event.stop()
        self._drag = event
        self._show_drag()
        self._edge.resume()

    @on(FileRows.DragDropped)
    def _drop(self, event: FileRows.DragDropped) -> None:
        event.stop()
        host = self._host_at(event)
        aim = self._aim(event)
        source = self._source(event)
        self._end_drag()
        if host is not None:
            self.post_message(ask.SendFiles(source, event.entries, host[0]))
        elif aim is not None and aim[0] is source:
            self.post_message(ask.MoveFiles(source, event.entries, aim[1].folder))
        elif aim is not None:
            self.post_message(ask.CopyFiles(source, event.entries, aim[0], aim[1].folder))

    @on(FileRows.DragCancelled)
    def _cancel_drag(self, event: FileRows.DragCancelled) -> None:
        event.stop()
        self._end_drag()

    def _source(self, drag: FileRows.Drag) -> FilePane:
        return self.left if drag.rows is self.left.rows else self.right

    def _aim(self, drag: FileRows.Drag) -> tuple[FilePane, Drop] | None:
        """Return the pane under the pointer and where in it a drop goes, None for nowhere."""
        source = self._source(drag)
        for pane in self.panes:
            drop = pane.drop_at(drag.position, drag.entries, own=pane is source)
            if drop is not None:
                return pane, drop
        return None

    def _host_at(self, drag: FileRows.Drag) -> tuple[str, int] | None:
        """Return the host under the pointer, in a list beside the tab, and its row."""
        hosts = self._hosts
        if hosts is None or not hosts.is_on_screen:
            return None
        if not hosts.region.contains_point(drag.position):
            return None
        return hosts.host_under(drag.position - hosts.region.offset)

    @property
    def _hosts(self) -> HostList | None:
        return next(iter(self.screen.query(HostList)), None)

    def _show_drag(self) -> None:
        drag = self._drag
        if drag is None:
            return
        host = self._host_at(drag)
        aim = self._aim(drag) if host is None else None
        self._show_targets(aim, host)
        what = drag.entries[0].label if len(drag.entries) == 1 else ""
        words = f" {clip(what, 24) or count_text(len(drag.entries), 'item')} "
        if aim is not None:
            arrow = "move →" if aim[0] is self._source(drag) else "→"
            path = shorten_start(clean(aim[1].folder, 400), 32)
            words += f"{arrow} {clip(aim[0].label, 20)}:{path} "
        if host is not None:
            words += f"→ {clip(clean(host[0]), 20)}:~ "
        self._ghost.update(Content(words))
        self._ghost.set_class(aim is None and host is None, "-nowhere")
        self._ghost.offset = self._ghost_offset(drag.position, cell_len(words))
        self._ghost.display = True

    def _show_targets(
        self, aim: tuple[FilePane, Drop] | None, host: tuple[str, int] | None
    ) -> None:
        for pane in self.panes:
            pane.show_drop(aim[1] if aim and aim[0] is pane else None)
        if hosts := self._hosts:
            hosts.drop_item = -1 if host is None else host[1]

    def _ghost_offset(self, position: Offset, width: int) -> Offset:
        """Return where the label goes: below right of the pointer, inside the tab."""
        inside = position - self.region.offset
        right = max(self.size.width - width, 0)
        below = inside.y + 1 if inside.y + 1 < self.size.height else inside.y - 1
        return Offset(max(min(inside.x + 2, right), 0), max(below, 0))

    def _scroll_at_edge(self) -> None:
        """Scroll the pane under the pointer while a drag waits at its upper or lower edge."""
        if self._drag is None:
            return
        position = self._drag.position
        for pane in self.panes:
            region = pane.rows.region
            if region.x <= position.x < region.right:
                if position.y <= region.y:
                    pane.rows.scroll_up(animate=False)
                elif position.y >= region.bottom - 1:
                    pane.rows.scroll_down(animate=False)
        self._show_drag()

    def _end_drag(self) -> None:
        self._drag = None
        self._edge.pause()
        self._ghost.display = False
        self._show_targets(None, None)
