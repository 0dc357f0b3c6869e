"""The commands of the two file panes and of the transfers."""

from sshdash.ui.command import Command

FILE_COMMANDS: tuple[Command, ...] = ()
TRANSFER_COMMANDS: tuple[Command, ...] = ()
