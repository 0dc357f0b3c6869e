"""Yes or no, with no as what Enter means."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.screens.dialog import Dialog, choice, text


class ConfirmDialog(Dialog[bool]):
    """Asks whether something should really happen."""

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", show=False),
        Binding("n", "cancel", "No", show=False),
    ]

    def __init__(self, question: ConfirmQuestion) -> None:
        super().__init__(question.title, danger=question.danger)
        self.question = question

    def on_mount(self) -> None:
        """Name the keys."""
        self.query_one(".dialog").border_subtitle = Content(" y yes  n no ")

    def body(self) -> Iterable[Widget]:
        """Return what would happen."""
        yield text(self.question.detail)

    def buttons(self) -> Iterable[Button]:
        """Return no first, then yes."""
        style = "danger" if self.question.danger else "primary"
        return (
            choice("Cancel", "cancel"),
            choice(self.question.action, "yes", style),
        )

    def on_choice(self, name: str) -> None:
        """Answer yes."""
        self.dismiss(True)

    def action_yes(self) -> None:
        """Answer yes."""
        self.dismiss(True)
