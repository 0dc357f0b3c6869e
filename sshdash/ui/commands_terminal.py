"""The commands of a terminal: prefix keys only, for every other key is the remote's."""

from sshdash.ui.command import Command

TERMINAL_COMMANDS: tuple[Command, ...] = ()
