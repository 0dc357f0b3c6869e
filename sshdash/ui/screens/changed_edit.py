"""Somebody else changed a file while it was edited."""

from collections.abc import Iterable, Sequence
from enum import Enum

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button

from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.difference import Difference


class EditStep(Enum):
    """What to do with an edit that was not saved."""

    KEEP = "keep"
    """Save nothing; the edit stays on this machine."""
    OVERWRITE = "overwrite"
    AGAIN = "again"


class ChangedEditDialog(Dialog[EditStep]):
    """Shows what saving would change in the file as it is now; nothing was saved."""

    AUTO_FOCUS = "Button"

    def __init__(self, name: str, lead: str, difference: Sequence[str]) -> None:
        super().__init__(f"{name} has changed meanwhile", danger=True)
        self._lead = lead
        self._difference = difference

    def body(self) -> Iterable[Widget]:
        """Return the difference."""
        yield text(self._lead, "lead")
        if self._difference:
            yield VerticalScroll(Difference(self._difference), classes="removed", can_focus=False)

    def buttons(self) -> Iterable[Button]:
        """Return what can be done, keeping first: it loses nothing."""
        yield choice("Keep my copy", "keep", "primary")
        yield choice("Edit again", "again")
        yield choice("Overwrite theirs", "overwrite", "danger")

    def on_choice(self, name: str) -> None:
        """Answer."""
        self.dismiss(EditStep(name))
