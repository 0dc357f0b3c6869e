"""The content of a files tab: two panes, what is dragged between them, and the transfers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.widgets import Static

from sshdash.sftp.browser import SortKey
from sshdash.ui.command import Place
from sshdash.ui.format import clip, count_text
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.ui.widgets.file_row_text import shorten_start
from sshdash.ui.widgets.file_rows import FileRows
from sshdash.ui.widgets.transfer_list import TransferList
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.sftp.job import TransferSnapshot

_SORTS = (SortKey.NAME, SortKey.SIZE, SortKey.TIME, SortKey.TYPE)
_EDGE_INTERVAL = 0.06
"""Seconds between the lines a pane scrolls while a drag waits at its edge."""


class FilePanes(Vertical):
    """Two panes side by side. Commands are about the active one, the last that had focus."""

    place: ClassVar[Place] = Place.FILES

    def __init__(self, transfers: Callable[[], list[TransferSnapshot]] = list) -> None:
        super().__init__()
        self.left = FilePane("-left")
        self.right = FilePane("-right")
        self._active = self.left
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
        yield self._transfers
        yield self._ghost

    def on_mount(self) -> None:
        """Show which pane is active."""
        self._mark_active()
        self._edge = self.set_interval(_EDGE_INTERVAL, self._scroll_at_edge, pause=True)

    # Which pane

    @property
    def active(self) -> FilePane:
        """The pane that commands are about."""
        return self._active

    @property
    def panes(self) -> tuple[FilePane, FilePane]:
        """Both panes, left to right."""
        return self.left, self.right

    @property
    def title(self) -> str:
        """What the tab is called: both endpoints."""
        return f"{self.left.label} ⇄ {self.right.label}"

    @property
    def transfers(self) -> TransferList:
        """The list of copies."""
        return self._transfers

    def other(self, pane: FilePane) -> FilePane:
        """Return the pane beside `pane`."""
        return self.right if pane is self.left else self.left

    def focus_pane(self, pane: FilePane | None = None) -> None:
        """Give a pane the focus, the active one by default."""
        (pane or self._active).rows.focus()

    @on(FilePane.Focused)
    def _activate(self, event: FilePane.Focused) -> None:
        event.stop()
        self._active = event.pane
        self._mark_active()

    def _mark_active(self) -> None:
        for pane in self.panes:
            pane.set_class(pane is self._active, "-active")

    # Commands

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        pane = self._active
        name = command_id.partition(".")[2]
        if name in ("endpoint", "goto", "other", "transfers", "open", "refresh", "back", "home"):
            return ""
        if not pane.listed:
            return "The folder is not listed yet"
        if name in ("copy", "delete", "chmod", "command") and not pane.browser.selection:
            return "Put the cursor on a file or folder, or mark some"
        if name == "copy" and not self.other(pane).listed:
            return "The other pane shows no folder to copy into"
        if name == "rename" and pane.browser.current is None:
            return "Put the cursor on a file or folder"
        if name == "view" and pane.viewable is None:
            return "Put the cursor on a file"
        if name == "mirror" and not self.other(pane).listed:
            return "The other pane shows no folder"
        return ""

    def action_files_open(self) -> None:
        """Open what is at the cursor."""
        self._active.open_current()

    def action_files_up(self) -> None:
        """Open the folder above."""
        self._active.go_up()

    def action_files_other(self) -> None:
        """Go to the other pane."""
        self.focus_pane(self.other(self._active))

    def action_files_copy(self) -> None:
        """Copy the selection into the other pane's folder."""
        target = self.other(self._active)
        entries = self._active.browser.selection
        self.post_message(ask.CopyFiles(self._active, entries, target, target.browser.path))

    def action_files_command(self) -> None:
        """Copy the scp command that does the same."""
        target = self.other(self._active)
        self.post_message(ask.CopyCommand(self._active, self._active.browser.selection, target))

    def action_files_view(self) -> None:
        """View the file at the cursor."""
        if entry := self._active.viewable:
            self.post_message(ask.ViewFile(self._active, (entry,)))

    def action_files_rename(self) -> None:
        """Rename the entry at the cursor."""
        if entry := self._active.browser.current:
            self.post_message(ask.RenameFile(self._active, (entry,)))

    def action_files_delete(self) -> None:
        """Delete the selection."""
        self.post_message(ask.DeleteFiles(self._active, self._active.browser.selection))

    def action_files_chmod(self) -> None:
        """Change the permissions of the selection."""
        self.post_message(ask.ChangeMode(self._active, self._active.browser.selection))

    def action_files_mkdir(self) -> None:
        """Make a folder."""
        self.post_message(ask.MakeFolder(self._active))

    def action_files_refresh(self) -> None:
        """List the folder again."""
        self.post_message(ask.Refresh(self._active))

    def action_files_endpoint(self) -> None:
        """Choose whose files the pane shows."""
        self.post_message(ask.ChooseEndpoint(self._active))

    def action_files_goto(self) -> None:
        """Type the path to show."""
        self.post_message(ask.GoTo(self._active))

    def action_files_home(self) -> None:
        """Open the home folder."""
        if filesystem := self._active.filesystem:
            self.post_message(ask.OpenFolder(self._active, filesystem.home()))

    def action_files_mirror(self) -> None:
        """Show the other pane's folder here too."""
        other = self.other(self._active)
        self.post_message(ask.Mirror(self._active, other.endpoint, other.browser.path))

    def action_files_mark(self) -> None:
        """Toggle the mark at the cursor and go on to the next row."""
        pane = self._active
        pane.browser.toggle_mark()
        pane.rows.marks_changed()
        pane.rows.action_move(1)

    def action_files_mark_all(self) -> None:
        """Mark every shown entry."""
        self._active.browser.mark_all()
        self._active.rows.marks_changed()

    def action_files_invert(self) -> None:
        """Mark what is not marked and the other way round."""
        self._active.browser.invert_marks()
        self._active.rows.marks_changed()

    def action_files_filter(self) -> None:
        """Type a filter."""
        self._active.start_filter()

    def action_files_hidden(self) -> None:
        """Show or leave out hidden files."""
        view = self._active.browser.view
        self._active.change_view(replace(view, show_hidden=not view.show_hidden))

    def action_files_sort(self) -> None:
        """Order by the next key."""
        now = _SORTS.index(self._active.browser.view.sort)
        self._active.sort_by(_SORTS[(now + 1) % len(_SORTS)])

    def action_files_reverse(self) -> None:
        """Turn the order round."""
        self._active.sort_by(self._active.browser.view.sort)

    def action_files_back(self) -> None:
        """Drop the filter, the marks or the notice; with none of them let Esc go on."""
        if not self._active.back():
            raise SkipAction

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
        target, folder = self._aim(event)
        source = self._source(event)
        self._end_drag()
        if target is None or folder is None:
            return
        if target is source:
            self.post_message(ask.MoveFiles(source, event.entries, folder))
        else:
            self.post_message(ask.CopyFiles(source, event.entries, target, folder))

    @on(FileRows.DragCancelled)
    def _cancel_drag(self, event: FileRows.DragCancelled) -> None:
        event.stop()
        self._end_drag()

    def _source(self, drag: FileRows.Drag) -> FilePane:
        return self.left if drag.rows is self.left.rows else self.right

    def _aim(self, drag: FileRows.Drag) -> tuple[FilePane | None, bytes | None]:
        """Return the pane under the pointer and the folder a drop there goes to."""
        source = self._source(drag)
        for pane in self.panes:
            folder = pane.drop_folder(drag.position, drag.entries, own=pane is source)
            if folder is not None:
                return pane, folder
        return None, None

    def _show_drag(self) -> None:
        drag = self._drag
        if drag is None:
            return
        target, folder = self._aim(drag)
        for pane in self.panes:
            pane.show_drop(folder if pane is target else None)
        what = drag.entries[0].label if len(drag.entries) == 1 else ""
        what = clip(what, 24) or count_text(len(drag.entries), "item")
        if target is None or folder is None:
            words = f" {what} "
        else:
            arrow = "move →" if target is self._source(drag) else "→"
            path = shorten_start(clean(folder, 400), 32)
            words = f" {what} {arrow} {clip(target.label, 20)}:{path} "
        self._ghost.update(Content(words))
        self._ghost.set_class(folder is None, "-nowhere")
        self._ghost.offset = self._ghost_offset(drag.position, cell_len(words))
        self._ghost.display = True

    def _ghost_offset(self, position: Offset, width: int) -> Offset:
        """Return where the label goes: below right of the pointer, inside the tab."""
        inside = position - self.region.offset
        right = max(self.size.width - width, 0)
        below = inside.y + 1 if inside.y + 1 < self.size.height else inside.y - 1
        return Offset(min(inside.x + 2, right), max(below, 0))

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
        for pane in self.panes:
            pane.show_drop(None)
