"""Something to be done elsewhere: it is shown until that is done."""

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Button

from sshdash.prompts import NoticeQuestion
from sshdash.ui.screens.dialog import Dialog, choice, text


class NoticeDialog(Dialog[bool]):
    """Tells what is waited for. It goes by itself; meanwhile it can be hidden, or given up."""

    def __init__(self, question: NoticeQuestion) -> None:
        super().__init__(f"{question.host}: {question.title}" if question.host else question.title)
        self.question = question

    def body(self) -> Iterable[Widget]:
        """Return what is waited for."""
        yield text(self.question.detail or "Waiting …", "instructions")

    def buttons(self) -> Iterable[Button]:
        """Return the button that takes the notice away, and the one that gives up."""
        return choice("Hide", "cancel"), choice("Give up", "give-up", "danger")

    def on_choice(self, name: str) -> None:
        """Give up what is waited for."""
        self.dismiss(True)
