"""Which line of ssh_config set each value of a host, and what to be warned of."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sshdash.ui.explanation import Explanation, Value
from sshdash.ui.theme import Mark


class ExplainScreen(ModalScreen[None]):
    """Lists warnings, values that were set, and defaults; Escape or q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i,enter", "close", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, explanation: Explanation) -> None:
        super().__init__()
        self.explanation = explanation

    def compose(self) -> ComposeResult:
        """Lay out one text in a sheet."""
        with Vertical(classes="sheet") as frame:
            frame.border_title = Content(f" ssh_config of {self.explanation.host} ")
            frame.border_subtitle = Content(" Esc closes ")
            with VerticalScroll(id="explain-body"):
                yield Static(explain_text(self.explanation), markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#explain-body").scroll_relative(y=lines, animate=False)


def explain_text(explanation: Explanation) -> Content:
    """Return the whole explanation as lines."""
    return Content("\n").join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[Content]:
    if explanation.advices:
        yield _heading("Warnings")
        mark = Mark.DEGRADED
        for advice in explanation.advices:
            shape = Content.styled(f"  {mark.shape} ", f"${mark.colour}")
            yield Content.assemble(shape, Content.styled(advice.text, "$foreground"))
            if advice.origin.file:
                yield Content.styled(f"    {advice.place}", "$faint")
            if advice.hint:
                yield Content.styled(f"    → {advice.hint}", "$muted")
        yield Content("")
    yield _heading("Set")
    for value in explanation.chosen:
        yield from _value(value)
    yield Content("")
    yield _heading("Defaults")
    for text in explanation.defaults:
        yield _pair(text, "$faint", "$muted")


def _heading(text: str) -> Content:
    return Content.styled(text, "bold $accent")


def _value(value: Value) -> Iterator[Content]:
    yield _pair(value.text, "$muted", "bold $foreground")
    yield Content.styled(f"      {value.place}", "$faint")
    for text, place in value.lost:
        yield Content.assemble(
            Content.styled("      without effect: ", "$warning"),
            Content.styled(text, "$muted"),
            Content.styled(f"  {place}", "$faint"),
        )


def _pair(text: str, keyword_style: str, value_style: str) -> Content:
    keyword, _, value = text.partition(" ")
    return Content.assemble(
        Content.styled(f"  {keyword} ", keyword_style), Content.styled(value, value_style)
    )
