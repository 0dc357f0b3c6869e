"""Finds out what listens on a host, forwards it, and opens what is forwarded in the browser."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError
from sshdash.sftp.tasks import end
from sshdash.states import TunnelState
from sshdash.ui.outside import open_address
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.connections.lease import Lease
    from sshdash.tunnels.discover.listening import Discovered
    from sshdash.tunnels.snapshot import TunnelSnapshot
    from sshdash.ui.cockpit import Cockpit
    from sshdash.ui.controllers.host_actions import HostActions
    from sshdash.ui.controllers.panels import PanelController
    from sshdash.ui.screens.discovery import DiscoveryScreen, Labelled, Picked

_LISTENS = (TunnelState.OPEN, TunnelState.DEGRADED, TunnelState.RECONNECTING)


class DiscoveryController:
    """What the commands about discovery and about web pages behind tunnels do."""

    def __init__(
        self, cockpit: Cockpit, panels: PanelController, host_actions: HostActions
    ) -> None:
        self.cockpit = cockpit
        self.panels = panels
        self.host_actions = host_actions

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if command_id == "host.discover" and self.cockpit.subject() is None:
            return "Select a host first"
        if command_id == "tunnels.open":
            return self._why_not_open()
        return ""

    def _why_not_open(self) -> str:
        from sshdash.tunnels.discover.offers import local_address, web_address

        tunnel = self._current
        if tunnel is None:
            return "Select a tunnel first"
        if not local_address(tunnel):
            return "Only a local forward leads to a page"
        if not web_address(tunnel):
            return f"Port {tunnel.spec.target_port} of {clean(tunnel.host, 60)} is no web page"
        return "" if tunnel.state in _LISTENS else "The tunnel is not open"

    @property
    def _current(self) -> TunnelSnapshot | None:
        """Return the tunnel under the cursor of the table or the map, where they are in sight."""
        tab = self.panels.tunnels_tab
        return tab.table.current if tab is not None and tab is self.cockpit.current else None

    def action_host_discover(self) -> None:
        """List what listens on the host."""
        if host := self.cockpit.subject():
            self.cockpit.start(self._discover(host))

    def action_tunnels_discover(self) -> None:
        """List what listens on the host of the tunnel under the cursor, else on the host's."""
        tunnel = self._current
        self.cockpit.start(self._discover(tunnel.host if tunnel else self.cockpit.subject()))

    def action_tunnels_open(self) -> None:
        """Open what the tunnel under the cursor leads to in the browser."""
        if tunnel := self._current:
            self.cockpit.start(self._open(tunnel), aside=True)

    async def _discover(self, host: str | None) -> None:
        from sshdash.ui.screens.discovery import DiscoveryScreen

        if host is None:
            named = await self.host_actions.pick("Discover what listens on")
            if named is None:
                return
            host = self.host_actions.destination(named)
        await self.cockpit.backend.load()
        screen = DiscoveryScreen(host)
        asking = asyncio.ensure_future(_ask(self.cockpit, host, screen))
        try:
            if picked := await self.cockpit.show(screen):
                await self._forward(host, picked)  # over the connection that was asked
        finally:
            await end((asking,))

    async def _forward(self, host: str, picked: Picked) -> None:
        """Forward what was picked, or go to the tunnel that does it."""
        from sshdash.ui.screens.discovery import Then

        tunnels, offer = self.cockpit.backend.tunnels, picked.offer
        listed = {tunnel.id for tunnel in tunnels.snapshots()}
        identifier = offer.tunnel if offer.tunnel in listed else tunnels.add(host, offer.spec)
        await self.panels.open_tunnels(host)
        if (tab := self.panels.tunnels_tab) is not None:
            tab.table.select(identifier)
        tunnel = tunnels.snapshot(identifier)
        if tunnel.state not in _LISTENS:
            await self.cockpit.backend.household.start(identifier)
            tunnel = tunnels.snapshot(identifier)
            self.cockpit.refresh_hosts()
        if tunnel.state not in _LISTENS:
            return  # its row tells why
        if picked.then is Then.OPEN:
            await self._open(tunnel, offer.scheme)
        elif picked.then is Then.COPY:
            self._copy(tunnel, offer.scheme if offer.service is not None else "")

    async def _open(self, tunnel: TunnelSnapshot, scheme: str | None = None) -> None:
        """Open a page in the browser; where none can be, its address is copied."""
        from sshdash.tunnels.discover.offers import web_address

        address = web_address(tunnel, scheme)
        if not address:
            return
        try:
            await open_address(address)
        except SSHDashError as error:
            self.cockpit.copy(address, f"{error.title}: address copied")
        else:
            self.cockpit.tell("Opened", address)

    def _copy(self, tunnel: TunnelSnapshot, scheme: str) -> None:
        from sshdash.tunnels.discover.offers import local_address, web_address

        self.cockpit.copy(web_address(tunnel, scheme) or local_address(tunnel))


async def _ask(cockpit: Cockpit, host: str, screen: DiscoveryScreen) -> None:
    """Ask the host what listens, whenever a person wants it, and keep its connection meanwhile."""
    from sshdash.tunnels.discover.discovery import discover

    backend = cockpit.backend
    with suppress(SSHDashError):  # what is wrong with them is told where they are listed
        backend.add_config_forwards(host)
    held: Lease | None = None
    try:
        while await screen.again.wait():
            screen.again.clear()
            screen.ask()
            try:
                lease = await backend.connections.lease(host, "discovery")
                if held is not None:
                    held.release()
                held = lease
                found = await discover(lease)
                listed = backend.tunnels.snapshots()
                screen.show(await asyncio.to_thread(_lines, host, found, listed), found)
            except SSHDashError as error:
                screen.fail(error)
    finally:
        if held is not None:
            held.release()


def _lines(host: str, found: Discovered, listed: list[TunnelSnapshot]) -> list[Labelled]:
    """Return what is offered with its lines; in a thread, as ports are tried out for it."""
    from sshdash.tunnels.discover.offers import offers
    from sshdash.ui.screens.discovery import labelled

    return labelled(offers(host, found, listed))
