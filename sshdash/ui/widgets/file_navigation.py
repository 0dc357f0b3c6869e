"""The commands about where to go, and about marking and measuring there."""

from __future__ import annotations

from sshdash.sftp.entries import Kind
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_commands import PaneCommands
from sshdash.ui.widgets.file_pane import FilePane

_ALWAYS = ("bookmarks", "shell_here", "close_tab", "next_tab", "previous_tab")
"""Commands that need no listing."""


class NavigationCommands(PaneCommands):
    """What those commands do, each with the active pane."""

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        pane = self._active
        name = command_id.partition(".")[2]
        if name in ("history_back", "history_forward"):
            return pane.why_no_step(-1 if name == "history_back" else 1)
        if name in ("close_tab", "next_tab", "previous_tab") and len(pane.tabs) < 2:
            return "The pane has one tab only"
        if name in ("shell_here", "send_shell") and not pane.endpoint:
            return "This pane shows local files: no shell is here"
        if name in _ALWAYS:
            return ""
        if name == "move" and pane.listed:
            return self._why_not_move(pane)
        return super().why_not(command_id)

    def _why_not_move(self, pane: FilePane) -> str:
        if not pane.browser.has_selection:
            return "Put the cursor on a file or folder, or mark some"
        return "" if self.other(pane).listed else "The other pane shows no folder to move into"

    # Where to go

    def action_files_find(self) -> None:
        """Find a file below the folder."""
        self.post_message(ask.FindFile(self._active))

    def action_files_jump(self) -> None:
        """Go to rows by typing how they begin."""
        self._active.rows.begin_typing()

    def action_files_bookmarks(self) -> None:
        """Go to a bookmark, or change them."""
        self.post_message(ask.ShowBookmarks(self._active))

    def action_files_history_back(self) -> None:
        """Go back in the history."""
        self._active.go_in_history(-1)

    def action_files_history_forward(self) -> None:
        """Go forward in the history."""
        self._active.go_in_history(1)

    def action_files_shell_here(self) -> None:
        """Go to where a shell is."""
        self.post_message(ask.GoToShell(self._active))

    def action_files_send_shell(self) -> None:
        """Send a shell to where the pane is."""
        self.post_message(ask.SendShell(self._active))

    # Tabs of a pane

    def action_files_new_tab(self) -> None:
        """Open a tab in the pane."""
        self._active.new_tab()

    def action_files_close_tab(self) -> None:
        """Close the tab of the pane."""
        self._active.close_tab()

    def action_files_next_tab(self) -> None:
        """Go to the next tab of the pane."""
        self._active.go_by_tab(1)

    def action_files_previous_tab(self) -> None:
        """Go to the tab of the pane before."""
        self._active.go_by_tab(-1)

    # What is done there

    def action_files_move(self) -> None:
        """Move the selection into the other pane's folder."""
        pane, target = self._active, self.other(self._active)
        entries = pane.browser.selection
        self.post_message(ask.CopyFiles(pane, entries, target, target.browser.path, move=True))

    def action_files_mark_pattern(self) -> None:
        """Mark what matches a pattern."""
        self.post_message(ask.MarkMatching(self._active, marked=True))

    def action_files_unmark_pattern(self) -> None:
        """Unmark what matches a pattern."""
        self.post_message(ask.MarkMatching(self._active, marked=False))

    def action_files_measure(self) -> None:
        """Count what the marked folders hold, else the one at the cursor, else all."""
        pane = self._active
        browser = pane.browser
        every = [one for one in browser.folders if one.kind is Kind.DIRECTORY]
        known = browser.entries if browser.hidden_count else every
        chosen = [one for one in known if one.kind is Kind.DIRECTORY and one.name in browser.marks]
        if not browser.marks:
            chosen = [one for one in every if one is browser.current]
        self.post_message(ask.MeasureFolders(pane, chosen or every))

    def action_files_columns(self) -> None:
        """Choose the columns."""
        self.post_message(ask.ChooseColumns(self._active))
