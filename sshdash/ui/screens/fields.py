"""A few lines of text with their labels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.ticks import Tick


@dataclass(frozen=True, slots=True)
class Field:
    """One line that is asked for."""

    label: str
    value: str = ""
    placeholder: str = ""
    disabled: bool = False


Filled = tuple[tuple[str, ...], bool]
"""What was typed, and whether the box is ticked."""


class FieldsDialog(Dialog[Filled]):
    """Asks for several lines; `check` returns what is wrong with them, empty for nothing."""

    AUTO_FOCUS = "Input"

    def __init__(
        self,
        title: str,
        lead: str,
        fields: Sequence[Field],
        *,
        action: str,
        tick: str = "",
        ticked: bool = True,
        check: Callable[[tuple[str, ...]], str] = lambda _: "",
    ) -> None:
        super().__init__(title)
        self._lead = lead
        self._fields = fields
        self._action = action
        self._tick = tick
        self._ticked = ticked
        self._check = check

    def body(self) -> Iterable[Widget]:
        """Return the fields below what they are for."""
        yield text(self._lead, "lead")
        for field in self._fields:
            yield Horizontal(
                text(field.label, "field-label"),
                Input(
                    field.value,
                    compact=True,
                    classes="field",
                    placeholder=field.placeholder,
                    disabled=field.disabled,
                ),
                classes="field-row",
            )
        if self._tick:
            yield Tick(self._tick, self._ticked, compact=True)
        yield Static(classes="field-problem", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Return cancel and the action."""
        return choice("Cancel", "cancel"), choice(self._action, "accept", "primary")

    def on_choice(self, name: str) -> None:
        """Answer what was typed."""
        self._accept()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(".field-problem", Static).update("")

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._accept()

    def _accept(self) -> None:
        values = tuple(field.value for field in self.query(Input))
        if problem := self._check(values):
            self.query_one(".field-problem", Static).update(Content(problem))
            self.query(Input).first().focus()
        else:
            ticked = self.query_one(Tick).value if self._tick else False
            self.dismiss((values, ticked))
