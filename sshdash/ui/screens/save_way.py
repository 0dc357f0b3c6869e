"""An edited file has what a new one in its place would not have."""

from collections.abc import Iterable, Sequence
from enum import Enum

from textual.widget import Widget
from textual.widgets import Button

from sshdash.sftp.entries import Entry
from sshdash.ui.format import count_text
from sshdash.ui.screens.dialog import Dialog, choice, text

_IN_PLACE = (
    "In place keeps all of it. A copy of the old content lies beside the file until that is done,"
    " and is put back where it fails. Who reads meanwhile may see half of it."
)
_REPLACE = "Replace shows readers the old or the new, never half, and loses what is said above."


class SaveWay(Enum):
    """How an edit gets into its file."""

    IN_PLACE = "in_place"
    """Written into the file itself: everything about it stays."""
    REPLACE = "replace"
    """A new file takes its name, whole or not at all."""


def losses_of(entry: Entry) -> list[str]:
    """Return what would be lost if another file took the place of this one."""
    losses = []
    if entry.links > 1:
        others = count_text(entry.links - 1, "other name")
        losses.append(f"It has {others} (hard links), which would keep the old content.")
    if entry.has_acl:
        losses.append("It has an access list (getfacl), which would be gone.")
    return losses


class SaveWayDialog(Dialog[SaveWay]):
    """Asks how to save; dismissed, nothing is."""

    AUTO_FOCUS = "Button"

    def __init__(self, name: str, losses: Sequence[str]) -> None:
        super().__init__(f"How to save {name}?")
        self._losses = losses

    def body(self) -> Iterable[Widget]:
        """Return what is at stake, and what each way means."""
        for loss in self._losses:
            yield text(loss, "-warning")
        yield text("")
        yield text(_IN_PLACE)
        yield text("")
        yield text(_REPLACE)

    def buttons(self) -> Iterable[Button]:
        """Return what can be done, in place first: it loses nothing."""
        yield choice("Write in place", "in_place", "primary")
        yield choice("Replace", "replace")
        yield choice("Cancel", "cancel")

    def on_choice(self, name: str) -> None:
        """Answer."""
        self.dismiss(SaveWay(name))
