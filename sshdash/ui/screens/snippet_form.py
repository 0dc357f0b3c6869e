"""The values of a snippet, with what it types below as they are filled in."""

from collections.abc import Iterable

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from sshdash.snippets import Snippet
from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.untrusted import clean, clean_lines

_LINES = 12


class SnippetForm(Dialog[tuple[str, bool]]):
    """Answers the text, and whether to run it. Enter in the last field does what was asked for."""

    AUTO_FOCUS = "Input"

    def __init__(self, snippet: Snippet, where: str, run: bool) -> None:
        super().__init__(clean(snippet.name, 60))
        self._snippet = snippet
        self._where = where
        self._run = run

    def body(self) -> Iterable[Widget]:
        """Return a field for each value above the preview."""
        for name in self._snippet.places:
            value = self._snippet.values.get(name, "")
            field = Input(value, compact=True, name=name, classes="field")
            yield Horizontal(text(name, "field-label"), field, classes="field-row")
        yield Static(classes="snippet-preview", markup=False)

    def buttons(self) -> Iterable[Button]:
        """Return cancel, and both ways to use it; the one asked for stands out."""
        yield choice("Cancel", "cancel")
        yield choice("Insert", "insert", "" if self._run else "primary")
        yield choice("Run", "run", "primary" if self._run else "")

    def on_mount(self) -> None:
        """Show what the values there are come to."""
        self._preview()

    @property
    def filled(self) -> str:
        """Return the text with the values as they are now."""
        values = {field.name or "": field.value for field in self.query(Input)}
        return self._snippet.fill(values)

    def on_choice(self, name: str) -> None:
        """Answer."""
        self.dismiss((self.filled, name == "run"))

    @on(Input.Changed)
    def _preview(self) -> None:
        words = f"{clean_lines(self.filled, _LINES)}\n→ {self._where}"
        self.query_one(".snippet-preview", Static).update(Content(words))

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        fields = list(self.query(Input))
        if event.input is fields[-1]:
            self.dismiss((self.filled, self._run))
        else:
            fields[fields.index(event.input) + 1].focus()
