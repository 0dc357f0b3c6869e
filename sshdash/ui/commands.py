"""Every command, once: its key, its words, and where it is valid.

Bindings, footer, palette, help and the prefix menu all derive from this table. A command runs the
method ``action_<id>`` (dots become underscores) of the nearest widget that has it: from the
focused one outwards, then inside the current tab, then the host list, the workspace and the app.
A widget that has the method may also have ``why_not(command_id)``: a sentence says why the
command is not available now, an empty string that it is.
"""

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from sshdash.ui.command import Command, Place
from sshdash.ui.commands_edits import EDIT_COMMANDS
from sshdash.ui.commands_files import FILE_COMMANDS, TRANSFER_COMMANDS
from sshdash.ui.commands_navigation import NAVIGATION_COMMANDS
from sshdash.ui.commands_panes import PANE_COMMANDS
from sshdash.ui.commands_search import SEARCH_COMMANDS
from sshdash.ui.commands_terminal import TERMINAL_COMMANDS
from sshdash.ui.commands_tunnels import TUNNEL_COMMANDS

_HOSTS = (
    Command(
        "host.open",
        Place.HOSTS,
        "Shell",
        "Open a shell, or go to the open one",
        ("enter",),
        footer=1,
    ),
    Command(
        "host.shell",
        Place.HOSTS,
        "New shell",
        "Open another shell on the host",
        ("n",),
        prefix=("c",),
    ),
    Command(
        "host.files",
        Place.HOSTS,
        "Files",
        "Browse and copy files, here and there",
        ("f",),
        prefix=("f",),
        footer=2,
    ),
    Command(
        "host.tunnels",
        Place.HOSTS,
        "Tunnels",
        "Open and watch the tunnels",
        ("t",),
        prefix=("t",),
        footer=3,
    ),
    Command(
        "host.discover",
        Place.HOSTS,
        "Discover",
        "List what listens on the host, to forward it",
        ("D",),
    ),
    Command(
        "host.filter",
        Place.HOSTS,
        "Filter",
        "Show only the hosts that match",
        ("slash",),
        footer=4,
    ),
    Command(
        "host.copy",
        Place.HOSTS,
        "Copy ssh",
        "Copy the ssh command of the host",
        ("y",),
        footer=5,
    ),
    Command(
        "host.explain",
        Place.HOSTS,
        "Explain",
        "Show which line of ssh_config set each value",
        ("i",),
        prefix=("i",),
    ),
    Command(
        "host.disconnect",
        Place.HOSTS,
        "Disconnect",
        "End the connection, its shells and tunnels",
        ("d",),
        prefix=("d",),
    ),
    Command(
        "host.reconnect",
        Place.HOSTS,
        "Reconnect",
        "Connect again, now; an ended shell starts again",
        ("r",),
        prefix=("r",),
    ),
    Command(
        "host.timeline",
        Place.HOSTS,
        "Timeline",
        "Show the steps of the last attempt to connect",
        ("l",),
        prefix=("L",),
    ),
    Command(
        "host.forget",
        Place.HOSTS,
        "Forget secrets",
        "Remove what the keyring has for the host",
        (),
    ),
    Command(
        "host.connect_to",
        Place.HOSTS,
        "Connect to…",
        "Open a shell on any user@host:port",
        ("o",),
        prefix=("O",),
    ),
    Command(
        "host.reload",
        Place.HOSTS,
        "Reload",
        "Read ssh_config again",
        ("R",),
    ),
    Command(
        "host.fold",
        Place.HOSTS,
        "Fold",
        "Fold or unfold the group of the host",
        ("space",),
        palette=False,
    ),
)

_TABS = (
    Command(
        "tab.go",
        Place.ANYWHERE,
        "Tab",
        "Go to a tab by its number",
        (),
        prefix=tuple("123456789"),
        palette=False,
    ),
    Command("tab.next", Place.ANYWHERE, "Next tab", "Go to the next tab", (), prefix=("n",)),
    Command(
        "tab.previous", Place.ANYWHERE, "Previous tab", "Go to the tab before", (), prefix=("p",)
    ),
    Command("tab.last", Place.ANYWHERE, "Last tab", "Go to the tab seen before", (), ("tab",)),
    Command(
        "tab.find",
        Place.ANYWHERE,
        "Go to a tab…",
        "Go to a tab by its number or part of its title",
        (),
        prefix=("apostrophe",),
    ),
    Command(
        "tab.move_left",
        Place.ANYWHERE,
        "Move tab left",
        "Let the tab change places with the one on its left",
        (),
        prefix=("less_than_sign",),
    ),
    Command(
        "tab.move_right",
        Place.ANYWHERE,
        "Move tab right",
        "Let the tab change places with the one on its right",
        (),
        prefix=("greater_than_sign",),
    ),
    Command(
        "tab.close",
        Place.ANYWHERE,
        "Close tab",
        "Close the tab and all that runs in it",
        (),
        prefix=("X",),
    ),
    Command(
        "tab.copy",
        Place.ANYWHERE,
        "Copy command",
        "Copy the command line for what is selected",
        (),
        prefix=("y",),
    ),
)

_VIEW = (
    Command("view.hosts", Place.ANYWHERE, "Hosts", "Go to the list of hosts", (), prefix=("h",)),
    Command(
        "view.switcher",
        Place.ANYWHERE,
        "Switch host",
        "Go to a host by part of its name",
        (),
        prefix=("space",),
    ),
    Command(
        "view.transfers",
        Place.ANYWHERE,
        "Transfers",
        "Show all copies: queued, running, done, failed",
        (),
        prefix=("F",),
    ),
    Command(
        "view.sidebar", Place.ANYWHERE, "Sidebar", "Show or hide the sidebar", (), prefix=("s",)
    ),
    Command(
        "view.zoom",
        Place.ANYWHERE,
        "Zoom",
        "Give the pane or the tab the whole screen, or not",
        (),
        prefix=("z",),
    ),
    Command(
        "view.palette",
        Place.ANYWHERE,
        "Commands",
        "Find any command by its name",
        ("colon",),
        prefix=("colon",),
        palette=False,
    ),
    Command(
        "view.help",
        Place.ANYWHERE,
        "Help",
        "Show the keys of this place",
        ("question_mark",),
        prefix=("question_mark",),
    ),
    Command(
        "view.log",
        Place.ANYWHERE,
        "Messages",
        "Read recent errors and notices",
        ("exclamation_mark",),
        prefix=("l",),
    ),
    Command(
        "view.theme",
        Place.ANYWHERE,
        "Theme",
        "Switch between dark and light",
        (),
        prefix=("T",),
    ),
    Command(
        "app.quit",
        Place.HOSTS,
        "Quit",
        "Leave; asks first if anything is live",
        ("q",),
        prefix=("q",),
        footer=7,
    ),
)

COMMANDS: dict[str, Command] = {
    command.id: command
    for command in (
        *_HOSTS,
        *EDIT_COMMANDS,
        *_TABS,
        *_VIEW,
        *PANE_COMMANDS,
        *TERMINAL_COMMANDS,
        *SEARCH_COMMANDS,
        *FILE_COMMANDS,
        *NAVIGATION_COMMANDS,
        *TRANSFER_COMMANDS,
        *TUNNEL_COMMANDS,
    )
}


def commands_of(place: Place) -> list[Command]:
    """Return the commands of one place, in the order of the table."""
    return [command for command in COMMANDS.values() if command.place is place]


def footer_of(place: Place) -> list[Command]:
    """Return the commands the footer shows in a place, most useful first."""
    shown = [command for command in commands_of(place) if command.footer]
    return sorted(shown, key=lambda command: command.footer)


def bindings_of(place: Place) -> list[BindingType]:
    """Return the key bindings of a place: ``BINDINGS`` of the widget that is the place."""
    return list(_bindings(commands_of(place)))


def _bindings(commands: Iterable[Command]) -> Iterable[BindingType]:
    for command in commands:
        if command.keys:
            yield Binding(
                ",".join(command.keys),
                f"app.command('{command.id}')",
                command.title,
                show=False,
                tooltip=command.help,
                id=command.id,
            )
