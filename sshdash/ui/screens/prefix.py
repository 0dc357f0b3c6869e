"""What the prefix key waits for: one line of keys, gone with the next key."""

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static


class PrefixScreen(ModalScreen[str]):
    """Lists the keys that may follow the prefix and answers the one pressed, None for Escape.

    What is beneath stays in sight and goes on.
    """

    def __init__(self, prefix: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.prefix = prefix
        self.keys = tuple(keys)

    def compose(self) -> ComposeResult:
        """Lay out the keys at the bottom."""
        hints = [
            Content.assemble(
                Content.styled(key, "bold $foreground"),
                # A narrow no-break space keeps a key with its word.
                Content.styled(
                    f"\N{NO-BREAK SPACE}{title}".replace(" ", "\N{NO-BREAK SPACE}"), "$muted"
                ),
            )
            for key, title in self.keys
        ]
        lead = Content.styled(f"{self.prefix} ", "bold $accent")
        yield Static(Content.assemble(lead, "  ", Content("   ").join(hints)), id="prefix-keys")

    def on_key(self, event: events.Key) -> None:
        """Answer with the key, whatever it is."""
        event.stop()
        event.prevent_default()
        self.dismiss(None if event.key == "escape" else event.key)

    def on_click(self, event: events.Click) -> None:
        """Let a click dismiss it."""
        event.stop()
        self.dismiss(None)
