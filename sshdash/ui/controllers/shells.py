"""Opens shells in tabs and panes, and keeps those in step with their sessions."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import Event, SessionChanged
from sshdash.prompts import ConfirmQuestion
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.format import count_text
from sshdash.ui.split_places import Axis
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession
    from sshdash.ui.widgets.terminal_view import TerminalView

_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)


class ShellController:
    """What the commands about shells and connections do."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.recent: list[str] = []
        """Hosts in the order they were last used, the latest first."""
        self.on_terminal: list[Callable[[TerminalPane], None]] = []
        """Called with every pane that gets a terminal."""

    def __repr__(self) -> str:
        return f"<ShellController [{len(self.panes())} panes]>"

    def panes(self, host: str | None = None) -> list[TerminalPane]:
        """Return the panes of all tabs in order, of one host if asked."""
        tabs = [tab for tab in self.cockpit.tabs if isinstance(tab, TerminalTab)]
        panes = [pane for tab in tabs for pane in tab.panes]
        return [pane for pane in panes if pane.host == host] if host is not None else panes

    @property
    def current(self) -> TerminalPane | None:
        """Return the pane with the focus of the tab in sight."""
        tab = self.cockpit.current
        return tab.pane if isinstance(tab, TerminalTab) else None

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        host = self.cockpit.subject()
        if command_id == "host.open" and self._on_heading:
            return ""
        if host is None:
            return "Select a host first"
        if command_id == "host.disconnect" and not self._is_wanted(host):
            return f"{clean(host)} is not connected"
        return ""

    # Opening

    def forget_typed(self) -> None:
        """Drop what was typed for shells that are not there yet: a question comes, as with ssh."""
        for pane in self.panes():
            pane.panel.forget_typed()

    def open(self, host: str) -> TerminalTab:
        """Open another shell on a host, in a tab of its own."""
        self.use(host)
        tab = TerminalTab(TerminalPane(host))
        self._dial(tab.pane, self.cockpit.add_tab(tab))
        return tab

    def open_all(self, tab: TerminalTab) -> None:
        """Open a tab with a shell in each of its panes."""
        mounted = self.cockpit.add_tab(tab)
        for pane in tab.panes:
            self.use(pane.host)
            self._dial(pane, mounted)

    def split(self, tab: TerminalTab, axis: Axis, host: str = "") -> None:
        """Open another shell beside the one with the focus, on its host and in its folder.

        On another host where one is named.
        """
        pane = TerminalPane(host or tab.host)
        directory = "" if host else directory_of(tab.pane)
        self.use(pane.host)
        mounted = tab.split(axis, pane)
        self.cockpit.focus_when_mounted(tab, mounted)
        self._dial(pane, mounted, directory)

    def move(self, pane: TerminalPane, source: TerminalTab, target: TerminalTab | None) -> None:
        """Move a pane whose shell is open to another tab, to a new one where there is none."""
        view = cast("TerminalView", pane.view)
        moved = pane.successor(self._view(type(view), view.session))
        if len(source.panes) == 1:
            self.cockpit.area.remove_tab(source)
        else:
            source.remove_pane(pane)
        if target is None:
            self.cockpit.add_tab(TerminalTab(moved))
        else:
            mounted = target.split(target.area.longer_axis(), moved)
            self.cockpit.area.go_to(target)
            self.cockpit.focus_when_mounted(target, mounted)
        self._begin(moved)

    def go_to(self, host: str) -> None:
        """Go to the shell that is open on a host, or open one."""
        panes = self.panes(host)
        if not panes:
            self.open(host)
            return
        self.use(host)
        pane = self.current if self.current in panes else panes[0]
        assert pane is not None
        self.show(pane)
        if pane.session is None and pane.is_ended:
            self.restart(pane)

    def show(self, pane: TerminalPane) -> None:
        """Go to a pane, in whichever tab it is."""
        for tab in self.cockpit.tabs:
            if isinstance(tab, TerminalTab) and pane in tab.panes:
                tab.area.select(pane)
                self.cockpit.go_to_tab(tab)

    def use(self, host: str) -> None:
        """Remember that a host was used just now."""
        self.recent = [host, *(other for other in self.recent if other != host)]

    def _dial(
        self, pane: TerminalPane, mounted: Awaitable[None] | None = None, directory: str = ""
    ) -> None:
        def failed(error: SSHDashError) -> None:
            pane.show_failure(error)
            self.cockpit.report(error)

        work = self._open_in(pane, mounted, directory)
        # Where the connection is there, what is typed behind is meant for the shell already.
        aside = not self._is_up(pane.host)
        worker = self.cockpit.start(work, failed=failed, aside=aside)

        async def give_up() -> None:
            worker.cancel()

        pane.ending = give_up

    async def _open_in(
        self, pane: TerminalPane, mounted: Awaitable[None] | None, directory: str
    ) -> None:
        if mounted is not None:
            await mounted
        pane.show_attempt(await self._route(pane.host))
        columns, rows = pane.content_size
        try:
            session = await self.cockpit.backend.open_shell(
                pane.host,
                max(columns, 20) if columns else 80,
                max(rows, 5) if rows else 24,
                directory=directory,
            )
        except SSHDashError as error:
            pane.show_failure(error)
            if self.in_sight(pane):
                self.cockpit.keep(error)
            elif not isinstance(error, Cancelled):
                self.cockpit.report(error)
            return
        finally:
            self.cockpit.refresh_hosts()
        pane.ending = partial(self.cockpit.backend.close_shell, session.id)
        view_type = await asyncio.to_thread(_terminal_view)
        if not pane.is_attached:
            return  # it was closed meanwhile, which ends the session
        await pane.show_session(session, self._view(view_type, session))
        self._begin(pane)
        self._show_agent(pane)

    def _view(self, kind: "type[TerminalView]", session: "ShellSession") -> "TerminalView":
        view = kind(session, prefix=self.cockpit.prefix)
        view.blink = self.cockpit.backend.settings.blink
        return view

    def _begin(self, pane: TerminalPane) -> None:
        """Tell those who want to know that a pane has its terminal."""
        for listener in self.on_terminal:
            listener(pane)

    def in_sight(self, pane: TerminalPane) -> bool:
        """Return whether a pane is on the screen."""
        tab = self.cockpit.current
        return isinstance(tab, TerminalTab) and pane in tab.panes and tab.area.shows(pane)

    async def _route(self, host: str) -> str:
        """Return the way to a host in words, empty where ssh_config does not say."""
        try:
            summary = await asyncio.to_thread(self.cockpit.backend.summary, host)
        except SSHDashError:
            return ""  # opening the shell meets the same error and tells it
        return " → ".join(("you", *map(clean, summary.route), clean(host)))

    # Sessions

    def on_event(self, event: Event) -> None:
        """Keep the panes in step with what happened."""
        if isinstance(event, SessionChanged):
            for pane in self.panes():
                if pane.session is not None and pane.session.id == event.session:
                    pane.show_state()
                    self._show_agent(pane)

    def _show_agent(self, pane: TerminalPane) -> None:
        status = self.cockpit.backend.connections.status(pane.host)
        pane.show_agent(status.agent_forwarded)

    def send_key(self, key: str) -> None:
        """Give the terminal in sight a key that the cockpit had kept for itself."""
        if (pane := self.current) is not None and pane.view is not None:
            cast("TerminalView", pane.view).type_key(key, None)

    def restart(self, pane: TerminalPane) -> None:
        """Start the shell of a pane again: it ended, or could not be opened."""
        if pane.session is None:
            self._dial(pane)
        elif self._comes_back(pane):
            self.cockpit.backend.connections.retry_now(pane.host)
        else:
            self.cockpit.start(self._reopen(pane.session.id), aside=True)

    def _comes_back(self, pane: TerminalPane) -> bool:
        """Return whether the shell of a pane is opened again as soon as its host is back."""
        recovery = self.cockpit.backend.recovery
        if recovery is None or pane.session is None:
            return False
        return recovery.is_waiting(pane.session.id) and self._is_out(pane.host)

    async def _reopen(self, session_id: str) -> None:
        try:
            await self.cockpit.backend.reopen_shell(session_id)
        finally:
            self.cockpit.refresh_hosts()

    # Commands

    def action_host_open(self) -> None:
        """Open a shell on the host, or go to the one that is open; on a heading, fold it."""
        if self._on_heading:
            self.cockpit.sidebar.hosts.action_host_fold()
        elif host := self.cockpit.subject():
            self.go_to(host)

    def action_host_shell(self) -> None:
        """Open another shell on the host."""
        if host := self.cockpit.subject():
            self.open(host)

    def action_host_disconnect(self) -> None:
        """End the connection of the host, after asking where something runs on it."""
        if host := self.cockpit.subject():
            self.cockpit.start(self._disconnect(host))

    def action_host_reconnect(self) -> None:
        """Start the ended shell in sight again, or connect the host again."""
        pane = self.current
        host = self.cockpit.subject()
        if host and self._is_out(host):
            self.cockpit.backend.connections.retry_now(host)
        elif pane is not None and not self.cockpit.in_sidebar and pane.is_ended:
            self.restart(pane)
        elif host:
            self.cockpit.start(self._reconnect(host), aside=True)

    async def _disconnect(self, host: str) -> None:
        running = [pane for pane in self.panes(host) if pane.is_running]
        leases = sum(self.cockpit.backend.connections.status(host).leases.values())
        copies = self._copies(host)
        if running or leases or copies:
            ends = "Its shells and tunnels will end."
            cancelled = f"{count_text(copies, 'copy', 'copies')} will be cancelled."
            question = ConfirmQuestion(
                f"Disconnect {clean(host)}?",
                f"{ends} {cancelled}" if copies else ends,
                action="Disconnect",
                danger=True,
            )
            if not await self.cockpit.ask(question):
                return
        await self.cockpit.backend.disconnect(host)
        self.cockpit.refresh_hosts()

    def _copies(self, host: str) -> int:
        """Return how many copies run, wait or are queued that need the host."""
        jobs = self.cockpit.backend.transfers.snapshots()
        return sum(job.is_live and host in (job.request.source, job.request.target) for job in jobs)

    async def _reconnect(self, host: str) -> None:
        """Connect; ended shells of the host start again in their tabs."""
        ended = [
            pane.session.id
            for pane in self.panes(host)
            if pane.session and pane.session.state in _ENDED
        ]
        backend = self.cockpit.backend
        await backend.load()
        lease = await backend.connections.lease(host, "reconnect")
        try:
            for session_id in ended:
                await backend.reopen_shell(session_id)
        finally:
            lease.release()
            self.cockpit.refresh_hosts()

    @property
    def _on_heading(self) -> bool:
        return self.cockpit.in_sidebar and self.cockpit.sidebar.hosts.on_heading

    def _is_wanted(self, host: str) -> bool:
        """Return whether there is a connection to end, or one that is tried for again."""
        backend = self.cockpit.backend
        if not backend.loaded:
            return False
        status = backend.connections.status(host)
        up = status.state in (ConnectionState.CONNECTED, ConnectionState.CONNECTING)
        return up or self._is_out(host)

    def _is_up(self, host: str) -> bool:
        """Return whether there is a connection that a shell can be opened on at once."""
        backend = self.cockpit.backend
        up = ConnectionState.CONNECTED
        return backend.loaded and backend.connections.status(host).state is up

    def _is_out(self, host: str) -> bool:
        """Return whether a lost connection waits for another attempt, or for a person."""
        backend = self.cockpit.backend
        if not backend.loaded:
            return False
        status = backend.connections.status(host)
        return status.state is ConnectionState.WAITING or bool(status.gives_up)


def directory_of(pane: TerminalPane) -> str:
    """Return the folder that the shell of a pane is in, empty where it does not tell."""
    return str(getattr(pane.session, "directory", "") or "") if pane.is_running else ""


def _terminal_view() -> "type[TerminalView]":
    """Import the terminal, which takes its time, when the first one is wanted."""
    from sshdash.ui.widgets.terminal_view import TerminalView

    return TerminalView
