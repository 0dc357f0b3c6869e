"""Takes a file pane to where a shell is, and a shell to where the pane is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sshdash.errors import UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.quoting import quoted
from sshdash.states import SessionState
from sshdash.terminal.shell_folder import shell_folder
from sshdash.ui.controllers import file_names as names
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.theme import MARKS
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.file_listings import Listings
    from sshdash.ui.widgets.file_pane import FilePane

_KILL_LINE = b"\x05\x15"
"""ctrl+e, ctrl+u: drops what was typed at the prompt, which would become part of the command."""


class FileShells:
    """Finds the shell of a pane's host; asks where there are several."""

    def __init__(self, cockpit: Cockpit, listings: Listings) -> None:
        self.cockpit = cockpit
        self.listings = listings

    async def go_to_shell(self, pane: FilePane) -> None:
        """Show the folder that a shell of the pane's host is in."""
        session = await self._pick(pane, "Go to the folder of")
        if session is not None:
            endpoint = pane.endpoint
            pane.wait("asking the shell…")
            try:
                folder = await shell_folder(session, self._running())
            finally:
                pane.wait("")
            if pane.is_attached and pane.endpoint == endpoint:
                self.listings.open(pane, folder)

    async def send_shell(self, pane: FilePane) -> None:
        """Type a `cd` to the pane's folder into a shell of its host."""
        folder = names.text(pane.browser.path)
        if not folder.isprintable():
            raise UsageError(
                "This folder cannot be typed into a shell", clean(pane.browser.path, 400)
            )
        session = await self._pick(pane, "Send to this folder")
        if session is None:
            return
        command = f"cd {quoted(folder)}"
        at_prompt = session.activity.at_prompt
        if at_prompt is False or session.emulator.modes.alternate_screen:
            raise UsageError(
                "A program runs in that shell", hint="send it once the shell waits for a command"
            )
        if at_prompt is None:
            question = ConfirmQuestion(
                f"Type into the shell on {pane.label}?",
                f"{clean(command, 400)}\n\nIt does not tell whether it waits for a command; "
                "what is typed there already is dropped.",
                action="Type",
            )
            if not await self.cockpit.prompter.ask(question):
                return
        if session.state is SessionState.RUNNING:
            session.write(_KILL_LINE + names.encode(command) + b"\r")
            self.cockpit.tell("Sent to the shell", clean(command, 400))

    async def _pick(self, pane: FilePane, title: str) -> ShellSession | None:
        """Return the running shell of the pane's host, of several the one that is picked."""
        running = {one.id: one for one in self._running() if one.host == pane.host}
        if not running:
            raise UsageError(
                f"No shell runs on {pane.label}", hint="open one from the list of hosts"
            )
        if len(running) == 1:
            return next(iter(running.values()))
        choices = [
            Choice(
                one.id,
                clean(one.title) or pane.label,
                clean(one.directory, 200),
                mark=MARKS[one.state],
            )
            for one in running.values()
        ]
        picked = await self.cockpit.show(Picker(title, choices, "which shell?"))
        return running.get(picked) if picked is not None else None

    def _running(self) -> list[ShellSession]:
        """Return the running shells of all tabs, in their order."""
        tabs = [tab for tab in self.cockpit.tabs if isinstance(tab, TerminalTab)]
        sessions = [pane.session for tab in tabs for pane in tab.panes]
        return [one for one in sessions if one is not None and one.state is SessionState.RUNNING]
