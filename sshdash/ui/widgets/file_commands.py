"""The commands about the two panes of a files tab: each is about the active one."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.actions import SkipAction
from textual.containers import Vertical

from sshdash.sftp.browser import SortKey
from sshdash.sftp.job import user_of
from sshdash.ui.command import Place
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_pane import FilePane

_SORTS = (SortKey.NAME, SortKey.SIZE, SortKey.TIME, SortKey.TYPE)
_ALWAYS = (
    *("endpoint", "become", "goto", "home", "up", "other"),
    *("transfers", "open", "refresh", "back"),
)
"""Commands that need no listing."""
_OF_ALL = ("mark_all", "invert", "mark_pattern")
"""Commands that are about every row."""
_OF_SELECTION = ("copy", "delete", "chmod", "chown", "rename_many", "command")
"""Commands about what is marked, or under the cursor."""


class TwoPanes(Vertical):
    """Two panes, of which the active one is the last that had the focus."""

    place: ClassVar[Place] = Place.FILES

    def __init__(self) -> None:
        super().__init__()
        self.left = FilePane("-left")
        self.right = FilePane("-right")
        self._active = self.left

    @property
    def active(self) -> FilePane:
        """The pane that commands are about."""
        return self._active

    @property
    def panes(self) -> tuple[FilePane, FilePane]:
        """Both panes, left to right."""
        return self.left, self.right

    def other(self, pane: FilePane) -> FilePane:
        """Return the pane beside `pane`."""
        return self.right if pane is self.left else self.left

    def focus_pane(self, pane: FilePane | None = None) -> None:
        """Give a pane the focus, the active one by default."""
        (pane or self._active).rows.focus()

    @property
    def title(self) -> str:
        """What the tab is called: both endpoints."""
        return f"{self.left.label} ⇄ {self.right.label}"

    @on(FilePane.Focused)
    def _activate(self, event: FilePane.Focused) -> None:
        event.stop()
        self._active = event.pane
        self._mark_active()

    def _mark_active(self) -> None:
        for pane in self.panes:
            pane.show_active(pane is self._active)


class PaneCommands(TwoPanes):
    """What the commands do, each with the active pane."""

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        pane = self._active
        name = command_id.partition(".")[2]
        if name == "become" and not pane.host:
            return "This pane shows local files: those of a host can be shown as root"
        if name in _ALWAYS:
            return ""
        if lacks := _lacks_rows(pane, name):
            return lacks
        if name in _OF_SELECTION and not pane.browser.has_selection:
            return "Put the cursor on a file or folder, or mark some"
        if name == "copy" and not self.other(pane).listed:
            return "The other pane shows no folder to copy into"
        if name in ("rename", "properties") and pane.browser.current is None:
            return "Put the cursor on a file or folder"
        if name in ("view", "edit", "edit_here") and pane.viewable is None:
            return "Put the cursor on a file"
        if name in ("mirror", "sync", "keep") and not self.other(pane).listed:
            return "The other pane shows no folder"
        if name == "keep" and bool(self.left.endpoint) is bool(self.right.endpoint):
            return "It takes a folder here and one on a host"
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

    def action_files_become(self) -> None:
        """Show the folder as root, or as oneself again."""
        if self._active.host:
            user = "" if user_of(self._active.endpoint) else "root"
            self.post_message(ask.BecomeUser(self._active, user))

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

    def action_files_sync(self) -> None:
        """Compare both folders and make one like the other."""
        self.post_message(ask.SyncFolders(self._active, self.left, self.right))

    def action_files_keep(self) -> None:
        """Keep the folder of the host like the one here, or end that."""
        self.post_message(ask.KeepFolders(self._active, self.left, self.right))

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


def _lacks_rows(pane: FilePane, name: str) -> str:
    """Return why there are no rows, or not enough, for a command; empty where there are."""
    if not pane.listed:
        return "The folder cannot be listed" if pane.problem else "The folder is not listed yet"
    if name in _OF_ALL and pane.browser.loading and pane.is_waiting:
        return "The folder is still being listed: not all of it could be marked"
    return ""
