"""What the commands about the shells and the connection of a host do."""

from sshdash.prompts import ConfirmQuestion
from sshdash.states import ConnectionState, SessionState
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.format import count_text
from sshdash.untrusted import clean

_ENDED = (SessionState.EXITED, SessionState.LOST, SessionState.FAILED)


class HostCommands:
    """Opens shells on the host a command is about, ends its connection and makes it again."""

    def __init__(self, cockpit: Cockpit, shells: ShellController) -> None:
        self.cockpit = cockpit
        self.shells = shells

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

    def action_host_open(self) -> None:
        """Open a shell on the host, or go to the one that is open; on a heading, fold it."""
        if self._on_heading:
            self.cockpit.sidebar.hosts.action_host_fold()
        elif host := self.cockpit.subject():
            self.shells.go_to(host)

    def action_host_shell(self) -> None:
        """Open another shell on the host."""
        if host := self.cockpit.subject():
            self.shells.open(host)

    def action_host_disconnect(self) -> None:
        """End the connection of the host, after asking where something runs on it."""
        if host := self.cockpit.subject():
            self.cockpit.start(self._disconnect(host))

    def action_host_reconnect(self) -> None:
        """Start the ended shell in sight again, or connect the host again."""
        pane = self.shells.current
        host = self.cockpit.subject()
        if host and self.shells.is_out(host):
            self.cockpit.backend.connections.retry_now(host)
        elif pane is not None and not self.cockpit.in_sidebar and pane.is_ended:
            self.shells.restart(pane)
        elif host:
            self.cockpit.start(self._reconnect(host), aside=True)

    async def _disconnect(self, host: str) -> None:
        running = [pane for pane in self.shells.panes(host) if pane.is_running]
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
        transfers = self.cockpit.backend.transfers
        jobs = transfers.snapshots()
        return sum(job.is_live and host in transfers.hosts(job.id) for job in jobs)

    async def _reconnect(self, host: str) -> None:
        """Connect; ended shells of the host start again in their tabs."""
        ended = [
            pane.session.id
            for pane in self.shells.panes(host)
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
        return up or self.shells.is_out(host)
