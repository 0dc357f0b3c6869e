"""The two themes: calm greys, one accent, and four colours that mean something.

Meaning never rests on colour alone: `Mark` gives every state a shape too.
"""

from enum import Enum

from textual.theme import Theme

from sshdash.states import ConnectionState, SessionState, TransferState, TunnelState


def _variables(
    accent: str,
    foreground: str,
    background: str,
    surface: str,
    line: str,
    hover: str,
    cursor: str,
    cursor_text: str,
    boost: str,
) -> dict[str, str]:
    """Return what the style sheets and Textual's own widgets take from a theme."""
    return {
        "boost": boost,  # Textual takes a theme's own only where that has no panel
        "line": line,
        "line-focus": accent,
        "hover": hover,
        "cursor": cursor,
        "cursor-text": cursor_text,
        "border": accent,
        "border-blurred": line,
        "block-cursor-background": cursor,
        "block-cursor-foreground": cursor_text,
        "block-cursor-text-style": "none",
        "input-cursor-background": foreground,
        "input-cursor-foreground": background,
        "scrollbar": line,
        "scrollbar-active": accent,
        "scrollbar-background": surface,
        "scrollbar-background-hover": surface,
        "scrollbar-background-active": surface,
        "scrollbar-corner-color": surface,
    }


# The greys have less than 15 % saturation: terminals with 256 colours show those as greys, and
# anything bluer as navy or teal.
DARK = Theme(
    name="sshdash-dark",
    dark=True,
    primary="#7aa2f7",
    secondary="#6f7583",
    accent="#7aa2f7",
    success="#7fc98b",
    warning="#e2b45c",
    error="#f2828a",
    foreground="#d8dbe2",
    background="#14161a",
    surface="#191b20",
    panel="#20232a",
    variables={
        **_variables(
            accent="#7aa2f7",
            foreground="#d8dbe2",
            background="#14161a",
            surface="#191b20",
            line="#343943",
            hover="#23262d",
            cursor="#2c3a57",
            cursor_text="#f1f4fb",
            boost="#2a2e36",
        ),
        "muted": "#a4abb8",
        "faint": "#878e9b",
        "cursor-blurred": "#2c3038",
        "scrollbar-hover": "#454b57",
        "input-selection-background": "#7aa2f7 35%",
    },
)

LIGHT = Theme(
    name="sshdash-light",
    dark=False,
    primary="#2456bd",
    secondary="#6a7385",
    accent="#2456bd",
    success="#246a37",
    warning="#845400",
    error="#b02434",
    foreground="#262a33",
    background="#fbfbfc",
    surface="#f5f5f6",
    panel="#ebecef",
    variables={
        **_variables(
            accent="#2456bd",
            foreground="#262a33",
            background="#fbfbfc",
            surface="#f5f5f6",
            line="#d0d3da",
            hover="#ebecef",
            cursor="#d3dff9",
            cursor_text="#10182b",
            boost="#dfe1e6",
        ),
        "muted": "#4e586a",
        "faint": "#606977",
        "cursor-blurred": "#e3e5e9",
        "scrollbar-hover": "#b8bdc7",
        "input-selection-background": "#2456bd 25%",
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


AGENT_MARK = "⇢"
"""Stands where a host may use the keys of this machine's agent."""

AWAY_MARK = "↗"
"""Stands where another process of sshdash runs a tunnel."""

SILENCE_MARK = "[silence]"
"""Stands behind the name of a pane whose silence is waited for."""

RECORDING_MARK = "● REC"
"""Stands where what a shell shows is being recorded."""


class Mark(Enum):
    """The shape and the theme colour of a state."""

    IDLE = ("○", "faint")
    BUSY = ("◌", "warning")
    UP = ("●", "success")
    DEGRADED = ("▲", "warning")
    FAILED = ("✖", "error")
    PAUSED = ("‖", "warning")

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
    ConnectionState.WAITING: Mark.BUSY,
    SessionState.OPENING: Mark.BUSY,
    SessionState.RUNNING: Mark.UP,
    SessionState.EXITED: Mark.IDLE,
    SessionState.LOST: Mark.FAILED,
    SessionState.FAILED: Mark.FAILED,
    TransferState.QUEUED: Mark.IDLE,
    TransferState.SCANNING: Mark.BUSY,
    TransferState.COPYING: Mark.BUSY,
    TransferState.WAITING: Mark.BUSY,
    TransferState.PAUSED: Mark.PAUSED,
    TransferState.DONE: Mark.UP,
    TransferState.FAILED: Mark.FAILED,
    TransferState.CANCELLED: Mark.IDLE,
    TunnelState.CLOSED: Mark.IDLE,
    TunnelState.OPENING: Mark.BUSY,
    TunnelState.OPEN: Mark.UP,
    TunnelState.DEGRADED: Mark.DEGRADED,
    TunnelState.RECONNECTING: Mark.BUSY,
    TunnelState.PAUSED: Mark.PAUSED,
    TunnelState.FAILED: Mark.FAILED,
}
