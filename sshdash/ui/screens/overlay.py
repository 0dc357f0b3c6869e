"""What lies above the workspace and wants to be read: dialogs, pickers, sheets."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual import events, on
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Overlay(ModalScreen[Result]):
    """A screen above the workspace. What only informed is gone as it opens.

    Notices lie in the corner above all else, over titles and buttons on a small screen. Warnings
    and errors are shown as ever; what only informs waits until a question is answered.
    """

    HOLDS_NEWS: ClassVar[bool] = False
    """Whether what only informs waits until this is closed."""

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._held: list[Callable[[], None]] = []

    def hold(self, tell: Callable[[], None]) -> None:
        """Call `tell` when this is closed."""
        self._held.append(tell)

    @on(events.Unmount)
    def _release(self) -> None:
        held, self._held = self._held, []
        for tell in held:
            tell()

    @on(events.Mount)
    def _forget_information(self) -> None:
        """Take the notices away that only inform."""
        for notification in tuple(self.app._notifications):
            if notification.severity == "information":
                self.app._unnotify(notification)
