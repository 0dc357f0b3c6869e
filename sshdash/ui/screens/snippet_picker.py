"""Pick a snippet by part of its name; what it would type is shown below."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from sshdash.snippets import Snippet
from sshdash.ui.screens.picker import Choice, ChoiceList, Picker
from sshdash.ui.widgets.row_list import RowList
from sshdash.untrusted import clean, clean_lines

RUN = "\0"
"""Stands before the answer where the snippet is to be run, not only inserted."""
_LINES = 8


class SnippetPicker(Picker):
    """Answers the name of a snippet, after `RUN` where it is to be run."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+r", "run", "Run", show=False)]

    def __init__(self, snippets: Sequence[Snippet], where: str) -> None:
        self._snippets = {one.name: one for one in snippets}
        self._where = where
        super().__init__("Snippets", [_choice(one) for one in snippets], "type part of a name")

    def compose(self) -> ComposeResult:
        """Lay out the preview below the list."""
        with Vertical(classes="picker") as frame:
            frame.border_title = Content(f" {self.title_text} ")
            frame.border_subtitle = Content(" Enter inserts · ctrl+r runs ")
            yield Input(placeholder=self.placeholder, compact=True, classes="picker-field")
            yield self.list_of_choices()
            yield Static(classes="snippet-preview", markup=False)

    def on_mount(self) -> None:
        """Show the first."""
        self._preview()

    @on(RowList.Moved)
    @on(Input.Changed)
    def _look(self) -> None:
        self.call_after_refresh(self._preview)

    def _preview(self) -> None:
        if not self.is_attached:
            return
        current = self.query_one(ChoiceList).current
        snippet = self._snippets.get(current.id) if current else None
        preview = self.query_one(".snippet-preview", Static)
        preview.display = snippet is not None
        if snippet is not None:
            words = clean_lines(snippet.run, _LINES)
            preview.update(Content(f"{words}\n→ {self._where}"))

    def action_run(self) -> None:
        """Answer the snippet under the cursor, to be run."""
        if current := self.query_one(ChoiceList).current:
            self.dismiss(f"{RUN}{current.id}")


def _choice(snippet: Snippet) -> Choice:
    places = " ".join(f"{{{name}}}" for name in snippet.places)
    note = " ".join(part for part in (clean(snippet.about, 80), places) if part)
    return Choice(snippet.name, clean(snippet.name, 40), note)
