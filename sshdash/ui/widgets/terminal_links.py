"""The links of a terminal on the screen: what a click or a key asks for is posted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.message import Message

from sshdash.terminal.links import Link
from sshdash.terminal.view_links import ViewLinks
from sshdash.ui.widgets.terminal_screen import TerminalScreen

if TYPE_CHECKING:
    from sshdash.terminal.session import ShellSession


class LinkedTerminal(TerminalScreen):
    """A terminal whose links can be chosen. Nothing is opened here."""

    class LinkWanted(Message, namespace="terminal_view"):
        """A link was clicked."""

        def __init__(self, session: "ShellSession", link: Link) -> None:
            super().__init__()
            self.session = session
            self.link = link

    class LinksWanted(Message, namespace="terminal_view"):
        """The links in view are to be listed."""

        def __init__(self, session: "ShellSession", links: Sequence[Link]) -> None:
            super().__init__()
            self.session = session
            self.links = links

    def action_terminal_links(self) -> None:
        """List the links in view."""
        links = ViewLinks(self.session.emulator).all()
        self.post_message(self.LinksWanted(self.session, links))

    def clicked_link(self, event: events.MouseDown, row: int) -> bool:
        """Return whether a click was one on a link: with Ctrl, and Shift where a program tracks."""
        tracked = self.session.emulator.modes.mouse_tracking and not event.shift
        if event.button != 1 or not event.ctrl or tracked:
            return False
        link = ViewLinks(self.session.emulator).at(event.x, row)
        if link is not None:
            self.post_message(self.LinkWanted(self.session, link))
        return link is not None
