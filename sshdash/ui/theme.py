"""The two themes: calm greys, one accent, and four colours that mean something.

Meaning never rests on colour alone: `Mark` gives every state a shape too.
"""

from enum import Enum

from textual.theme import Theme

from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState

DARK = Theme(
    name="sshdash-dark",
    dark=True,
    primary="#7aa2f7",
    secondary="#6b7489",
    accent="#7aa2f7",
    success="#7fc98b",
    warning="#e2b45c",
    error="#f07178",
    foreground="#d5dae5",
    background="#12151c",
    surface="#171b24",
    panel="#1e2430",
    boost="#252c3a",
    variables={
        "line": "#2c3444",
        "line-focus": "#7aa2f7",
        "muted": "#8791a5",
        "faint": "#5a6478",
        "hover": "#1e2430",
        "cursor": "#2a3a5e",
        "cursor-blurred": "#222a39",
        "cursor-text": "#eef2fb",
        "border": "#7aa2f7",
        "border-blurred": "#2c3444",
        "block-cursor-background": "#2a3a5e",
        "block-cursor-foreground": "#eef2fb",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#d5dae5",
        "input-cursor-foreground": "#12151c",
        "input-selection-background": "#7aa2f7 35%",
        "scrollbar": "#2c3444",
        "scrollbar-hover": "#3b465b",
        "scrollbar-active": "#7aa2f7",
        "scrollbar-background": "#171b24",
        "scrollbar-background-hover": "#171b24",
        "scrollbar-background-active": "#171b24",
        "scrollbar-corner-color": "#171b24",
    },
)

LIGHT = Theme(
    name="sshdash-light",
    dark=False,
    primary="#2b5fc7",
    secondary="#6a7385",
    accent="#2b5fc7",
    success="#2c7a3f",
    warning="#9a6300",
    error="#c02a3a",
    foreground="#232936",
    background="#fafbfc",
    surface="#f2f4f7",
    panel="#e8ebf0",
    boost="#dde2ea",
    variables={
        "line": "#cfd5df",
        "line-focus": "#2b5fc7",
        "muted": "#5c6678",
        "faint": "#8c95a6",
        "hover": "#e8ebf0",
        "cursor": "#cfdcf8",
        "cursor-blurred": "#e0e5ee",
        "cursor-text": "#10182b",
        "border": "#2b5fc7",
        "border-blurred": "#cfd5df",
        "block-cursor-background": "#cfdcf8",
        "block-cursor-foreground": "#10182b",
        "block-cursor-text-style": "none",
        "input-cursor-background": "#232936",
        "input-cursor-foreground": "#fafbfc",
        "input-selection-background": "#2b5fc7 25%",
        "scrollbar": "#cfd5df",
        "scrollbar-hover": "#b4bdcb",
        "scrollbar-active": "#2b5fc7",
        "scrollbar-background": "#f2f4f7",
        "scrollbar-background-hover": "#f2f4f7",
        "scrollbar-background-active": "#f2f4f7",
        "scrollbar-corner-color": "#f2f4f7",
    },
)

THEMES = (DARK, LIGHT)


def own_variables(theme: Theme) -> dict[str, str]:
    """Return the variables our style sheets need, for a theme that may not be ours."""
    if theme in THEMES:
        return {}
    colours = theme.to_color_system().generate()
    return {
        "line": colours["surface-lighten-2"],
        "line-focus": colours["primary"],
        "muted": colours["foreground-darken-2"],
        "faint": colours["foreground-darken-3"],
        "hover": colours["surface-lighten-1"],
        "cursor": colours["primary-muted"],
        "cursor-blurred": colours["surface-lighten-2"],
        "cursor-text": colours["foreground"],
    }


class Mark(Enum):
    """The shape and the theme colour of a state."""

    IDLE = ("○", "faint")
    BUSY = ("◌", "warning")
    UP = ("●", "success")
    DEGRADED = ("▲", "warning")
    FAILED = ("✖", "error")

    @property
    def shape(self) -> str:
        """Return the character that stands for it."""
        return self.value[0]

    @property
    def colour(self) -> str:
        """Return the theme variable of its colour, without the dollar sign."""
        return self.value[1]


MARKS: dict[Enum, Mark] = {
    ConnectionState.IDLE: Mark.IDLE,
    ConnectionState.CONNECTING: Mark.BUSY,
    ConnectionState.CONNECTED: Mark.UP,
    ConnectionState.FAILED: Mark.FAILED,
    ConnectionState.LOST: Mark.FAILED,
    SessionState.OPENING: Mark.BUSY,
    SessionState.RUNNING: Mark.UP,
    SessionState.EXITED: Mark.IDLE,
    SessionState.LOST: Mark.FAILED,
    SessionState.FAILED: Mark.FAILED,
    TransferState.QUEUED: Mark.IDLE,
    TransferState.SCANNING: Mark.BUSY,
    TransferState.COPYING: Mark.BUSY,
    TransferState.DONE: Mark.UP,
    TransferState.FAILED: Mark.FAILED,
    TransferState.CANCELLED: Mark.IDLE,
    TunnelState.CLOSED: Mark.IDLE,
    TunnelState.OPENING: Mark.BUSY,
    TunnelState.OPEN: Mark.UP,
    TunnelState.DEGRADED: Mark.DEGRADED,
    TunnelState.FAILED: Mark.FAILED,
}
