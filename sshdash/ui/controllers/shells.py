"""Opens shells in tabs and keeps the tabs in step with their sessions."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import Event, SessionChanged
from sshdash.prompts import ConfirmQuestion
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.format import count_text
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.widgets.terminal_view import TerminalView

_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)


class ShellController:
    """What the commands about shells and connections do."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.recent: list[str] = []
        """Hosts in the order they were last used, the latest first."""

    def __repr__(self) -> str:
        return f"<ShellController [{len(self.shell_tabs())} tabs]>"

    def shell_tabs(self, host: str | None = None) -> list[TerminalTab]:
        """Return the terminal tabs, of one host if asked."""
        tabs = [tab for tab in self.cockpit.tabs if isinstance(tab, TerminalTab)]
        return [tab for tab in tabs if tab.host == host] if host is not None else tabs

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

    def open(self, host: str) -> TerminalTab:
        """Open another shell on a host, in a tab of its own."""
        self.use(host)
        tab = TerminalTab(host)
        self._dial(tab, self.cockpit.add_tab(tab))
        return tab

    def go_to(self, host: str) -> TerminalTab:
        """Go to the shell that is open on a host, or open one."""
        tabs = self.shell_tabs(host)
        if not tabs:
            return self.open(host)
        self.use(host)
        current = self.cockpit.current
        tab = current if isinstance(current, TerminalTab) and current in tabs else tabs[0]
        self.cockpit.go_to_tab(tab)
        if tab.session is None and tab.is_ended:
            self.restart(tab)
        return tab

    def use(self, host: str) -> None:
        """Remember that a host was used just now."""
        self.recent = [host, *(other for other in self.recent if other != host)]

    def _dial(self, tab: TerminalTab, mounted: Awaitable[None] | None = None) -> None:
        def failed(error: SSHDashError) -> None:
            tab.show_failure(error)
            self.cockpit.report(error)

        worker = self.cockpit.start(self._open_in(tab, mounted), failed=failed, aside=True)

        async def give_up() -> None:
            worker.cancel()

        tab.ending = give_up

    async def _open_in(self, tab: TerminalTab, mounted: Awaitable[None] | None) -> None:
        if mounted is not None:
            await mounted
        tab.show_attempt(await self._route(tab.host))
        columns, rows = tab.content_size
        try:
            session = await self.cockpit.backend.open_shell(
                tab.host, max(columns, 20) if columns else 80, max(rows, 5) if rows else 24
            )
        except SSHDashError as error:
            tab.show_failure(error)
            if tab is self.cockpit.current:
                self.cockpit.keep(error)
            elif not isinstance(error, Cancelled):
                self.cockpit.report(error)
            return
        finally:
            self.cockpit.refresh_hosts()
        tab.ending = partial(self.cockpit.backend.close_shell, session.id)
        view_type = await asyncio.to_thread(_terminal_view)
        view = view_type(session, prefix=self.cockpit.prefix)
        view.blink = self.cockpit.backend.settings.blink
        await tab.show_session(session, view)
        self._show_agent(tab)

    async def _route(self, host: str) -> str:
        """Return the way to a host in words, empty where ssh_config does not say."""
        try:
            summary = await asyncio.to_thread(self.cockpit.backend.summary, host)
        except SSHDashError:
            return ""  # opening the shell meets the same error and tells it
        return " → ".join(("you", *map(clean, summary.route), clean(host)))

    # Sessions

    def on_event(self, event: Event) -> None:
        """Keep the tabs in step with what happened."""
        if isinstance(event, SessionChanged):
            for tab in self.shell_tabs():
                if tab.session is not None and tab.session.id == event.session:
                    tab.show_state()
                    self._show_agent(tab)

    def _show_agent(self, tab: TerminalTab) -> None:
        status = self.cockpit.backend.connections.status(tab.host)
        tab.show_agent(status.agent_forwarded)

    def send_key(self, key: str) -> None:
        """Give the terminal in sight a key that the cockpit had kept for itself."""
        if isinstance(self.cockpit.current, TerminalTab):
            self.cockpit.current.send_key(key)

    def restart(self, tab: TerminalTab) -> None:
        """Start the shell of a tab again: it ended, or could not be opened."""
        if tab.session is None:
            self._dial(tab)
        elif self._comes_back(tab):
            self.cockpit.backend.connections.retry_now(tab.host)
        else:
            self.cockpit.start(self._reopen(tab.session.id), aside=True)

    def _comes_back(self, tab: TerminalTab) -> bool:
        """Return whether the shell of a tab is opened again as soon as its host is back."""
        recovery = self.cockpit.backend.recovery
        if recovery is None or tab.session is None:
            return False
        return recovery.is_waiting(tab.session.id) and self._is_out(tab.host)

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
        tab = self.cockpit.current
        host = self.cockpit.subject()
        if host and self._is_out(host):
            self.cockpit.backend.connections.retry_now(host)
        elif isinstance(tab, TerminalTab) and not self.cockpit.in_sidebar and tab.is_ended:
            self.restart(tab)
        elif host:
            self.cockpit.start(self._reconnect(host), aside=True)

    async def _disconnect(self, host: str) -> None:
        running = [
            tab
            for tab in self.shell_tabs(host)
            if tab.session and tab.session.state is SessionState.RUNNING
        ]
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
        return sum(
            not job.is_finished and host in (job.request.source, job.request.target) for job in jobs
        )

    async def _reconnect(self, host: str) -> None:
        """Connect; ended shells of the host start again in their tabs."""
        ended = [
            tab.session.id
            for tab in self.shell_tabs(host)
            if tab.session and tab.session.state in _ENDED
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

    def _is_out(self, host: str) -> bool:
        """Return whether a lost connection waits for another attempt, or for a person."""
        backend = self.cockpit.backend
        if not backend.loaded:
            return False
        status = backend.connections.status(host)
        return status.state is ConnectionState.WAITING or bool(status.gives_up)


def _terminal_view() -> "type[TerminalView]":
    """Import the terminal, which takes its time, when the first one is wanted."""
    from sshdash.ui.widgets.terminal_view import TerminalView

    return TerminalView
