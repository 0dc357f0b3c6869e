"""The commands about single files, and the look at the one under the cursor."""

from __future__ import annotations

from textual import on
from textual.timer import Timer

from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_commands import PaneCommands
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.ui.widgets.preview_pane import PreviewPane

_REST = 0.12
"""Seconds that the cursor rests on a file before it is looked into."""


class SingleFileCommands(PaneCommands):
    """Two panes, and in the place of the one that is not active a preview, where wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.beside = PreviewPane()
        self._resting: Timer | None = None

    def focus_pane(self, pane: FilePane | None = None) -> None:
        """Give a pane the focus, which brings it in sight."""
        (pane or self._active).display = True
        super().focus_pane(pane)

    def action_files_beside(self) -> None:
        """Show what the cursor is on beside the pane, or the other pane again."""
        self.beside.display = not self.beside.display
        if self.beside.display:
            self._place_beside()
            return
        for pane in self.panes:
            pane.display = True
        self._rest()
        self.post_message(ask.EndPreview(self._active))

    def _mark_active(self) -> None:
        super()._mark_active()
        if self.beside.display:
            self._place_beside()

    def _place_beside(self) -> None:
        pane, other = self._active, self.other(self._active)
        pane.display, other.display = True, False
        box = self.query_one(".panes")
        self.beside.set_class(pane is self.right, "-before")
        if pane is self.left:
            box.move_child(self.beside, after=self.right)
        else:
            box.move_child(self.beside, before=self.left)
        self._look()

    @on(FilePane.Pointed)
    def _follow(self, event: FilePane.Pointed) -> None:
        event.stop()
        if self.beside.display and event.pane is self._active:
            self._rest()
            self._resting = self.set_timer(_REST, self._look)

    def _rest(self) -> None:
        if self._resting is not None:
            self._resting.stop()

    def _look(self) -> None:
        self._rest()
        if self.beside.display:
            entry = self._active.browser.current
            entries = (entry,) if entry is not None else ()
            self.post_message(ask.PreviewFile(self._active, entries, self.beside))

    def action_files_edit(self) -> None:
        """Edit the file at the cursor in the person's editor."""
        if entry := self._active.viewable:
            self.post_message(ask.EditFile(self._active, (entry,), here=False))

    def action_files_edit_here(self) -> None:
        """Edit the file at the cursor on this screen."""
        if entry := self._active.viewable:
            self.post_message(ask.EditFile(self._active, (entry,), here=True))

    def action_files_rename_many(self) -> None:
        """Rename the selection by a pattern."""
        self.post_message(ask.RenameMany(self._active, self._active.browser.selection))

    def action_files_undo(self) -> None:
        """Take back the last rename or move."""
        self.post_message(ask.UndoRename(self._active))

    def action_files_link(self) -> None:
        """Make a symbolic link."""
        entry = self._active.browser.current
        self.post_message(ask.MakeLink(self._active, (entry,) if entry else ()))

    def action_files_touch(self) -> None:
        """Set the time of the selection, or make an empty file."""
        self.post_message(ask.TouchFiles(self._active, self._active.browser.selection))

    def action_files_chown(self) -> None:
        """Give the selection to somebody else."""
        self.post_message(ask.ChangeOwner(self._active, self._active.browser.selection))

    def action_files_properties(self) -> None:
        """Show what is known of the entry at the cursor."""
        if entry := self._active.browser.current:
            self.post_message(ask.ShowProperties(self._active, (entry,)))
