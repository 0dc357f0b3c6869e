"""The commands of the table of tunnels."""

from sshdash.ui.command import Command, Place


def _tunnels(name: str, title: str, help_text: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"tunnels.{name}", Place.TUNNELS, title, help_text, keys, (), footer)


TUNNEL_COMMANDS: tuple[Command, ...] = (
    _tunnels("toggle", "Start/stop", "Open the tunnel, or close it", "enter", "space", footer=1),
    _tunnels("add", "Add", "Add a local, remote or dynamic forward", "a", footer=2),
    _tunnels("remove", "Remove", "Close the tunnel and take it off the list; asks if it is used",
             "d", "delete", footer=3),
    _tunnels("restart", "Restart", "Close the tunnel and open it again", "r", footer=4),
    _tunnels("command", "Copy ssh", "Copy the ssh command that opens the same tunnel", "y",
             footer=5),
)
