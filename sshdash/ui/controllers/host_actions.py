"""What the commands about hosts do that open no shell themselves.

What they show is imported by those that show it, to keep it out of the way of the first frame.
"""

import asyncio
from typing import TYPE_CHECKING

from sshdash.config.destination import parse_destination
from sshdash.errors import UsageError
from sshdash.ui.cockpit import Cockpit
from sshdash.ui.controllers.hosts import HostBoard
from sshdash.ui.controllers.shells import ShellController
from sshdash.ui.format import count_text

if TYPE_CHECKING:
    from sshdash.ui.explanation import Explanation


class HostActions:
    """Copies commands, reloads the list, switches to a host, connects to an address."""

    def __init__(self, cockpit: Cockpit, board: HostBoard, shells: ShellController) -> None:
        self.cockpit = cockpit
        self.board = board
        self.shells = shells

    def why_not(self, command_id: str) -> str:
        """Return why a command is not available now, empty where it is."""
        if (
            command_id in ("host.copy", "host.explain", "host.forget", "tab.copy")
            and self.cockpit.subject() is None
        ):
            return "Select a host first"
        return ""

    def action_host_copy(self) -> None:
        """Copy the ssh command that opens what the host's shell opens."""
        from sshdash.config.equivalent import ssh_command

        if host := self.cockpit.subject():
            self.cockpit.copy(ssh_command(host, self.cockpit.backend.source))

    def action_tab_copy(self) -> None:
        """Copy the ssh command of the host, where a place has no command of its own."""
        self.action_host_copy()

    def action_host_reload(self) -> None:
        """Read ssh_config again."""
        catalog = self.cockpit.backend.reload_catalog()
        count = len(catalog.hosts)
        problems = len(catalog.problems)
        detail = f"{problems} not understood" if problems else ""
        self.cockpit.tell(f"Read again: {count_text(count, 'host')}", detail)

    def action_host_explain(self) -> None:
        """Show which line of ssh_config set each value."""
        if host := self.cockpit.subject():
            self.cockpit.start(self._explain(host))

    async def _explain(self, host: str) -> None:
        from sshdash.ui.screens.explain import ExplainScreen

        explanation = await asyncio.to_thread(self._explanation, host)
        await self.cockpit.show(ExplainScreen(explanation))

    def _explanation(self, host: str) -> "Explanation":
        from sshdash.config.advice import advise
        from sshdash.config.explain import explain
        from sshdash.ui.explanation import explanation

        resolver = self.cockpit.backend.resolver
        # Asked for by a person, so commands of Match run and names are looked up, as for ssh.
        resolved = resolver.resolve(host)
        return explanation(host, explain(resolved), advise(resolved, resolver))

    def action_host_forget(self) -> None:
        """Forget the secrets that are saved for the host."""
        if host := self.cockpit.subject():
            self.cockpit.start(self._forget(host))

    async def _forget(self, host: str) -> None:
        gone = await self.cockpit.backend.forget_secrets(host)
        title = f"Forgotten for {host}" if gone else f"Nothing is saved for {host}"
        self.cockpit.tell(title, ", ".join(gone))

    def action_view_switcher(self) -> None:
        """Go to a host by part of its name, the most recently used first."""
        self.cockpit.start(self._switch())

    async def _switch(self) -> None:
        if host := await self.pick("Switch host"):
            self.go(host)

    async def pick(self, title: str) -> str | None:
        """Let the person name a host or an address, the most recently used hosts first."""
        from sshdash.ui.screens.picker import Choice, Picker

        rows = {row.host: row for row in self.board.rows()}
        recent = [host for host in self.shells.recent if host in rows]
        order = [*recent, *(host for host in rows if host not in recent)]
        choices = [
            Choice(
                host,
                rows[host].label,
                note=rows[host].group,
                key=rows[host].counts,
                mark=rows[host].mark,
            )
            for host in order
        ]
        picker = Picker(title, choices, "host, or user@host:port", free=True)
        return await self.cockpit.show(picker)

    def action_host_connect_to(self) -> None:
        """Ask for an address and open a shell there."""
        self.cockpit.start(self._connect_to())

    async def _connect_to(self) -> None:
        from sshdash.ui.screens.text_input import TextInputDialog

        dialog = TextInputDialog(
            "Connect to", "user@host:port, or a host of ssh_config", action="Connect", check=_wrong
        )
        if address := await self.cockpit.show(dialog):
            self.go(address.strip())

    def choose(self, text: str) -> None:
        """Go to the shell on what was chosen in the sidebar, a host or an address."""
        try:
            self.go(text)
        except UsageError as error:
            self.cockpit.report(error)
        else:
            self.cockpit.sidebar.clear_filter()

    def go(self, text: str) -> None:
        """Go to the shell on a host of the list, or on the address that was typed.

        Raises UsageError for what is no address.
        """
        self.shells.go_to(self.destination(text))

    def destination(self, text: str) -> str:
        """Return a host of the list as it is, an address as it is written properly.

        Raises UsageError for what is no address.
        """
        listed = any(row.host == text for row in self.board.rows())
        return text if listed else str(parse_destination(text))


def _wrong(text: str) -> str:
    try:
        parse_destination(text.strip())
    except UsageError as error:
        return f"{error.title}: {error.detail}" if error.detail else error.title
    return ""
