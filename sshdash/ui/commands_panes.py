"""The commands of panes, of what is broadcast to them, and of layouts: tmux's keys for most."""

from sshdash.ui.command import Command, Place

_MOVES = (
    ("left", "left", "on the left"),
    ("down", "down", "below"),
    ("up", "up", "above"),
    ("right", "right", "on the right"),
)

PANE_COMMANDS: tuple[Command, ...] = (
    Command(
        "pane.split_right",
        Place.TERMINAL,
        "Split",
        "Open another shell beside this one, on the same connection",
        prefix=("vertical_line", "percent_sign"),
    ),
    Command(
        "pane.split_down",
        Place.TERMINAL,
        "Split below",
        "Open another shell below this one, on the same connection",
        prefix=("minus", "quotation_mark"),
    ),
    Command(
        "pane.split_host",
        Place.TERMINAL,
        "Split with another host",
        "Open a shell on another host beside this one",
        prefix=("plus",),
    ),
    Command(
        "pane.close",
        Place.ANYWHERE,
        "Close",
        "Close the pane and what runs in it; the last one closes the tab",
        prefix=("x",),
    ),
    Command(
        "pane.next",
        Place.TERMINAL,
        "Next pane",
        "Go to the next pane of the tab",
        prefix=("o",),
    ),
    *(
        Command(
            f"pane.{key}",
            Place.TERMINAL,
            f"Pane {where}",
            f"Go to the pane {where}",
            prefix=(key,),
        )
        for key, _, where in _MOVES
    ),
    *(
        Command(
            f"pane.resize_{key}",
            Place.TERMINAL,
            f"Border {way}",
            f"Push the border {way}, again and again; shift and alt do it too",
            prefix=(f"ctrl+{key}", f"shift+{key}", f"alt+{key}"),
            repeats=True,
        )
        for key, way, _ in _MOVES
    ),
    Command(
        "pane.move",
        Place.TERMINAL,
        "Move",
        "Move the pane beside the one in a direction, at the edge along all of it: then an arrow",
        prefix=("m",),
    ),
    Command(
        "pane.swap_previous",
        Place.TERMINAL,
        "Swap with previous",
        "Let the pane and the one before it change places",
        prefix=("left_curly_bracket",),
    ),
    Command(
        "pane.swap_next",
        Place.TERMINAL,
        "Swap with next",
        "Let the pane and the one after it change places",
        prefix=("right_curly_bracket",),
    ),
    Command(
        "pane.equalise",
        Place.TERMINAL,
        "Equalise",
        "Give all panes of the tab the same room",
        prefix=("equals_sign",),
    ),
    Command(
        "pane.break_out",
        Place.TERMINAL,
        "Break out",
        "Give the pane a tab of its own; what runs in it goes on",
        prefix=("exclamation_mark",),
    ),
    Command(
        "pane.join",
        Place.TERMINAL,
        "Join another tab",
        "Move the pane into another tab; what runs in it goes on",
        prefix=("at",),
    ),
    Command(
        "broadcast.choose",
        Place.TERMINAL,
        "Broadcast",
        "Type into several panes at once; when it is on, turn it off",
        prefix=("b",),
    ),
    Command(
        "broadcast.pane",
        Place.TERMINAL,
        "Leave out of broadcast",
        "Take the pane out of what is broadcast, or in again",
        prefix=("B",),
    ),
    Command(
        "layout.save",
        Place.ANYWHERE,
        "Save layout",
        "Keep all terminal tabs and their splits under a name",
        prefix=("W",),
    ),
    Command(
        "layout.save_tab",
        Place.ANYWHERE,
        "Save layout of this tab",
        "Keep the splits of this tab under a name",
    ),
    Command(
        "layout.open",
        Place.ANYWHERE,
        "Open layout",
        "Open the tabs and splits that were kept under a name",
        prefix=("w",),
    ),
    Command(
        "layout.delete",
        Place.ANYWHERE,
        "Delete layout",
        "Forget what was kept under a name",
    ),
)
