"""A small text file to edit on this screen."""

import re
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import TextArea

from sshdash.prompts import ConfirmQuestion
from sshdash.ui.screens.confirm import ConfirmDialog
from sshdash.ui.screens.overlay import Overlay


class TextEditor(Overlay[str]):
    """Answers the text where it is to be saved, None where it is not."""

    AUTO_FOCUS = "TextArea"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,f2", "save", "Save", show=False, priority=True),
        Binding("escape", "leave", "Close", show=False, priority=True),
    ]

    def __init__(self, title: str, text: str, before: str | None = None) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._before = text if before is None else before
        """What is saved already: the text may be an edit that is gone on with."""

    def compose(self) -> ComposeResult:
        """Lay out the text in a frame."""
        with Vertical(classes="viewer") as frame:
            frame.border_title = Content(f" {self._title} ")
            yield TextArea(
                self._text,
                show_line_numbers=True,
                soft_wrap=False,
                compact=True,
                tab_behavior="indent",
                highlight_cursor_line=True,
            )

    def on_mount(self) -> None:
        """Tell the keys."""
        self._describe()

    def on_text_area_changed(self) -> None:
        """Tell that there is something to save."""
        self._describe()

    def action_save(self) -> None:
        """Answer the text; as it was, there is nothing to save."""
        text = self.query_one(TextArea).text
        self.dismiss(text if text != self._before else None)

    def action_leave(self) -> None:
        """Go, after asking where something was typed."""
        if self.app.screen is not self:
            return
        if self.query_one(TextArea).text == self._before:
            self.dismiss(None)
            return
        question = ConfirmQuestion("Discard what you typed?", "The file stays as it is.", "Discard")
        self.app.push_screen(ConfirmDialog(question), self._discard)

    def _discard(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)

    def _describe(self) -> None:
        changed = "changed" if self.query_one(TextArea).text != self._before else "as it was"
        words = f" {changed}   ctrl+s saves  Esc closes "
        self.query_one(".viewer").border_subtitle = Content(words)


def why_not_here(data: bytes) -> str:
    """Return why a file cannot be edited here without harm, an empty text where it can."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    if any(not char.isprintable() and char not in "\n\r\t" for char in text):
        return "it holds control characters"
    ends = set(re.findall("\r\n|\n|\r", text))
    return "its lines end in different ways" if len(ends) > 1 else ""
