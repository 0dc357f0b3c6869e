"""The commands of the table of tunnels."""

from sshdash.ui.command import Command, Place


def _tunnels(name: str, title: str, words: str, *keys: str, footer: int = 0) -> Command:
    return Command(f"tunnels.{name}", Place.TUNNELS, title, words, keys, footer=footer)


TUNNEL_COMMANDS: tuple[Command, ...] = (
    _tunnels("toggle", "Start/stop", "Open the tunnel, or close it", "enter", "space", footer=1),
    _tunnels("add", "Add", "Add a forward: local, remote or a proxy", "a", footer=2),
    _tunnels("discover", "Discover", "List what listens on the host, to forward it", "D", footer=3),
    _tunnels("edit", "Edit", "Change it, also while it is open", "e", footer=4),
    _tunnels("pause", "Pause", "Pause it, or let it go on", "p", footer=5),
    _tunnels("remove", "Remove", "Close it and take it off the list", "d", "delete"),
    _tunnels("restart", "Restart", "Close it and open it again", "r"),
    _tunnels("probe", "Probe", "Ask the target now whether it is well", "P"),
    _tunnels("cut", "Cut client", "Go to the clients; there, cut one", "x"),
    _tunnels("take", "Take over", "Run here what another process runs", "t"),
    _tunnels("map", "Map", "Show all tunnels as a tree by host", "m", footer=6),
    _tunnels("detail", "Details", "Tell all about the tunnel, or less", "i"),
    _tunnels("history", "History", "Show what passed when: of it, its rule, all", "h"),
    _tunnels("filter", "Filter", "List only the tunnels that match", "slash"),
    _tunnels("group", "By host", "List the tunnels by host, or not", "g"),
    _tunnels("sort", "Sort", "Sort: as listed, trouble, traffic, name", "s"),
    _tunnels("open", "Open page", "Open what it leads to in the browser", "o"),
    _tunnels("start_all", "Start all", "Open every closed tunnel of the host", "S"),
    _tunnels("stop_all", "Stop all", "Close every tunnel of the host", "X"),
    _tunnels("command", "Copy ssh", "Copy the ssh command of the tunnel", "y", footer=7),
    Command(
        "tunnels.quit",
        Place.TUNNELS,
        "Quit",
        "Leave; asks first if anything is live",
        ("q",),
        palette=False,
    ),
    _tunnels("export", "Copy as…", "Copy it as a config block, a unit, for curl…", "Y"),
)
