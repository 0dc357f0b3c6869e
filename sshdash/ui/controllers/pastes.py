"""Asks about pastes that would be run as they arrive."""

from typing import TYPE_CHECKING

from sshdash.ui.cockpit import Cockpit

if TYPE_CHECKING:
    from sshdash.ui.widgets.terminal_view import TerminalView


class PasteController:
    """Shows a paste, and gives the terminal what was decided."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit

    def ask(self, question: "TerminalView.PasteAsked") -> None:
        """Show the paste of a terminal."""
        self.cockpit.start(self._ask(question))

    async def _ask(self, question: "TerminalView.PasteAsked") -> None:
        from sshdash.ui.dialogs import paste_dialog  # not at the start: every dialog comes with it

        chosen = await self.cockpit.show(paste_dialog(question.text, question.detail))
        if chosen:
            question.answer(chosen)
