"""The commands of the table of tunnels."""

from sshdash.ui.command import Command, Place


def _tunnels(name: str, title: str, words: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"tunnels.{name}", Place.TUNNELS, title, words, keys, footer=footer)


TUNNEL_COMMANDS: tuple[Command, ...] = (
    _tunnels("toggle", "Start/stop", "Open the tunnel, or close it", "enter", "space", footer=1),
    _tunnels("add", "Add", "Add a local, remote or dynamic forward", "a", footer=2),
    _tunnels("remove", "Remove", "Close it and take it off the list", "d", "delete", footer=3),
    _tunnels("restart", "Restart", "Close the tunnel and open it again", "r", footer=5),
    _tunnels("discover", "Discover", "List what listens on the host, to forward it", "D"),
    _tunnels("open", "Open page", "Open what it leads to in the browser", "o"),
    _tunnels("start_all", "Start all", "Open every closed tunnel of the host", "S"),
    _tunnels("stop_all", "Stop all", "Close every tunnel of the host", "X"),
    _tunnels("command", "Copy ssh", "Copy the ssh command of the tunnel", "y", footer=4),
)
