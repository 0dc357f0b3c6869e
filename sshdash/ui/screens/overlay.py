"""What lies above the workspace and wants to be read: dialogs, pickers, sheets."""

from typing import TypeVar

from textual import events, on
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Overlay(ModalScreen[Result]):
    """A screen above the workspace. What only informed is gone as it opens.

    Notices lie in the corner above all else, over titles and buttons on a small screen. Warnings
    and errors stay as long as they would; what is told while it is open is shown as ever.
    """

    @on(events.Mount)
    def _forget_information(self) -> None:
        """Take the notices away that only inform."""
        for notification in tuple(self.app._notifications):
            if notification.severity == "information":
                self.app._unnotify(notification)
