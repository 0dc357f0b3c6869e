"""The commands of the table of tunnels."""

from sshdash.ui.command import Command

TUNNEL_COMMANDS: tuple[Command, ...] = ()
