"""What a tab shows until there is a terminal: the attempt step by step, or why it failed."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from sshdash.errors import SSHDashError
from sshdash.ui.early_typing import EarlyTyping
from sshdash.ui.format import count_text
from sshdash.ui.steps import Step, failure_text, shortened, steps_text

_WIDEST = 110
"""Cells beyond which the columns would be too far apart to read."""
_FEWEST = 2
"""Steps that are shown even where there is no room: the last good one, and the one that failed."""


class OpeningPanel(Static, can_focus=True):
    """The attempt and its steps, drawn anew as they come.

    What is typed meanwhile is for the shell, as with ssh, and is kept for it.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "retry", "Try again", show=False),
        Binding("l", "app.command('host.timeline')", "Timeline", show=False),
        Binding("escape,ctrl+c,x", "give_up", "Close", show=False),
    ]

    class Retry(Message):
        """Try again."""

    class GiveUp(Message):
        """Stop trying and close."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.failed = False
        self.typed = EarlyTyping()
        """What the shell gets once it is there."""
        self._head = Content("")
        self._failure: SSHDashError | None = None
        self._keys = ""
        self._steps: Sequence[Step] = ()

    def show_attempt(self, host: str, route: str) -> None:
        """Show that a shell is being opened."""
        self.failed = False
        self._failure = None
        self._steps = ()
        lead = Content.styled("◌ ", "$warning")
        words = Content.styled(f"Opening a shell on {host}", "bold $foreground")
        way = Content.styled(f"\n  {route}", "$muted") if route else Content("")
        self._head = Content.assemble(lead, words, way)
        self._keys = "Esc  cancel"
        self._draw()

    def show_failure(self, error: SSHDashError) -> None:
        """Show what went wrong and what to do, above the steps that led there."""
        self.failed = True
        self.typed.forget()
        self._failure = error
        self._keys = "Enter  try again     l  timeline     Esc  close"
        self._draw()

    def show_steps(self, steps: Sequence[Step]) -> None:
        """Show how far it came."""
        if steps != self._steps:
            self._steps = steps
            self._draw()

    @property
    def takes_every_key(self) -> bool:
        """Whether keys are for the remote."""
        return not self.failed

    def on_key(self, event: events.Key) -> None:
        """Keep a key for the shell, but those that give it up."""
        if self.takes_every_key and event.key not in ("escape", "ctrl+c"):
            self._keep(event)

    def on_paste(self, event: events.Paste) -> None:
        """Keep what is pasted for the shell."""
        if self.takes_every_key:
            self._keep(event)

    def _keep(self, event: events.Key | events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if not self.typed.keep(event):
            self.app.bell()
        self._draw()

    def forget_typed(self) -> None:
        """Keep nothing of what was typed so far."""
        if self.typed:
            self.typed.forget()
            self._draw()

    def on_resize(self) -> None:
        """Give the columns the room there is."""
        self._draw()

    def action_retry(self) -> None:
        """Ask for another attempt, once one has failed."""
        if self.failed:
            self.post_message(self.Retry())

    def action_give_up(self) -> None:
        """Ask to close."""
        self.post_message(self.GiveUp())

    def _draw(self) -> None:
        text = self._text(self._steps)
        if self._is_too_tall(text):
            kept = shortened(self._steps)
            while self._is_too_tall(text := self._text(kept)) and len(kept) > _FEWEST:
                kept = kept[1:]
        self.update(text)

    def _text(self, steps: Sequence[Step]) -> Content:
        width = min(self.content_size.width or 80, _WIDEST)
        parts = [self._head]
        if (error := self._failure) is not None:
            parts = [failure_text(error.title, error.detail, error.hint, width)]
        if steps:
            parts.append(steps_text(steps, width))
        waiting = f"     {count_text(len(self.typed), 'key')} for the shell" if self.typed else ""
        parts.append(Content.styled(self._keys + waiting, "$muted"))
        return Content("\n\n").join(parts)

    def _is_too_tall(self, text: Content) -> bool:
        width, height = self.content_size
        lines = text.split("\n")
        return 0 < height < sum(max(1, -(-line.cell_length // max(width, 1))) for line in lines)
