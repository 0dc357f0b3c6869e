"""The half of a pane that is lit while another pane is dragged there by its title."""

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from sshdash.ui.format import clip


class Landing(Widget, can_focus=True):
    """Lies over where the pane would go. It has the keys meanwhile, so that Esc gives it up."""

    class GivenUp(Message):
        """Esc was pressed, or the keys went elsewhere."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title

    def render(self) -> RenderResult:
        """Say in the middle whose place it would be."""
        width, height = self.size
        title = clip(self.title, width)
        indent = " " * ((width - cell_len(title)) // 2)
        return Content("\n" * ((height - 1) // 2) + indent + title)

    def on_key(self, event: events.Key) -> None:
        """Give up with Esc; no other key means anything, least of all to a remote."""
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.post_message(self.GivenUp())

    def on_blur(self) -> None:
        """Give up where something else gets the keys."""
        self.post_message(self.GivenUp())
