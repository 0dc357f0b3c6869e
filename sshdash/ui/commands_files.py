"""The commands of the two file panes and of the transfers."""

from sshdash.ui.command import Command, Place


def _files(
    name: str, title: str, help_text: str, *keys: str, footer: int = 0, palette: bool = True
) -> Command:
    return Command(f"files.{name}", Place.FILES, title, help_text, keys, (), footer, palette)


def _transfers(name: str, title: str, help_text: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"transfers.{name}", Place.TRANSFERS, title, help_text, keys, (), footer)


FILE_COMMANDS: tuple[Command, ...] = (
    _files("open", "Open", "Open the folder, or view the file; connect again where lost",
           "enter", "right", footer=1),
    _files("up", "Up", "Go to the folder above", "backspace", "left"),
    _files("other", "Other pane", "Go to the other pane", "tab", "shift+tab", footer=6),
    _files("endpoint", "Host", "Choose whose files this pane shows: this machine's or a host's",
           "h", footer=7),
    _files("goto", "Go to path", "Type the path of the folder to show", "g"),
    _files("home", "Home", "Go to the home folder", "tilde"),
    _files("mirror", "Same folder", "Show the folder of the other pane here too", "equals_sign"),
    _files("copy", "Copy", "Copy what is marked, or the entry at the cursor, to the other pane",
           "c", "f5", footer=2),
    _files("view", "View", "Show the beginning of the file", "v", "f3", footer=4),
    _files("mark", "Mark", "Mark the entry, or take its mark away", "space", "insert", footer=3),
    _files("invert", "Invert marks", "Mark what is not marked and the other way round; with "
           "nothing marked that marks everything", "asterisk"),
    _files("mark_all", "Mark all", "Mark every entry that is shown", "ctrl+a"),
    _files("filter", "Filter", "Show only the names that match what you type; * and ? work",
           "slash", footer=5),
    _files("hidden", "Hidden files", "Show or leave out the names that begin with a dot",
           "full_stop"),
    _files("sort", "Sort", "Order by name, size, time or type, in turn", "s"),
    _files("reverse", "Reverse", "Turn the order round", "S"),
    _files("mkdir", "New folder", "Make a folder here", "n", "f7"),
    _files("rename", "Rename", "Give the entry another name", "r", "f2"),
    _files("delete", "Delete", "Delete what is marked, or the entry at the cursor; asks first",
           "d", "f8", "delete"),
    _files("chmod", "Permissions", "Change who may read, write and execute", "m"),
    _files("refresh", "Refresh", "List the folder again", "ctrl+r"),
    _files("command", "Copy scp", "Copy the scp command that does the same copy", "y"),
    _files("transfers", "Transfers", "Go to the list of transfers", "t"),
    _files("back", "Clear", "Drop the filter, the marks or the notice", "escape", palette=False),
)
TRANSFER_COMMANDS: tuple[Command, ...] = (
    _transfers("cancel", "Cancel", "Stop the copy; what is complete stays", "x", "delete",
               footer=1),
    _transfers("retry", "Retry", "Copy again what failed or was cancelled", "R", "r", footer=2),
    _transfers("clear", "Clear finished", "Take the finished copies off the list", "c", footer=3),
    _transfers("close", "Back", "Go back to the files", "t", "escape", "tab", footer=4),
)
