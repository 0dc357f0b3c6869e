"""Types snippets into shells: picked, filled in, and shown before anything is sent."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sshdash.prompts import ConfirmQuestion
from sshdash.snippets import Snippet, load_snippets, snippets_file
from sshdash.states import SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.broadcast import Broadcast
from sshdash.ui.format import count_text
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean, clean_lines

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession


class SnippetsController:
    """What the command about snippets does; where typing is broadcast, what is picked is too."""

    def __init__(self, cockpit: Cockpit, broadcast: Broadcast) -> None:
        self.cockpit = cockpit
        self.broadcast = broadcast

    def why_not(self, command_id: str) -> str:
        """Return why the command is not available now, empty where it is."""
        return "" if self._running() else "Go to a running shell first"

    def action_terminal_snippet(self) -> None:
        """Pick a snippet for the shell in sight."""
        self.cockpit.start(self._pick())

    async def _pick(self) -> None:
        from sshdash.ui.screens.snippet_form import SnippetForm
        from sshdash.ui.screens.snippet_picker import RUN, SnippetPicker

        targets = self._running()
        hosts = list(dict.fromkeys(session.host for session in targets))
        snippets = [one for one in await asyncio.to_thread(load_snippets) if one.fits(hosts)]
        if not snippets:
            self.cockpit.tell("No snippets", f"write some in {snippets_file()}")
            return
        where = ", ".join(map(clean, hosts))
        if len(targets) > 1:
            where = f"{count_text(len(targets), 'shell')}: {where}"
        answer = await self.cockpit.show(SnippetPicker(snippets, where))
        if answer is None:
            return
        run = answer.startswith(RUN)
        names = {one.name: one for one in snippets}
        snippet = names[answer.removeprefix(RUN) if run else answer]
        text = snippet.fill({})
        if snippet.places:
            filled = await self.cockpit.show(SnippetForm(snippet, where, run))
            if filled is None:
                return
            text, run = filled
        await self._send(snippet, text, run, targets)

    async def _send(
        self, snippet: Snippet, text: str, run: bool, targets: Sequence["ShellSession"]
    ) -> None:
        running = [one for one in targets if one.state is SessionState.RUNNING]
        at_once = [one for one in running if not one.emulator.modes.bracketed_paste]
        if "\n" in text and at_once and not run:
            question = ConfirmQuestion(
                "Each line is run as it arrives",
                f"The program there takes no bracketed paste.\n\n{clean_lines(text, 12)}",
                action="Insert",
            )
            if not await self.cockpit.ask(question):
                return
        type_text(running, text, run)
        if len(running) < len(targets):
            missing = count_text(len(targets) - len(running), "shell")
            self.cockpit.tell(clean(snippet.name), f"{missing} ended meanwhile", severity="warning")

    def _running(self) -> "list[ShellSession]":
        """Return the sessions that get what is picked: the one in sight, or all that receive."""
        tab = self.cockpit.current
        if not isinstance(tab, TerminalTab):
            return []
        receiving = self.broadcast.receiving()
        panes = receiving if tab.pane in receiving else [tab.pane]
        return [pane.session for pane in panes if pane.session is not None and pane.is_running]


def type_text(sessions: Sequence["ShellSession"], text: str, run: bool) -> None:
    """Paste `text` into each session, bracketed where its program asked for that; Enter runs it."""
    for session in sessions:
        session.paste(text)
        if run:
            session.write(b"\r")
