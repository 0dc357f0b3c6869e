"""The commands of the file panes about where to go, and about marking and measuring there."""

from sshdash.ui.command import Command, Place


def _files(name: str, title: str, words: str, *keys: str) -> Command:
    return Command(f"files.{name}", Place.FILES, title, words, keys)


NAVIGATION_COMMANDS: tuple[Command, ...] = (
    _files("find", "Find", "Find a file below the folder by part of its path", "f"),
    _files("jump", "Type ahead", "Go to the row that begins with what is typed", "apostrophe"),
    _files("bookmarks", "Bookmarks", "Go to a bookmark, add or remove one", "b"),
    _files("history_back", "Back", "Go to the folder before", "alt+left", "left_square_bracket"),
    _files(
        "history_forward",
        "Forward",
        "Go forward again",
        "alt+right",
        "right_square_bracket",
    ),
    _files("shell_here", "To the shell", "Go to the folder that a shell is in", "w"),
    _files("send_shell", "Send the shell", "Send a shell to this folder with cd", "W"),
    _files("new_tab", "New pane tab", "Open a tab in the pane", "ctrl+t"),
    _files("close_tab", "Close pane tab", "Close the tab of the pane", "ctrl+w"),
    _files(
        "next_tab",
        "Next pane tab",
        "Go to the next tab of the pane",
        "greater_than_sign",
        "ctrl+pagedown",
    ),
    _files(
        "previous_tab",
        "Previous pane tab",
        "Go to the tab before",
        "less_than_sign",
        "ctrl+pageup",
    ),
    _files("move", "Move", "Move the marked to the other pane; asks first", "M", "f6"),
    _files("mark_pattern", "Mark by pattern", "Mark what matches; * and ? work", "plus"),
    _files("unmark_pattern", "Unmark by pattern", "Unmark what matches", "minus"),
    _files("measure", "Folder sizes", "Count what folders hold; again, stop", "z"),
    _files("columns", "Columns", "Choose the columns of the pane"),
)
