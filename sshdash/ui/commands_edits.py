"""The commands that edit ssh_config from the list of hosts."""

from sshdash.ui.command import Command, Place


def _host(name: str, title: str, words: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"host.{name}", Place.HOSTS, title, words, keys, footer=footer)


EDIT_COMMANDS: tuple[Command, ...] = (
    _host("add", "Add host", "Add a host to ssh_config", "a"),
    _host("edit", "Edit", "Change the host's settings in ssh_config", "e", footer=6),
    _host("clone", "Clone", "Copy the host under another name", "c"),
    _host("remove", "Remove", "Remove the host from ssh_config; asks first", "delete"),
    _host("move_up", "Move up", "Put the host before the one above, in its file", "shift+up"),
    _host("move_down", "Move down", "Put the host after the one below, in its file", "shift+down"),
    _host("undo", "Undo edit", "Take back the last edit of this run", "u"),
    _host("open_file", "Open in editor", "Open ssh_config at the host, in $EDITOR", "E"),
)
