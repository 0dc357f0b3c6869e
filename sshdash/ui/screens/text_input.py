"""One line of text: a name, a path."""

from collections.abc import Callable, Iterable

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from sshdash.ui.screens.dialog import Dialog, choice, text


class TextInputDialog(Dialog[str]):
    """Asks for a line; `check` returns what is wrong with it, an empty string for nothing."""

    AUTO_FOCUS = "Input"

    def __init__(
        self,
        title: str,
        label: str,
        *,
        value: str = "",
        action: str = "OK",
        check: Callable[[str], str] = lambda _: "",
        select_stem: bool = False,
    ) -> None:
        super().__init__(title)
        self._label = label
        self._value = value
        self._action = action
        self._check = check
        self._select_stem = select_stem

    def body(self) -> Iterable[Widget]:
        """Return the field below what it is for, and the line for what is wrong."""
        yield text(self._label, "field-label")
        yield Input(self._value, compact=True, classes="field", select_on_focus=False)
        yield Static(classes="field-problem", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Return cancel and the action."""
        return choice("Cancel", "cancel"), choice(self._action, "accept", "primary")

    def on_mount(self) -> None:
        """Select what is there, so that typing replaces it; of a file's name not the suffix."""
        field = self.query_one(Input)
        stem, dot, _ = self._value.rpartition(".")
        end = len(stem) if self._select_stem and dot and stem else len(self._value)
        field.selection = type(field.selection)(0, end)

    def on_choice(self, name: str) -> None:
        """Answer the text."""
        self._accept()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(".field-problem", Static).update("")

    def _accept(self) -> None:
        value = self.query_one(Input).value
        if problem := self._check(value):
            self.query_one(".field-problem", Static).update(Content(problem))
            self.query_one(Input).focus()
        else:
            self.dismiss(value)
