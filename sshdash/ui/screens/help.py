"""Help of the place where the person is: its keys first, then those that work everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from sshdash.ui.format import hanging
from sshdash.ui.screens.overlay import Overlay


@dataclass(frozen=True, slots=True)
class HelpSection:
    """Keys under a heading."""

    title: str
    rows: tuple[tuple[str, str], ...]
    """Keys, and what they do."""
    note: str = ""


class HelpScreen(Overlay[None]):
    """Lists keys in sections; Escape, q or ? closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "close", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, place: str, sections: Sequence[HelpSection]) -> None:
        super().__init__()
        self.place = place
        self.sections = tuple(sections)

    def compose(self) -> ComposeResult:
        """Lay out the sections one below the other."""
        with Vertical(classes="sheet") as frame:
            frame.border_title = Content(f" Help: {self.place} ")
            frame.border_subtitle = Content(" Esc closes ")
            with VerticalScroll(id="help-body"):
                yield Static(markup=False)

    def on_resize(self) -> None:
        """Fit the words, which go on below their own where there is little room."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        body = self.query_one("#help-body")
        self.query_one(Static).update(self._text(body.scrollable_content_region.width))

    def _text(self, columns: int) -> Content:
        width = max((len(keys) for one in self.sections for keys, _ in one.rows), default=0)
        lines: list[Content] = []
        for section in self.sections:
            if lines:
                lines.append(Content(""))
            lines.append(Content.styled(section.title, "bold $accent"))
            if section.note:
                lines.append(Content.styled(section.note, "$muted"))
            for keys, words in section.rows:
                lead = Content.styled(f"  {keys:<{width}}  ", "bold $foreground")
                lines.append(hanging(lead, words, "$muted", columns))
        return Content("\n").join(lines)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#help-body").scroll_relative(y=lines, animate=False)
