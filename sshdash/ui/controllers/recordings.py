"""Begins and ends recordings by key, and shows which shells are recorded."""

from shlex import quote

from sshdash.events import Event, RecordingEnded, RecordingStarted
from sshdash.paths import home
from sshdash.states import SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean


class RecordingsController:
    """What the command about recordings does."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self._by_key: set[str] = set()
        """Sessions whose recording was begun by hand: only of those the files are told."""

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        tab = self.cockpit.current
        if not isinstance(tab, TerminalTab) or tab.session is None:
            return "Go to a shell first"
        if tab.session.state is not SessionState.RUNNING:
            return "This shell has ended"
        return ""

    def action_terminal_record(self) -> None:
        """Record the shell in sight, or stop recording it."""
        tab = self.cockpit.current
        if isinstance(tab, TerminalTab) and tab.session is not None:
            self._by_key.add(tab.session.id)
            tab.session.record(not tab.session.is_recording)
            tab.pane.show_state()

    def on_event(self, event: Event) -> None:
        """Keep the marks true, and tell where the files are."""
        if not isinstance(event, RecordingStarted | RecordingEnded):
            return
        for tab in self.cockpit.tabs:
            for pane in tab.panes if isinstance(tab, TerminalTab) else ():
                if pane.session is not None and pane.session.id == event.session:
                    pane.show_state()
        if event.session not in self._by_key or not event.paths:
            return
        path = clean(_short(event.paths[0]), 1000)
        if isinstance(event, RecordingStarted):
            self.cockpit.tell("Recording", path, host=event.host)
        else:
            self._by_key.discard(event.session)
            self.cockpit.tell("Recorded", f"sshdash play {path}", host=event.host)


def _short(path: str) -> str:
    """Return a path as a person would type it."""
    start = f"{home()}/"
    return f"~/{quote(path.removeprefix(start))}" if path.startswith(start) else quote(path)
