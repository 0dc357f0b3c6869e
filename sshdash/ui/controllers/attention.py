"""Marks the tabs in which something happened out of sight, and tells of long commands that ended.

Nothing is told of what is looked at: the panes in sight, while the terminal that sshdash runs in
has the focus itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdash.connections.recovery.outages import outage_text
from sshdash.states import SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.desktop import notification
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.activity import Finished
    from sshdash.terminal.session import ShellSession

OUTPUT, BELL, SILENCE = "#", "!", "~"
"""tmux's flags of windows."""
_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)


@dataclass(slots=True)
class _Seen:
    """How a session was when it was last looked at."""

    size: int
    bells: int
    state: SessionState
    finished: bool = False
    """Whether a long command has ended since."""


class Attention:
    """Looks at the sessions now and then."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self._seen: dict[str, _Seen] = {}

    def __repr__(self) -> str:
        return f"<Attention [{len(self._seen)} sessions]>"

    def look(self) -> None:
        """Bring the flags up to date."""
        tabs = [tab for tab in self.cockpit.tabs if isinstance(tab, TerminalTab)]
        there = {session.id for tab in tabs for session in tab.sessions}
        self._seen = {name: seen for name, seen in self._seen.items() if name in there}
        for tab in tabs:
            current = tab is self.cockpit.current
            flags = [
                self._look_at(pane.session, current and tab.area.shows(pane))
                for pane in tab.panes
                if pane.session is not None
            ]
            tab.tab_flag = next((flag for flag in flags if flag), "")

    def _look_at(self, session: "ShellSession", in_sight: bool) -> str:
        """Return the flag of a session that is out of sight."""
        activity = session.activity
        seen = self._seen.get(session.id)
        # A command that ends before one's eyes is not told of later either.
        finished = activity.take_finished(self.cockpit.backend.settings.notify_after or 1e9)
        if finished and not (in_sight and self.cockpit.screen.app.app_focus):
            self._tell(session, finished)
        if in_sight or seen is None:
            self._seen[session.id] = _Seen(
                activity.size, session.emulator.effects.bells, session.state
            )
            return ""
        seen.finished = seen.finished or finished is not None
        if session.state in _ENDED and seen.state not in _ENDED:
            return clean(session.exit_text, 12) or "ended"
        if session.emulator.effects.bells != seen.bells:
            return BELL
        if seen.finished:
            return SILENCE
        return OUTPUT if activity.size != seen.size else ""

    def _tell(self, session: "ShellSession", finished: "Finished") -> None:
        """Tell of a long command: here, and to the terminal that sshdash runs in."""
        host = clean(session.host, 60)
        how = "" if finished.status is None else f", exit {finished.status}"
        words = f"after {outage_text(finished.seconds)}{how}"
        self.cockpit.tell("A command has ended", words, host=session.host)
        app = self.cockpit.screen.app
        wanted = self.cockpit.backend.settings.notify
        if wanted == "bell":
            app.bell()
        elif wanted == "osc9" and app._driver is not None:
            app._driver.write(notification(f"a command on {host} has ended {words}"))
