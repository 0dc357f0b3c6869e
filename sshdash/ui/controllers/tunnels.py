"""Carries out what the tunnels' screen asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.message import Message

from sshdash.config.equivalent import forward_command
from sshdash.errors import SSHDashError
from sshdash.prompts import ConfirmQuestion
from sshdash.tunnels.kept.exports import ssh_argument
from sshdash.tunnels.owners.neighbours import settled
from sshdash.ui.controllers.tunnel_rules import TunnelRules
from sshdash.ui.format import count_text
from sshdash.ui.widgets.tunnel_diagram import time_text
from sshdash.ui.widgets.tunnel_messages import (
    AddTunnel,
    ChangeAll,
    ChangeTunnel,
    CutClient,
    EditTunnel,
    TunnelStep,
)
from sshdash.ui.widgets.tunnel_order import siblings
from sshdash.ui.widgets.tunnel_words import name_of, title_of
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.states import TunnelState
    from sshdash.tunnels.snapshot import ClientSnapshot, TunnelSnapshot
    from sshdash.ui.cockpit import Cockpit

_CUTS = {
    TunnelStep.STOP: "Close",
    TunnelStep.RESTART: "Restart",
    TunnelStep.PAUSE: "Pause",
    TunnelStep.REMOVE: "Remove",
}
"""The steps that end clients, and what the question calls them."""


class TunnelsController:
    """Between the tunnels' screen and the backend's tunnels."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend
        self.rules = TunnelRules(cockpit)

    def snapshots(self) -> list[TunnelSnapshot]:
        """Return all tunnels as they are now, also of other processes; none until it is loaded."""
        return self.backend.household.snapshots() if self.backend.loaded else []

    def is_reading(self) -> bool:
        """Return whether the saved rules have not been read yet."""
        return not (self.backend.loaded and self.backend.household.rules.was_read)

    def states(self) -> list[TunnelState]:
        """Return how all tunnels are."""
        every = self.backend.household.states() if self.backend.loaded else []
        return [state for _, state in every]

    def rates(self) -> tuple[float, float]:
        """Return the bytes per second up and down through all our own tunnels."""
        return self.backend.tunnels.rates() if self.backend.loaded else (0.0, 0.0)

    def clients(self, tunnel: str) -> Sequence[ClientSnapshot]:
        """Return the clients of a tunnel as they are now; none of one that was removed."""
        try:
            return self.backend.tunnels.clients(tunnel)
        except KeyError:
            return ()

    def watch(self, tunnel: str) -> None:
        """Have the round trips of a tunnel measured while it is seen; not of another process's."""
        with suppress(KeyError):
            self.backend.tunnels.look(tunnel)

    def list_configured(self, hosts: list[str] | None = None) -> None:
        """List the configured forwards of hosts, of all in ssh_config by default, as closed."""
        names = [host.alias for host in self.backend.catalog.hosts] if hosts is None else hosts
        self.cockpit.start(self._list_configured(names), "configured forwards")

    def handle(self, message: Message) -> None:
        """Carry out a request of the tunnels' screen."""
        if isinstance(message, AddTunnel):
            self.cockpit.start(self.rules.add(message.host, message.select))
        elif isinstance(message, EditTunnel):
            self.cockpit.start(self.rules.edit(message.tunnels, message.select))
        elif isinstance(message, CutClient):
            self.cockpit.start(self._cut(message.tunnel, message.client))
        elif isinstance(message, ChangeAll):
            self.cockpit.start(self._change(message.step, message.tunnels, message.name))
        elif isinstance(message, ChangeTunnel):
            self._handle_one(message.step, message.tunnel)

    def _handle_one(self, step: TunnelStep, tunnel: TunnelSnapshot) -> None:
        if step is TunnelStep.COPY_COMMAND:
            self._copy_command(tunnel)
        elif step is TunnelStep.PROBE:
            self.cockpit.start(self._probe(tunnel))
        elif step is TunnelStep.EXPORT:
            self.cockpit.start(self.rules.export(tunnel))
        elif step is TunnelStep.HISTORY:
            self.cockpit.start(self._show_history(tunnel))
        else:
            self.cockpit.start(self._change(step, [tunnel], ""))

    async def _list_configured(self, hosts: list[str]) -> None:
        """Resolve one host after the other, so that a thousand of them never hold the screen."""
        await self.backend.load()
        for host in hosts:
            try:
                self.backend.add_config_forwards(host)
            except SSHDashError as error:
                self.cockpit.report(error)
            await asyncio.sleep(0)

    async def _change(self, step: TunnelStep, tunnels: Sequence[TunnelSnapshot], name: str) -> None:
        """Do the same with several at a time; one that fails does not hold up the others."""
        if step in _CUTS and not await self._sure(_CUTS[step], self._listed(tunnels), name):
            return
        if step is TunnelStep.REMOVE and not await self.rules.sure_to_forget(tunnels):
            return
        steps = (self._do(step, tunnel) for tunnel in self._listed(tunnels))
        for error in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(error, SSHDashError):
                self.cockpit.report(error)
            elif error is not None:
                raise error
        self.cockpit.refresh_hosts()

    async def _do(self, step: TunnelStep, tunnel: TunnelSnapshot) -> None:
        """Do a step with one tunnel, or have the process do it that runs it.

        A tunnel that fails says so on its row, which stays in sight, and is not told again.
        """
        manager = self.backend.tunnels
        if step is TunnelStep.TAKE_OVER:
            listed = manager.add(tunnel.host, tunnel.spec, "ad hoc", tunnel.rule)
            await self.backend.household.take_over([listed])
            return
        if tunnel.owner:
            await self.backend.household.ask(step.value, tunnel)
            return
        if step in (TunnelStep.STOP, TunnelStep.RESTART):
            await manager.stop(tunnel.id)
        if step in (TunnelStep.START, TunnelStep.RESTART):
            await self.backend.household.start(tunnel.id)
        elif step is TunnelStep.PAUSE:
            await manager.pause(tunnel.id)
        elif step is TunnelStep.RESUME:
            await manager.resume(tunnel.id)
        elif step is TunnelStep.REMOVE:
            await manager.remove(tunnel.id)

    def _listed(self, tunnels: Sequence[TunnelSnapshot]) -> list[TunnelSnapshot]:
        """Return those that were not removed meanwhile, as they are now."""
        now = {tunnel.id: tunnel for tunnel in self.snapshots()}
        return [now[tunnel.id] for tunnel in tunnels if tunnel.id in now]

    async def _sure(self, action: str, tunnels: Sequence[TunnelSnapshot], name: str) -> bool:
        """Ask once where clients of any would be cut off."""
        used = [tunnel for tunnel in tunnels if tunnel.clients]
        if not used:
            return bool(tunnels)
        clients = count_text(sum(tunnel.clients for tunnel in used), "client")
        if len(tunnels) == 1:
            title, whose = f"{action} the tunnel?", title_of(used[0])
        else:
            title = f"{action} all tunnels of {name}?"
            whose = count_text(len(used), "tunnel")
        detail = f"{clients} of {whose} would be cut off."
        question = ConfirmQuestion(title, detail, action=action, danger=True)
        answer: bool | None = await self.cockpit.ask(question)
        return bool(answer)

    async def _cut(self, tunnel: TunnelSnapshot, client: ClientSnapshot) -> None:
        who = clean(client.process, 60) or clean(client.address, 60)
        question = ConfirmQuestion(
            "Cut this client?",
            f"{who} is cut off from {clean(client.target, 80) or title_of(tunnel)}; "
            "others go on, and it may come again.",
            action="Cut",
            danger=True,
        )
        if await self.cockpit.ask(question) and self._listed([tunnel]):
            self.backend.tunnels.cut(tunnel.id, client.id)

    async def _probe(self, tunnel: TunnelSnapshot) -> None:
        if not self._listed([tunnel]):
            return
        found = await self.backend.tunnels.probe(tunnel.id)
        said = clean(found.text, 300)
        if found.seconds is None:
            self.cockpit.tell(f"{title_of(tunnel)} is not well", said, severity="warning")
        else:
            took = f"{said} in {time_text(found.seconds)}"
            self.cockpit.tell(f"{title_of(tunnel)} is well", took)

    async def _show_history(self, tunnel: TunnelSnapshot) -> None:
        from sshdash.ui.screens.traffic_history import TrafficHistoryScreen, Whose

        whose = [Whose(title_of(tunnel), (tunnel.id,))]
        if len(rule := siblings(tunnel, self.snapshots())) > 1:
            way = f"{clean(tunnel.listen, 80)} → {clean(tunnel.target, 80)}"
            ids = tuple(one.id for one in rule)
            whose = [Whose(way, (tunnel.id,)), Whose(f"rule {name_of(tunnel)}", ids)]
        whose.append(Whose("all tunnels", None))
        await self.cockpit.show(TrafficHistoryScreen(whose, self.backend.tunnels.history))

    def _copy_command(self, tunnel: TunnelSnapshot) -> None:
        argument = ssh_argument(settled(tunnel))
        words = forward_command(tunnel.host, argument, self.backend.source, tunnel.kind.value)
        self.cockpit.copy(words)
