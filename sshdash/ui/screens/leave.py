"""Whether to leave, and what becomes of the open tunnels."""

from collections.abc import Iterable
from enum import Enum
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button

from sshdash.ui.format import count_text
from sshdash.ui.screens.dialog import Dialog, choice, text


class Leaving(Enum):
    """How to leave."""

    END = "end"
    """With everything."""
    KEEP = "keep"
    """The tunnels go on without the screen."""


class LeaveDialog(Dialog[Leaving]):
    """Asks before what is live ends; tunnels may be handed over to a process without a screen."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "leave", "Leave", show=False),
        Binding("k", "keep", "Keep the tunnels", show=False),
        Binding("n", "cancel", "No", show=False),
    ]

    def __init__(self, ends: str, tunnels: int) -> None:
        super().__init__("Leave sshdash?", danger=True)
        self._ends = ends
        self._tunnels = tunnels

    def body(self) -> Iterable[Widget]:
        """Return what would end, and what need not."""
        yield text(self._ends)
        them = count_text(self._tunnels, "tunnel")
        words = (
            f"{them} can go on without the screen (k); sshdash tunnels then shows and stops them."
        )
        yield text(words, "lead")

    def buttons(self) -> Iterable[Button]:
        """Return the safe one first."""
        return (
            choice("Cancel", "cancel"),
            choice("Keep the tunnels running", "keep", "primary"),
            choice("Leave", "leave", "danger"),
        )

    def on_choice(self, name: str) -> None:
        """Answer how to leave."""
        self.dismiss(Leaving.KEEP if name == "keep" else Leaving.END)

    def action_leave(self) -> None:
        """End everything."""
        self.dismiss(Leaving.END)

    def action_keep(self) -> None:
        """Let the tunnels go on."""
        self.dismiss(Leaving.KEEP)
