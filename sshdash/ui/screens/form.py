"""A dialog in which a person types: what was typed is not dropped without asking."""

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.dialog import Dialog, Result


class Form(Dialog[Result]):
    """A dialog with fields. A subclass says in `is_changed` whether anything is in them."""

    discarding = "Nothing of it is kept."
    """What the question says of the fields."""

    @property
    def is_changed(self) -> bool:
        """Return whether something was typed that would be lost."""
        return False

    def action_cancel(self) -> None:
        """Go, after asking where something was typed."""
        if not self.is_changed:
            self.dismiss(None)
            return
        question = ConfirmQuestion("Discard what you typed?", self.discarding, "Discard")
        self.app.push_screen(ConfirmDialog(question), self._discard)

    def _discard(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)
