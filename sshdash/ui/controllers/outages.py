"""Hosts that are out: counts down where they are in sight, and tells what came back."""

from typing import TYPE_CHECKING, cast

from textual.timer import Timer

from sshdash.connections.recovery.outages import outage_text
from sshdash.events import ConnectionChanged, Event, HostRestored
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.command import Place
from sshdash.ui.commands import COMMANDS
from sshdash.ui.format import count_text
from sshdash.ui.keymap import Keymap
from sshdash.ui.notices import Notice
from sshdash.ui.outlook import Outlook, outlook_of
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.widgets.file_pane import FilePane
    from sshdash.ui.widgets.files_tab import FilesTab

_INTERVAL = 0.25
"""Seconds between two looks at a countdown, so that none of its seconds is skipped."""


class OutageController:
    """Watches the hosts that were lost, until they are back or given up by the person."""

    def __init__(self, cockpit: Cockpit, keymap: Keymap) -> None:
        self.cockpit = cockpit
        self.keymap = keymap
        self._out: dict[str, Outlook | None] = {}
        """What was shown last of each host that is out."""
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<OutageController [{', '.join(self._out) or 'nothing is out'}]>"

    def on_event(self, event: Event) -> None:
        """Follow what becomes of a lost connection."""
        if isinstance(event, HostRestored):
            self._restored(event)
        elif isinstance(event, ConnectionChanged):
            if event.new is ConnectionState.LOST:
                self._out.setdefault(event.host, None)
                self._lost(event)
            elif event.new in (ConnectionState.CONNECTED, ConnectionState.IDLE):
                self._out.pop(event.host, None)
            elif event.new is ConnectionState.FAILED and event.host in self._out:
                self._given_up(event)
            self._look(event.host)
            self._run()

    # Counting down

    def _run(self) -> None:
        """Look at the countdowns as long as there are any, and once after each change."""
        if self._out and self._timer is None:
            self._timer = self.cockpit.screen.set_interval(_INTERVAL, self._tick)
        elif not self._out:
            self._rest()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        self._look()
        if all(outlook is None or outlook.hopeless for outlook in self._out.values()):
            self._rest()  # until a person does something about it

    def _look(self, *hosts: str) -> None:
        """Show what changed since the last look at some hosts, at all of them where none is named.

        That is at most something each second for each of them.
        """
        statuses = self.cockpit.backend.connections
        changed = False
        for host in hosts or tuple(self._out):
            if host not in self._out:
                continue
            outlook = outlook_of(statuses.status(host))
            if outlook != self._out[host]:
                self._out[host] = outlook
                changed = True
        for tab in self.cockpit.tabs:
            self._show(tab)
        if changed:
            self.cockpit.refresh_hosts()

    def _show(self, tab: Tab) -> None:
        if isinstance(tab, TerminalTab):
            for one in tab.panes:
                lost = one.session is not None and one.session.state is SessionState.LOST
                one.show_outlook(self._out.get(one.host) if lost else None)
        elif tab.place is Place.FILES:
            for pane in _panes(tab):
                pane.show_outlook(self._out.get(pane.host) if pane.host else None)

    # Telling

    def _lost(self, event: ConnectionChanged) -> None:
        outlook = outlook_of(self.cockpit.backend.connections.status(event.host))
        key = self.keymap.prefix_text(COMMANDS["host.reconnect"])
        hint = f"{key} connects again"
        if outlook is not None and not outlook.hopeless:
            hint = f"it is tried again by itself; {key} tries now"
        notice = Notice.of("warning", "Connection lost", event.reason, hint, event.host)
        if self._in_sight(event.host):
            self.cockpit.notices.add(notice, read=True)
        else:
            self.cockpit.tell(notice.title, notice.detail, hint, event.host, "warning")

    def _given_up(self, event: ConnectionChanged) -> None:
        status = self.cockpit.backend.connections.status(event.host)
        if status.gives_up:
            key = self.keymap.prefix_text(COMMANDS["host.reconnect"])
            detail = f"not tried again: {status.gives_up}"
            self.cockpit.tell(
                event.reason, detail, f"{key} tries once more", event.host, severity="error"
            )

    def _restored(self, event: HostRestored) -> None:
        self.cockpit.tell(restored_text(event))

    def _in_sight(self, host: str) -> bool:
        """Return whether the tab in sight shows the loss itself."""
        tab = self.cockpit.current
        if isinstance(tab, TerminalTab):
            return any(one.host == host and tab.area.shows(one) for one in tab.panes)
        if tab is not None and tab.place is Place.FILES:
            return any(pane.host == host for pane in _panes(tab))
        return False


def restored_text(event: HostRestored) -> str:
    """Return what came back: ``web is back after 12 s: 2 shells, 1 copy restored``."""
    counts = (
        (event.shells, "shell", ""),
        (event.tunnels, "tunnel", ""),
        (event.copies, "copy", "copies"),
    )
    words = ", ".join(count_text(count, one, many) for count, one, many in counts if count)
    text = f"{clean(event.host)} is back after {outage_text(event.seconds)}"
    text = f"{text}: {words} restored" if words else text
    return f"{text}, {event.missing} not yet" if event.missing else text


def _panes(tab: Tab) -> "tuple[FilePane, ...]":
    return cast("FilesTab", tab).panes.panes
