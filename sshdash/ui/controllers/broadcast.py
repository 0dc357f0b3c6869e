"""Typing into several panes at once: which of them receive it, and who is asked before."""

import asyncio
from collections.abc import Iterable
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, cast

from sshdash.config.destination import parse_destination
from sshdash.config.patterns import matches_host
from sshdash.errors import SSHDashError
from sshdash.events import Event, SessionChanged
from sshdash.prompts import ConfirmQuestion
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.format import count_text
from sshdash.ui.widgets.pane_frame import Part
from sshdash.ui.widgets.tabs import Tab
from sshdash.ui.widgets.terminal_pane import TerminalPane
from sshdash.ui.widgets.terminal_tab import TerminalTab
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.backend import Backend
    from sshdash.ui.widgets.terminal_view import TerminalView

_GUARDED = "prod"
"""What the Tag of a host contains that is asked for first."""


class Scope(Enum):
    """Whose panes receive."""

    OFF = "off"
    TAB = "tab"
    ALL = "all"


class Broadcast:
    """Decides for every pane whether it receives what is typed in another that does.

    A pane that was left out neither receives nor sends. Hosts in production are asked for once
    each time it is turned on.
    """

    def __init__(self, cockpit: Cockpit, shells: ShellController) -> None:
        self.cockpit = cockpit
        self.shells = shells
        self.scope = Scope.OFF
        self._tab: Tab | None = None
        self._left_out: set[int] = set()
        """Numbers of panes."""
        self._hosts: dict[str, bool] = {}
        """Whether a host may receive; those that are missing were not looked at yet."""
        shells.on_terminal.append(self._begin_pane)

    def __repr__(self) -> str:
        return f"<Broadcast {self.scope.value} [{len(self.receiving())} panes]>"

    # Who receives

    @property
    def is_on(self) -> bool:
        """Return whether anything is broadcast; not once the tab it was for is gone."""
        return self.scope is Scope.ALL or (
            self.scope is Scope.TAB and self._tab in self.cockpit.tabs
        )

    def panes(self) -> list[TerminalPane]:
        """Return the panes it is for, whether or not they can receive."""
        if not self.is_on:
            return []
        if self.scope is Scope.ALL:
            return self.shells.panes()
        return cast(TerminalTab, self._tab).panes

    def receiving(self) -> list[TerminalPane]:
        """Return the panes that receive what is typed in one of them."""
        return [pane for pane in self.panes() if self._part(pane) is Part.RECEIVES]

    def _part(self, pane: TerminalPane) -> Part:
        if pane.number in self._left_out or not self._hosts.get(pane.host, False):
            return Part.LEFT_OUT
        return Part.RECEIVES if pane.is_running and pane.view is not None else Part.SKIPPED

    def _followers(self, pane: TerminalPane) -> "Iterable[TerminalView]":
        receiving = self.receiving() if self.scope is not Scope.OFF else []
        others = [one for one in receiving if one is not pane]
        return [cast("TerminalView", one.view) for one in others] if pane in receiving else []

    @property
    def words(self) -> str:
        """Return what the status line warns of, empty while nothing is broadcast."""
        if not self.is_on:
            return ""
        return f"{Part.RECEIVES.value} {count_text(len(self.receiving()), 'pane')}"

    # Keeping the marks true

    def on_event(self, event: Event) -> None:
        """Mark panes whose shell ended or runs again."""
        if isinstance(event, SessionChanged) and self.scope is not Scope.OFF:
            self.show()

    def show(self) -> None:
        """Mark every pane."""
        concerned = self.panes()
        for pane in self.shells.panes():
            pane.show_part(self._part(pane) if pane in concerned else Part.NONE)
        self.cockpit.refresh_hosts()

    def _begin_pane(self, pane: TerminalPane) -> None:
        cast("TerminalView", pane.view).followers = partial(self._followers, pane)
        if self.scope is not Scope.OFF:
            self._admit_all()

    def _admit_all(self) -> None:
        """Look at the hosts that were not looked at, and ask for those in production."""
        new = {pane.host for pane in self.panes()} - self._hosts.keys()
        if new:
            self._hosts |= dict.fromkeys(new, False)  # until it is known what they are
            self.cockpit.start(self._admit(new), aside=True)
        self.show()

    # Commands

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if command_id == "broadcast.choose":
            return "" if self.is_on or self.shells.panes() else "No terminal is open"
        if not self.is_on:
            return "Nothing is broadcast"
        return "" if self.shells.current in self.panes() else "It does not reach this pane"

    def action_broadcast_choose(self) -> None:
        """Turn it off, or ask who receives."""
        if self.is_on:
            self.turn_off()
            self.cockpit.tell("Broadcast is off")
        else:
            self.cockpit.start(self._choose())

    def action_broadcast_pane(self) -> None:
        """Take the pane with the focus out, or in again."""
        pane = self.shells.current
        if pane is None:
            return
        if self._part(pane) is not Part.LEFT_OUT:
            self._left_out.add(pane.number)
        else:
            self._left_out.discard(pane.number)
            if not self._hosts.get(pane.host, False):
                self._hosts.pop(pane.host, None)
                self._admit_all()
        self.show()

    def turn_off(self) -> None:
        """Let what is typed go to one pane only, from now on."""
        self.scope, self._tab = Scope.OFF, None
        self._left_out.clear()
        self._hosts.clear()
        self.show()

    async def _choose(self) -> None:
        from sshdash.ui.screens.picker import Choice, Picker

        tab = self.cockpit.current
        here = tab.panes if isinstance(tab, TerminalTab) else []
        everywhere = self.shells.panes()
        choices = [
            Choice(Scope.TAB.value, "This tab", _panes_text(here), enabled=bool(here)),
            Choice(Scope.ALL.value, "All terminals", _panes_text(everywhere)),
        ]
        picked = await self.cockpit.show(Picker("Broadcast what you type to", choices, "panes"))
        if picked is None or (picked == Scope.TAB.value and not here):
            return
        hosts = {pane.host for pane in (here if picked == Scope.TAB.value else everywhere)}
        self._hosts.clear()
        await self._admit(hosts)
        self.scope, self._tab = Scope(picked), tab
        self._admit_all()  # there may be new panes meanwhile

    # Production

    async def _admit(self, hosts: set[str]) -> None:
        """Let hosts receive, those in production only where the person says so."""
        guarded = await asyncio.to_thread(guarded_hosts, self.cockpit.backend, sorted(hosts))
        self._hosts |= {host: host not in guarded for host in hosts}
        if guarded:
            names = ", ".join(map(clean, guarded))
            detail = f"In production: {names}.\nWhat you type would be run there too."
            question = ConfirmQuestion(
                "Broadcast to production?", detail, action="Broadcast there too", danger=True
            )
            agreed = await self.cockpit.ask(question)
            self._hosts |= dict.fromkeys(guarded, bool(agreed))
        self.show()


def _panes_text(panes: list[TerminalPane]) -> str:
    labels = ", ".join(dict.fromkeys(pane.label for pane in panes))
    return f"{count_text(len(panes), 'pane')}: {labels}" if panes else "not a terminal"


def guarded_hosts(backend: "Backend", hosts: Iterable[str]) -> list[str]:
    """Return the hosts that are in production: by the setting `prod`, or by their Tag.

    So is one whose configuration cannot be read.
    """
    return [host for host in hosts if _is_guarded(backend, host)]


def _is_guarded(backend: "Backend", host: str) -> bool:
    try:
        resolved = backend.resolver.preview(host)
        names = {host, parse_destination(host).host, resolved.get("hostname") or host}
    except SSHDashError:
        return True
    if any(matches_host(name, pattern) for name in names for pattern in backend.settings.prod):
        return True
    return _GUARDED in (resolved.get("tag") or "").casefold()
