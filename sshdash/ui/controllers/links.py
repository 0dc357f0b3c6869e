"""Opens the links that a terminal shows, once a person has read where they lead."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.outside import open_address
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.terminal.links import Link


class LinkController:
    """Lists links, shows the address of one, and opens or copies it."""

    def __init__(self, cockpit: Cockpit, shells: ShellController) -> None:
        self.cockpit = cockpit
        self.shells = shells

    def choose(self, links: "Sequence[Link]", host: str) -> None:
        """Let a person choose one of the links in view."""
        if not links:
            self.cockpit.tell("Links", "there is no link in view")
        elif len(links) == 1:
            self.show(links[0], host)
        else:
            self.cockpit.start(self._choose(links, host))

    def show(self, link: "Link", host: str) -> None:
        """Show where a link leads, and do with it what the person says."""
        self.cockpit.start(self._show(link, host))

    async def _choose(self, links: "Sequence[Link]", host: str) -> None:
        from sshdash.ui.dialogs import link_list

        chosen = await self.cockpit.show(link_list(links))
        if chosen is not None:
            await self._show(links[int(chosen)], host)

    async def _show(self, link: "Link", host: str) -> None:
        from sshdash.terminal.links import judge
        from sshdash.ui.dialogs import link_dialog
        from sshdash.ui.screens.link import COPY, OPEN

        verdict = judge(link.address, link.text)
        answer = await self.cockpit.show(link_dialog(verdict, clean(link.text), clean(host)))
        if answer == COPY:
            self.cockpit.copy(verdict.shown)
        elif answer == OPEN and verdict.scheme == "ssh":
            self.shells.open(urlsplit(link.address).netloc)
        elif answer == OPEN:
            await open_address(link.address)
            self.cockpit.tell("Opened", verdict.shown)
