"""The commands of the two file panes and of the transfers."""

from sshdash.ui.command import Command, Place


def _files(name: str, title: str, words: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"files.{name}", Place.FILES, title, words, keys, footer=footer)


def _transfers(name: str, title: str, words: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"transfers.{name}", Place.TRANSFERS, title, words, keys, footer=footer)


FILE_COMMANDS: tuple[Command, ...] = (
    _files("open", "Open", "Open a folder, view a file", "enter", "right", footer=1),
    _files("up", "Up", "Go to the folder above", "backspace", "left"),
    _files("other", "Other pane", "Go to the other pane", "tab", "shift+tab", footer=6),
    _files("endpoint", "Host", "Show the files of another host", "h", footer=7),
    _files("become", "As root", "Show as root by sudo, or as oneself again", "number_sign"),
    _files("goto", "Go to path", "Type the path of a folder", "g"),
    _files("home", "Home", "Go to the home folder", "tilde"),
    _files("mirror", "Same folder", "Show the other pane's folder here too", "O"),
    _files("sync", "Compare, sync", "Compare both folders, make one like the other", "equals_sign"),
    _files("keep", "Keep up to date", "Upload what changes in the folder here, or end that"),
    _files("copy", "Copy", "Copy the marked to the other pane", "c", "f5", footer=2),
    _files("view", "View", "Show a text, picture, archive or bytes", "v", "f3", footer=4),
    _files("beside", "Preview", "Show what the cursor is on, beside the pane", "P"),
    _files("edit", "Edit", "Edit a file in your editor; saved when it ends", "e", "f4"),
    _files("edit_here", "Edit here", "Edit a small text file on this screen", "E"),
    _files("mark", "Mark", "Mark or unmark; shift+arrows mark many", "space", "insert", footer=3),
    _files("invert", "Invert marks", "Mark what is not marked, and vice versa", "asterisk"),
    _files("mark_all", "Mark all", "Mark all that is shown", "ctrl+a"),
    _files("filter", "Filter", "Show only names that match; * and ? work", "slash", footer=5),
    _files("hidden", "Hidden files", "Show or hide names with a leading dot", "full_stop"),
    _files("sort", "Sort", "Order by name, size, time, type in turn", "s"),
    _files("reverse", "Reverse", "Turn the order round", "S"),
    _files("mkdir", "New folder", "Make a folder here", "n", "f7"),
    _files("rename", "Rename", "Give the entry another name", "r", "f2"),
    _files("rename_many", "Bulk rename", "Rename the marked by a pattern", "R"),
    _files("undo", "Undo", "Take back the last rename or move", "u"),
    _files("delete", "Delete", "Delete the marked; asks first", "d", "f8", "delete"),
    _files("chmod", "Permissions", "Change who may read, write and execute", "m"),
    _files("chown", "Owner", "Give the marked to another user or group", "o"),
    _files("properties", "Properties", "Show owner, times, links and size", "p"),
    _files("link", "Symbolic link", "Make a symbolic link here", "L"),
    _files("touch", "Touch", "Set the time, or make an empty file", "T"),
    _files("refresh", "Refresh", "List again; connect again where lost", "ctrl+r"),
    _files("command", "Copy scp", "Copy the scp command of this copy", "y"),
    _files("transfers", "Transfers", "Go to the list of transfers", "t"),
    Command(
        "files.back",
        Place.FILES,
        "Clear",
        "Drop the filter, the marks, the notice",
        ("escape",),
        palette=False,
    ),
)
TRANSFER_COMMANDS: tuple[Command, ...] = (
    _transfers("pause", "Pause/resume", "Stop the copy for a while, or go on", "p", footer=1),
    _transfers("pause_all", "Pause all", "Pause every copy; resume them all if none runs", "P"),
    _transfers("cancel", "Cancel", "Stop the copy; what is whole stays", "x", "delete", footer=2),
    _transfers("retry", "Retry", "Copy again what is not there yet", "r", "R", footer=3),
    _transfers("clear", "Clear finished", "Take what has ended off the list", "c", footer=4),
    _transfers("earlier", "Earlier", "Let the copy begin before the one above", "K", "shift+up"),
    _transfers("later", "Later", "Let the copy begin after the one below", "J", "shift+down"),
    _transfers("limit", "Limit", "Set how fast the copy may go", "l", footer=6),
    _transfers("limit_all", "Limit all", "Set how fast all copies together may go", "L"),
    _transfers("compare", "Compare again", "Compare the folders of a sync again", "equals_sign"),
    _transfers("command", "Copy scp", "Copy the scp command of the copy", "y", footer=7),
    _transfers("close", "Back", "Go back to the files", "t", "escape", footer=5),
)
