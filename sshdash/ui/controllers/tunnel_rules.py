"""Adds, changes, forgets and copies rules, after asking how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from sshdash.errors import SSHDashError, UsageError
from sshdash.prompts import ConfirmQuestion
from sshdash.ui.format import count_text
from sshdash.ui.rule_draft import RuleAnswer, RuleDraft
from sshdash.ui.screens.forward_form import ForwardForm
from sshdash.ui.screens.picker import Choice, Picker
from sshdash.ui.tunnel_exports import exports_of
from sshdash.ui.widgets.tunnel_words import RUNNING, title_of
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.tunnels.kept.rules import Rules
    from sshdash.tunnels.snapshot import TunnelSnapshot
    from sshdash.tunnels.spec import ForwardSpec
    from sshdash.ui.cockpit import Cockpit

Select = Callable[[str], None]
"""Puts the cursor on a tunnel."""


class TunnelRules:
    """What a person keeps of tunnels: asks, and has the backend change them and their file."""

    def __init__(self, cockpit: Cockpit) -> None:
        self.cockpit = cockpit
        self.backend = cockpit.backend

    @property
    def rules(self) -> Rules:
        """The rules of the file; there are some once the backend is loaded."""
        return self.backend.household.rules

    def is_kept(self, name: str) -> bool:
        """Return whether the file has a rule of this name."""
        return any(rule.name == name for rule in self.rules.all)

    async def add(self, host: str, select: Select) -> None:
        """Ask for a rule, list it, and open it where that is wanted."""
        hosts = [entry.alias for entry in self.backend.catalog.hosts]
        answer = await self.cockpit.show(ForwardForm(host, hosts, check=self._wrong_with))
        if answer is None:
            return
        await self.backend.load()
        self._ensure(answer)
        listed = [self._list(spec, answer) for spec in answer.forwards]
        select(listed[0])
        try:
            if answer.rule is not None and answer.keep:
                await self.rules.save(answer.rule)
        finally:  # what cannot be kept is still wanted now
            if answer.start:
                await self._start(listed)
            self.cockpit.refresh_hosts()

    def _wrong_with(self, answer: RuleAnswer, old: str = "", host: str = "") -> str:
        """Return why an answer cannot be taken, empty where it can.

        `old` is the name of what is edited, and `host` where that is.

        Until everything is loaded nobody knows.
        """
        if not self.backend.loaded:
            return ""
        rule = answer.rule
        if rule is not None and answer.keep and rule.name != old and self.is_kept(rule.name):
            return f"There is a rule {clean(rule.name, 60)} already: give this another name"
        if answer.host == host:
            return ""  # it is listed there already
        try:
            self.backend.resolver.preview(answer.host)
        except SSHDashError as error:
            return clean(": ".join(filter(None, (error.title, error.detail))), 400)
        return ""

    def _ensure(self, answer: RuleAnswer, old: str = "", host: str = "") -> None:
        """Raise UsageError where an answer cannot be taken any more: the file was changed."""
        if problem := self._wrong_with(answer, old, host):
            raise UsageError(problem)

    def _list(self, spec: ForwardSpec, answer: RuleAnswer) -> str:
        return self.backend.tunnels.add(answer.host, spec, "ad hoc", answer.rule)

    async def _start(self, tunnels: Sequence[str]) -> None:
        """Open tunnels in the place of what runs of their group, here or elsewhere."""
        for tunnel in tunnels:
            await self.backend.household.start(tunnel)

    async def edit(self, tunnels: Sequence[TunnelSnapshot], select: Select) -> None:
        """Ask how a rule is to be, and make it so; what is open stays open."""
        first = tunnels[0]
        old = first.rule.name if first.rule is not None else ""
        kept = self.is_kept(old)
        draft = RuleDraft.of(first.host, [one.spec for one in tunnels], first.rule)
        hosts = [entry.alias for entry in self.backend.catalog.hosts]
        check = partial(self._wrong_with, old=old, host=first.host)
        form = ForwardForm(first.host, hosts, draft, kept=kept, check=check)
        answer = await self.cockpit.show(form)
        if answer is None:
            return
        self._ensure(answer, old, first.host)
        if answer.host != first.host:
            await self._move(tunnels, answer, old if kept else "", select)
            return
        ids = await self._fit(tunnels, answer)
        for tunnel in ids:
            self.backend.tunnels.change_rule(tunnel, answer.rule)
        if answer.rule is not None and answer.keep:
            await self.rules.save(answer.rule, old if kept else "")
        elif kept:
            await self.rules.remove(old)
        if ids:
            select(ids[0])
        if answer.start:
            await self._start(ids)
        self.cockpit.refresh_hosts()

    async def _move(
        self, tunnels: Sequence[TunnelSnapshot], answer: RuleAnswer, kept: str, select: Select
    ) -> None:
        """Close a rule on its host and list it on another; what was open is opened there."""
        manager = self.backend.tunnels
        if not await self._sure_to_move(tunnels, answer.host):
            return
        opened = any(one.state in RUNNING for one in tunnels)
        for one in tunnels:  # its ports are free then
            await manager.stop(one.id)
            if one.source == "config":  # which has it for that host all the same
                manager.change_rule(one.id, None)
            else:
                await manager.remove(one.id)
        ids = [self._list(spec, answer) for spec in answer.forwards]
        select(ids[0])
        try:
            if answer.rule is not None and answer.keep:
                await self.rules.save(answer.rule, kept)
            elif kept:
                await self.rules.remove(kept)
        finally:
            if opened or answer.start:
                await self._start(ids)
            self.cockpit.refresh_hosts()

    async def _sure_to_move(self, tunnels: Sequence[TunnelSnapshot], host: str) -> bool:
        """Ask where clients would be cut off."""
        clients = sum(one.clients for one in tunnels)
        if not clients:
            return True
        question = ConfirmQuestion(
            f"Move the tunnel to {clean(host, 60)}?",
            f"{count_text(clients, 'client')} of {title_of(tunnels[0])} would be cut off.",
            action="Move",
            danger=True,
        )
        answer: bool | None = await self.cockpit.ask(question)
        return bool(answer)

    async def _fit(self, tunnels: Sequence[TunnelSnapshot], answer: RuleAnswer) -> list[str]:
        """Re-point, add and remove forwards as the answer has them; return their ids."""
        manager = self.backend.tunnels
        old = {one.spec: one.id for one in tunnels}
        free = [one for one in tunnels if one.spec not in answer.forwards]
        ids = []
        for spec in answer.forwards:
            same = next((one for one in free if one.kind is spec.kind), None)
            if spec in old:
                ids.append(old[spec])
            elif same is not None:
                free.remove(same)
                await manager.repoint(same.id, spec)
                ids.append(same.id)
            else:
                ids.append(self._list(spec, answer))
        for one in free:
            await manager.remove(one.id)
        return ids

    async def sure_to_forget(self, tunnels: Sequence[TunnelSnapshot]) -> bool:
        """Ask before a rule goes from its file, and take it out; True where there is none."""
        names = {one.rule.name for one in tunnels if one.rule is not None}
        kept = [name for name in sorted(names) if self.is_kept(name)]
        if not kept:
            return True
        which = clean(kept[0], 60) if len(kept) == 1 else count_text(len(kept), "rule")
        question = ConfirmQuestion(
            f"Remove {which}?",
            "It is closed, and taken out of the file of your tunnels.",
            action="Remove",
            danger=True,
        )
        if not await self.cockpit.ask(question):
            return False
        for name in kept:
            await self.rules.remove(name)
        return True

    async def export(self, tunnel: TunnelSnapshot) -> None:
        """Offer what can be copied of a rule, and copy what is picked."""
        exports = {one.name: one for one in exports_of(tunnel, self.backend.source)}
        choices = [
            Choice(one.name, one.name, clean(_gist(one.text), 200)) for one in exports.values()
        ]
        picker = Picker(f"Copy {title_of(tunnel)} as", choices, "type part of a name")
        picked = await self.cockpit.show(picker)
        if picked is not None:
            self.cockpit.copy(exports[picked].text)


def _gist(text: str) -> str:
    """Return the first line that says something: no comment, and no name of a section."""
    lines = text.splitlines()
    return next((line for line in lines if not line.startswith(("#", "["))), lines[0])
