"""What the commands of the tunnels' place ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Vertical
from textual.message import Message

from sshdash.states import TunnelState
from sshdash.ui.widgets.tunnel_clients import TunnelClients
from sshdash.ui.widgets.tunnel_detail import TunnelDetail
from sshdash.ui.widgets.tunnel_listing import TunnelListing
from sshdash.ui.widgets.tunnel_messages import (
    AddTunnel,
    ChangeAll,
    ChangeTunnel,
    CutClient,
    EditTunnel,
    TunnelStep,
)
from sshdash.ui.widgets.tunnel_order import siblings, to_open
from sshdash.ui.widgets.tunnel_reasons import why_not
from sshdash.ui.widgets.tunnel_words import RUNNING, name_of
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot


class TunnelCommands(Vertical):
    """Turns commands into requests; a subclass says what is listed and brings it in sight."""

    host = ""
    """What a new forward begins with where no tunnel is at the cursor."""
    listed: list[TunnelSnapshot]
    """Every tunnel, shown or filtered out."""

    def __init__(self) -> None:
        super().__init__()
        self.listing = TunnelListing()
        self.detail = TunnelDetail()
        """What is told about the tunnel at the cursor."""

    @property
    def current(self) -> TunnelSnapshot | None:
        """The tunnel at the cursor of the table or the map."""
        return self.listing.current

    @property
    def is_mapped(self) -> bool:
        """Whether the map is shown and not the table."""
        return self.listing.is_mapped

    @property
    def clients(self) -> TunnelClients:
        """The clients of the tunnel at the cursor."""
        return self.detail.clients

    def select(self, tunnel: str) -> None:
        """Put the cursor of the table on a tunnel."""
        raise NotImplementedError

    def show_clients(self) -> None:
        """Give the clients the room they need."""
        raise NotImplementedError

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, an empty string where it is."""
        name = command_id.partition(".")[2]
        if name == "toggle" and self.clients.has_focus:
            return "x cuts the client; Esc goes back to the tunnels"
        return why_not(name, self.current, self.listed)

    def action_tunnels_toggle(self) -> None:
        """Open or close what is at the cursor; on the map, go to it in the table."""
        tunnel = self.current
        if tunnel is None:
            return
        if self.is_mapped:
            self.select(tunnel.id)
            return
        self._change(TunnelStep.STOP if tunnel.state in RUNNING else TunnelStep.START)

    def action_tunnels_pause(self) -> None:
        """Let no bytes through for a while, or let them through again."""
        if (tunnel := self.current) is not None:
            paused = tunnel.state is TunnelState.PAUSED
            self._change(TunnelStep.RESUME if paused else TunnelStep.PAUSE)

    def action_tunnels_add(self) -> None:
        """Add a forward."""
        current = self.current
        self.post_message(AddTunnel(self.select, current.host if current else self.host))

    def action_tunnels_edit(self) -> None:
        """Change the rule at the cursor."""
        if (tunnel := self.current) is not None:
            self.post_message(EditTunnel(self.select, siblings(tunnel, self.listed)))

    def action_tunnels_remove(self) -> None:
        """Take what is at the cursor off the list."""
        self._change(TunnelStep.REMOVE)

    def action_tunnels_restart(self) -> None:
        """Close what is at the cursor and open it again."""
        self._change(TunnelStep.RESTART)

    def action_tunnels_take(self) -> None:
        """Run here what another process runs."""
        self._change(TunnelStep.TAKE_OVER)

    def action_tunnels_probe(self) -> None:
        """Ask the target now whether it is well."""
        if (tunnel := self.current) is not None:
            self.post_message(ChangeTunnel(TunnelStep.PROBE, tunnel))

    def action_tunnels_cut(self) -> None:
        """Cut the client at the cursor; from the table, go to the clients first."""
        client, tunnel = self.clients.current, self.current
        if not self.clients.has_focus:
            self.show_clients()
        elif client is not None and tunnel is not None:
            self.post_message(CutClient(tunnel, client))

    def action_tunnels_start_all(self) -> None:
        """Open what is closed of the host at the cursor; of a group one rule."""
        if (tunnel := self.current) is not None:
            self._change_host(TunnelStep.START, to_open(tunnel.host, self.listed))

    def action_tunnels_stop_all(self) -> None:
        """Close what is open of the host at the cursor."""
        current = self.current
        running = [
            one
            for one in self.listed
            if current and one.host == current.host and one.state in RUNNING
        ]
        self._change_host(TunnelStep.STOP, running)

    def action_tunnels_command(self) -> None:
        """Copy the ssh command that opens the same tunnel."""
        if (tunnel := self.current) is not None:
            self.post_message(ChangeTunnel(TunnelStep.COPY_COMMAND, tunnel))

    def action_tunnels_export(self) -> None:
        """Choose what to copy of the rule at the cursor."""
        if (tunnel := self.current) is not None:
            self.post_message(ChangeTunnel(TunnelStep.EXPORT, tunnel))

    def action_tunnels_history(self) -> None:
        """Show what passed when."""
        if (tunnel := self.current) is not None:
            self.post_message(ChangeTunnel(TunnelStep.HISTORY, tunnel))

    def _change(self, step: TunnelStep) -> None:
        """Ask for a change of the tunnel at the cursor, and of all forwards of its rule."""
        tunnel = self.current
        if tunnel is None:
            return
        message: Message = ChangeTunnel(step, tunnel)
        if len(rule := siblings(tunnel, self.listed)) > 1:
            message = ChangeAll(step, rule, name_of(tunnel))
        self.post_message(message)

    def _change_host(self, step: TunnelStep, tunnels: list[TunnelSnapshot]) -> None:
        name = clean(tunnels[0].host, 60) if tunnels else ""
        self.post_message(ChangeAll(step, tunnels, name))
