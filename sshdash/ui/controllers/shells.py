"""Opens shells in tabs and panes, and keeps those in step with their sessions."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from sshdash.errors import Cancelled, SSHDashError
from sshdash.events import Event, SessionChanged
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.hosting import hosting
from sshdash.ui.split_places import Axis
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.backend import Backend
    from sshdash.terminal.session import ShellSession
    from sshdash.ui.widgets.terminal_view import TerminalView

_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)


class ShellController:
    """Opens shells, starts them again, and shows how they are."""

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
        pane.show_attempt(await _route(self.cockpit.backend, pane.host))
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
        settings = self.cockpit.backend.settings
        view.blink = settings.blink
        view.hosting = hosting(os.environ, settings.underlines, settings.emoji)
        return view

    def _begin(self, pane: TerminalPane) -> None:
        """Tell those who want to know that a pane has its terminal."""
        for listener in self.on_terminal:
            listener(pane)

    def in_sight(self, pane: TerminalPane) -> bool:
        """Return whether a pane is on the screen."""
        tab = self.cockpit.current
        return isinstance(tab, TerminalTab) and pane in tab.panes and tab.area.shows(pane)

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
        return recovery.is_waiting(pane.session.id) and self.is_out(pane.host)

    async def _reopen(self, session_id: str) -> None:
        try:
            await self.cockpit.backend.reopen_shell(session_id)
        finally:
            self.cockpit.refresh_hosts()

    def _is_up(self, host: str) -> bool:
        """Return whether there is a connection that a shell can be opened on at once."""
        backend = self.cockpit.backend
        up = ConnectionState.CONNECTED
        return backend.loaded and backend.connections.status(host).state is up

    def is_out(self, host: str) -> bool:
        """Return whether a lost connection waits for another attempt, or for a person."""
        backend = self.cockpit.backend
        if not backend.loaded:
            return False
        status = backend.connections.status(host)
        return status.state is ConnectionState.WAITING or bool(status.gives_up)


async def _route(backend: "Backend", host: str) -> str:
    """Return the way to a host in words, empty where ssh_config does not say."""
    try:
        summary = await asyncio.to_thread(backend.summary, host)
    except SSHDashError:
        return ""  # opening the shell meets the same error and tells it
    return " → ".join(("you", *map(clean, summary.route), clean(host)))


def directory_of(pane: TerminalPane) -> str:
    """Return the folder that the shell of a pane is in, empty where it does not tell."""
    return str(getattr(pane.session, "directory", "") or "") if pane.is_running else ""


def _terminal_view() -> "type[TerminalView]":
    """Import the terminal, which takes its time, when the first one is wanted."""
    from sshdash.ui.widgets.terminal_view import TerminalView

    return TerminalView
