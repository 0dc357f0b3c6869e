"""What somebody else did to a file that was about to be written."""

from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button

from sshdash.config.diff import shown
from sshdash.config.plan import short
from sshdash.config.saving import ChangedSince
from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.difference import Difference


class ChangedFileDialog(Dialog[None]):
    """Shows a file's two versions against each other; nothing was written."""

    AUTO_FOCUS = "Button"

    def __init__(self, error: ChangedSince) -> None:
        super().__init__(error.title)
        self._error = error

    def body(self) -> Iterable[Widget]:
        """Return the difference."""
        yield text(f"{short(self._error.path)}: nothing was written. Meanwhile:", "lead")
        lines = shown(self._error.difference)
        yield VerticalScroll(Difference(lines), classes="removed", can_focus=False)

    def buttons(self) -> Iterable[Button]:
        """Return what closes it."""
        return (choice("Close", "cancel"),)
