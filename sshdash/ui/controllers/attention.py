"""Marks tabs in which something happened out of sight; tells of commands that end, and of silence.

Nothing is told of what is looked at: the panes in sight, while the terminal that sshdash runs in
has the focus itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshdash.connections.recovery.outages import outage_text
from sshdash.states import SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.desktop import notification
from sshdash.ui.format import count_text
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
    """Whether a long command has ended since, or it was silent where that is waited for."""


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
        silent = activity.take_silence(self._silence) and session.state is SessionState.RUNNING
        if not (in_sight and self.cockpit.screen.app.app_focus):
            if finished:
                self._tell_finished(session, finished)
            elif silent:
                words = f"for {count_text(self._silence, 'second', 'seconds')}"
                self._tell(session, "No output has come", words, "silent")
        if in_sight or seen is None:
            self._seen[session.id] = _Seen(
                activity.size, session.emulator.effects.bells, session.state
            )
            return ""
        seen.finished = seen.finished or silent or finished is not None
        if session.state in _ENDED and seen.state not in _ENDED:
            return clean(session.exit_text, 12) or "ended"
        if session.emulator.effects.bells != seen.bells:
            return BELL
        if seen.finished:
            return SILENCE
        return OUTPUT if activity.size != seen.size else ""

    @property
    def _silence(self) -> int:
        return self.cockpit.backend.settings.silence_after

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        tab = self.cockpit.current
        there = isinstance(tab, TerminalTab) and tab.session is not None
        return "" if there else "Go to a running shell first"

    def action_terminal_silence(self) -> None:
        """Tell whenever the shell in sight is silent, or not any more."""
        tab = self.cockpit.current
        if isinstance(tab, TerminalTab) and tab.session is not None:
            activity = tab.session.activity
            activity.watch_silence(not activity.watches_silence)
            tab.pane.show_state()
            if activity.watches_silence:
                seconds = count_text(self._silence, "second", "seconds")
                self.cockpit.tell("Silence will be told", f"whenever no output came for {seconds}")
            else:
                self.cockpit.tell("Silence is not told any more")

    def _tell_finished(self, session: "ShellSession", finished: "Finished") -> None:
        how = "" if finished.status is None else f", exit {finished.status}"
        words = f"after {outage_text(finished.seconds)}{how}"
        self._tell(session, "A command has ended", words, "a command has ended")

    def _tell(self, session: "ShellSession", title: str, words: str, short: str) -> None:
        """Tell of a session: here, and to the terminal that sshdash runs in."""
        self.cockpit.tell(title, words, host=session.host)
        app = self.cockpit.screen.app
        wanted = self.cockpit.backend.settings.notify
        if wanted == "bell":
            app.bell()
        elif wanted == "osc9" and app._driver is not None:
            app._driver.write(notification(f"{clean(session.host, 60)}: {short} {words}"))
