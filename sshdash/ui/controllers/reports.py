"""What programs in shells tell of themselves or want, by the rules for their host."""

import time
from typing import TYPE_CHECKING

from sshdash.config.patterns import first_for_host
from sshdash.events import Event, ProgramReported
from sshdash.prompts import ConfirmQuestion
from sshdash.terminal.osc import CLIPBOARD_LIMIT, ClipboardWrite
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.format import count_text
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean, clean_lines

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession

QUIET = 60.0
"""Seconds after a refusal in which a shell does not ask about the clipboard again."""
_PREVIEW = 8


class ReportController:
    """Shows notifications and progress, and puts text on the clipboard where it may."""

    def __init__(self, cockpit: Cockpit, shells: ShellController) -> None:
        self.cockpit = cockpit
        self.shells = shells
        self._quiet: dict[str, float] = {}
        """Session to when it may ask again, by the monotonic clock."""

    def on_event(self, event: Event) -> None:
        """Look at what a program reported."""
        if not isinstance(event, ProgramReported):
            return
        session = self.cockpit.backend.sessions.get(event.session)
        if session is None:
            return
        self._notify(session)
        for pane in self.shells.panes(event.host):
            if pane.session is session:
                pane.show_state()
        if (wish := session.reports.take_clipboard()) is not None:
            self._clipboard(session, wish)

    def _notify(self, session: "ShellSession") -> None:
        told = session.reports.take_notifications()
        policy = self.cockpit.backend.settings.notifications
        if isinstance(policy, dict):
            policy = first_for_host(session.host, policy) or "show"
        if not told or policy == "ignore":
            return
        for tab in self.cockpit.tabs:
            if tab is self.cockpit.current or not isinstance(tab, TerminalTab):
                continue
            if session in tab.sessions:
                tab.show_news()
        if policy == "show":
            for one in told:
                self.cockpit.tell(one.title, one.body, host=session.host)

    def _clipboard(self, session: "ShellSession", wish: ClipboardWrite) -> None:
        policy = self.cockpit.backend.settings.clipboard
        if isinstance(policy, dict):
            policy = first_for_host(session.host, policy) or "ask"
        if policy == "deny" or time.monotonic() < self._quiet.get(session.id, 0.0):
            return
        if wish.size > CLIPBOARD_LIMIT:
            most = f"{CLIPBOARD_LIMIT // 1024} KiB are the most that a program may put there"
            self.cockpit.tell("Too much for the clipboard", most, host=session.host)
        elif policy == "allow":
            self._copy(session, wish)
        else:
            self._quiet[session.id] = time.monotonic() + QUIET * 60  # while it is asked about
            self.cockpit.start(self._ask(session, wish), aside=True)

    async def _ask(self, session: "ShellSession", wish: ClipboardWrite) -> None:
        size = count_text(len(wish.text), "character")
        question = ConfirmQuestion(
            f"Let {clean(session.host)} fill the clipboard?",
            f"A program there wants these {size} on it:\n\n{clean_lines(wish.text, _PREVIEW, 120)}",
            action="Copy",
            unbidden=True,
        )
        agreed = False
        try:
            answer = await self.cockpit.ask(question)
            agreed = answer is True
        finally:
            self._quiet[session.id] = 0.0 if agreed else time.monotonic() + QUIET
        if agreed:
            self._copy(session, wish)

    def _copy(self, session: "ShellSession", wish: ClipboardWrite) -> None:
        self.cockpit.screen.app.copy_to_clipboard(wish.text)
        size = count_text(len(wish.text), "character")
        self.cockpit.tell(f"Copied {size}", "put on the clipboard by a program", host=session.host)
