"""The line above the tunnels: the filter, and in which order they are listed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from sshdash.ui.widgets.filter_field import FilterField

FILTER = "tunnel-filter"


class TunnelBar(Horizontal):
    """A filter that is there while it is used, and words that say what is not as usual."""

    def __init__(self) -> None:
        super().__init__(classes="tunnels-bar")
        self._slash = Static("/", classes="tunnels-slash", markup=False)
        self._field = FilterField(
            placeholder="part of a name, host, port, service, tag or state",
            compact=True,
            id=FILTER,
        )
        self._said = Static(classes="tunnels-said", markup=False)
        self._words = ""

    def compose(self) -> ComposeResult:
        """Lay out the filter before the words."""
        yield self._slash
        yield self._field
        yield self._said

    def on_mount(self) -> None:
        """Be out of the way."""
        self.say("")

    @property
    def filter_text(self) -> str:
        """What is looked for."""
        return self._field.value

    @property
    def is_typing(self) -> bool:
        """Whether the filter has the focus."""
        return self._field.has_focus

    @property
    def is_used(self) -> bool:
        """Whether there is something to take back."""
        return bool(self.filter_text) or self.is_typing

    def begin(self) -> None:
        """Show the filter and type in it."""
        self._show(True)
        self._field.focus()

    def clear(self) -> None:
        """Look for nothing."""
        self._field.value = ""

    def say(self, words: str) -> None:
        """Show how the list differs from what is usual."""
        if words != self._words:
            self._words = words
            self._said.update(words)
        self._show(self.is_used)

    def _show(self, filtering: bool) -> None:
        self._slash.display = self._field.display = filtering
        self.display = filtering or bool(self._words)
