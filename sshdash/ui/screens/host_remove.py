"""What would be removed from ssh_config, before it is."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button

from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.difference import Difference


class RemoveDialog(Dialog[str]):
    """Asks whether a host should go; answers ``block``, or ``name`` where others share the block.

    The texts are cleaned.
    """

    AUTO_FOCUS = "Button"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes", show=False),
        Binding("n", "cancel", "No", show=False),
    ]

    def __init__(
        self,
        name: str,
        place: str,
        lines: Sequence[str],
        others: Sequence[str] = (),
        note: str = "",
    ) -> None:
        super().__init__(f"Remove {name}?", danger=True)
        self._name = name
        self._place = place
        self._lines = lines
        self._others = others
        self._note = note

    def body(self) -> Iterable[Widget]:
        """Return what goes, line by line."""
        yield text(self._place, "lead")
        yield VerticalScroll(
            Difference([f"-{line}" for line in self._lines]), classes="removed", can_focus=False
        )
        if self._note:
            yield text(f"▲ {self._note}", "shared")
        if self._others:
            yield text(f"The block is also for {' '.join(self._others)}.", "shared")

    def buttons(self) -> Iterable[Button]:
        """Return what can go."""
        cancel = choice("Cancel", "cancel")
        if not self._others:
            return cancel, choice("Remove", "block", "danger")
        return (
            cancel,
            choice(f"Only the name {self._name}", "name", "danger"),
            choice("The whole block", "block", "danger"),
        )

    def on_choice(self, name: str) -> None:
        """Answer what to remove."""
        self.dismiss(name)

    def action_yes(self) -> None:
        """Answer yes, where there is only one thing to say yes to."""
        if not self._others:
            self.dismiss("block")
