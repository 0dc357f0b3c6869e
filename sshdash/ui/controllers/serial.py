"""The commands for consoles behind a serial line: local echo, line endings, break."""

from typing import TYPE_CHECKING

from sshdash.states import SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.widgets.terminal_tab import TerminalTab

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession


class SerialController:
    """What those commands do, on the shell in sight."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        session = self._session
        if session is None or session.state is not SessionState.RUNNING:
            return "Go to a running shell first"
        if not session.has_terminal:
            return "This session has no terminal: its lines are edited here already"
        return ""

    def action_terminal_local_echo(self) -> None:
        """Show what is typed on this side too, or not any more."""
        if (session := self._session) is not None:
            session.serial.local_echo = not session.serial.local_echo
            self._show(f"Local echo is {'on' if session.serial.local_echo else 'off'}")

    def action_terminal_line_ending(self) -> None:
        """Let Enter send the next of CR, LF and CRLF."""
        if (session := self._session) is not None:
            session.serial.ending = session.serial.ending.following
            self._show(f"Enter sends {session.serial.ending.name}")

    def action_terminal_break(self) -> None:
        """Send a break."""
        if (session := self._session) is not None:
            session.send_break()
            self._show("A break was sent")

    @property
    def _session(self) -> "ShellSession | None":
        tab = self.cockpit.current
        return tab.session if isinstance(tab, TerminalTab) else None

    def _show(self, words: str) -> None:
        tab = self.cockpit.current
        if isinstance(tab, TerminalTab):
            tab.pane.show_state()
        self.cockpit.tell(words)
