"""Passwords, passphrases and the prompts of keyboard-interactive."""

from collections.abc import Iterable

from textual import events, on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input

from sshdash.prompts import SecretAnswer, SecretQuestion
from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.ticks import Tick


class SecretDialog(Dialog[tuple[str, ...]]):
    """Asks for one or more lines; what must not be seen is not shown."""

    AUTO_FOCUS = "Input"

    def __init__(self, question: SecretQuestion) -> None:
        super().__init__(f"{question.host}: {question.title}" if question.host else question.title)
        self.question = question

    def body(self) -> Iterable[Widget]:
        """Return the instructions and one field per prompt."""
        question = self.question
        if question.attempt > 1:
            yield text(f"That was not accepted. Attempt {question.attempt}.", "alert")
        if question.instructions:
            yield text(question.instructions, "instructions")
        for prompt in question.prompts:
            yield Vertical(
                text(prompt.text, "prompt"),
                Input(password=not prompt.echo, compact=True, classes="answer"),
                classes="question",
            )
        if question.can_save:
            yield Tick(Content("Save in the system keyring"), compact=True)

    def buttons(self) -> Iterable[Button]:
        """Return cancel and send."""
        return choice("Cancel", "cancel"), choice("Send", "send", "primary")

    def on_choice(self, name: str) -> None:
        """Answer with what was typed."""
        save = any(box.value for box in self.query(Tick))
        self.dismiss(SecretAnswer((field.value for field in self.query(Input)), save))

    @on(events.DescendantFocus)
    def _show_prompt(self, event: events.DescendantFocus) -> None:
        """Bring into sight what the field asks for: by itself, the focus only shows the field."""
        field = event.widget.parent
        if isinstance(field, Vertical) and field.has_class("question"):
            body = self.query_one(".dialog-body")
            self.call_after_refresh(body.scroll_to_widget, field, animate=False)

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        fields = list(self.query(Input))
        place = fields.index(event.input)
        if place + 1 < len(fields):
            fields[place + 1].focus()
        else:
            self.on_choice("send")
