"""Carries out what the tunnel table asks for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.message import Message

from sshdash.config.equivalent import forward_command
from sshdash.errors import SSHDashError
from sshdash.prompts import ConfirmQuestion
from sshdash.ui.format import count_text
from sshdash.ui.screens.forward_form import ForwardForm
from sshdash.ui.widgets.tunnel_table import AddTunnel, ChangeAll, ChangeTunnel, TunnelStep
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.snapshot import TunnelSnapshot
    from sshdash.ui.cockpit import Cockpit


class TunnelsController:
    """Between the tunnel table and the backend's tunnels."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend

    def snapshots(self) -> list[TunnelSnapshot]:
        """Return all tunnels as they are now; none until the backend is loaded."""
        return self.backend.tunnels.snapshots() if self.backend.loaded else []

    def list_configured(self, hosts: list[str] | None = None) -> None:
        """List the configured forwards of hosts, of all in ssh_config by default, as closed."""
        names = [host.alias for host in self.backend.catalog.hosts] if hosts is None else hosts
        self.cockpit.start(self._list_configured(names), "configured forwards")

    def handle(self, message: Message) -> None:
        """Carry out an `AddTunnel`, a `ChangeTunnel` or a `ChangeAll`."""
        if isinstance(message, AddTunnel):
            self.cockpit.start(self._add(message))
        elif isinstance(message, ChangeTunnel):
            tunnel = message.tunnel
            if message.step is TunnelStep.COPY_COMMAND:
                self._copy_command(tunnel)
            else:
                self.cockpit.start(self._change(message.step, tunnel))
        elif isinstance(message, ChangeAll):
            self.cockpit.start(self._change_all(message.step, message.tunnels))

    async def _list_configured(self, hosts: list[str]) -> None:
        """Resolve one host after the other, so that a thousand of them never hold the screen."""
        await self.backend.load()
        for host in hosts:
            try:
                self.backend.add_config_forwards(host)
            except SSHDashError as error:
                self.cockpit.report(error)
            await asyncio.sleep(0)

    async def _add(self, request: AddTunnel) -> None:
        hosts = [entry.alias for entry in self.backend.catalog.hosts]
        answer = await self.cockpit.show(ForwardForm(request.host, hosts))
        if answer is None:
            return
        await self.backend.load()
        self.backend.resolver.preview(answer.host)
        tunnel = self.backend.tunnels.add(answer.host, answer.spec)
        request.table.select(tunnel)
        if answer.start:
            await self._start(tunnel)

    async def _change(self, step: TunnelStep, tunnel: TunnelSnapshot) -> None:
        tunnels = self.backend.tunnels
        if step is TunnelStep.START:
            await self._start(tunnel.id)
        elif step is TunnelStep.STOP:
            if await self._sure("Close", tunnel):
                await tunnels.stop(tunnel.id)
        elif step is TunnelStep.RESTART:
            if await self._sure("Restart", tunnel):
                await tunnels.stop(tunnel.id)
                await self._start(tunnel.id)
        elif await self._sure("Remove", tunnel):
            await tunnels.remove(tunnel.id)

    async def _change_all(self, step: TunnelStep, tunnels: list[TunnelSnapshot]) -> None:
        """Start or stop several at a time; one that fails does not hold up the others."""
        if step is TunnelStep.START:
            await asyncio.gather(*(self._start(tunnel.id) for tunnel in self._listed(tunnels)))
        elif await self._sure_of_all(tunnels):
            stop = self.backend.tunnels.stop
            await asyncio.gather(*(stop(tunnel.id) for tunnel in self._listed(tunnels)))

    def _listed(self, tunnels: list[TunnelSnapshot]) -> list[TunnelSnapshot]:
        """Return those that were not removed meanwhile, as they are now."""
        now = {tunnel.id: tunnel for tunnel in self.snapshots()}
        return [now[tunnel.id] for tunnel in tunnels if tunnel.id in now]

    async def _sure_of_all(self, tunnels: list[TunnelSnapshot]) -> bool:
        """Ask once where clients of any would be cut off."""
        used = [tunnel for tunnel in self._listed(tunnels) if tunnel.clients]
        if not used:
            return True
        clients = count_text(sum(tunnel.clients for tunnel in used), "client")
        question = ConfirmQuestion(
            f"Close all tunnels of {clean(used[0].host, 60)}?",
            f"{clients} of {count_text(len(used), 'tunnel')} would be cut off.",
            action="Close",
            danger=True,
        )
        answer: bool | None = await self.cockpit.ask(question)
        return bool(answer)

    async def _start(self, tunnel: str) -> None:
        """Open a tunnel. A failure is told by its row, which stays in sight, and not again."""
        await self.backend.tunnels.start(tunnel)
        self.cockpit.refresh_hosts()

    async def _sure(self, action: str, tunnel: TunnelSnapshot) -> bool:
        """Ask where clients would be cut off."""
        try:
            clients = self.backend.tunnels.snapshot(tunnel.id).clients
        except KeyError:  # removed meanwhile
            return False
        if not clients:
            return True
        question = ConfirmQuestion(
            f"{action} the tunnel?",
            f"{count_text(clients, 'client')} of {clean(tunnel.listen)} → {clean(tunnel.target)} "
            "would be cut off.",
            action=action,
            danger=True,
        )
        answer: bool | None = await self.cockpit.prompter.ask(question)
        return bool(answer)

    def _copy_command(self, tunnel: TunnelSnapshot) -> None:
        words = forward_command(
            tunnel.host, ":".join(tunnel.spec.in_ssh()), self.backend.source, tunnel.kind.value
        )
        self.cockpit.copy(words)
