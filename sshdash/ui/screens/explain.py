"""Which line of ssh_config set each value of a host, and what to be warned of."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from sshdash.config.advice import Advice
from sshdash.ui.explanation import Explanation, Value, short_path
from sshdash.ui.format import hanging
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.theme import Mark

_SCROLLBAR = 2
"""Cells that the scrollbar may take."""


class ExplainScreen(Overlay[None]):
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
                yield Static(id="explain-text", markup=False)

    def on_mount(self) -> None:
        """Draw it."""
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Give the values the room there is."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        width = self.query_one("#explain-body").content_size.width - _SCROLLBAR
        text = explain_text(self.explanation, width)
        self.query_one("#explain-text", Static).update(text)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#explain-body").scroll_relative(y=lines, animate=False)


def explain_text(explanation: Explanation, columns: int) -> Content:
    """Return the whole explanation as lines."""
    return Content("\n").join(_lines(explanation, columns))


def _lines(explanation: Explanation, columns: int) -> Iterator[Content]:
    if explanation.advices:
        yield Content.styled("Warnings", "bold $accent")
        for advice in explanation.advices:
            yield from _warning(advice, columns)
        yield Content("")
    everything = [
        *explanation.defaults,
        *(one for group in explanation.groups for one in group.values),
    ]
    width = max((len(value.keyword) for value in everything), default=0)
    for group in explanation.groups:
        yield Content.assemble(
            Content.styled(group.block, "bold $accent"), Content.styled(f"  {group.file}", "$faint")
        )
        for value in group.values:
            yield from _value(value, width, columns)
        yield Content("")
    yield Content.styled("Defaults", "bold $accent")
    for value in explanation.defaults:
        yield _row("", value, width, "$muted", columns)


def _warning(advice: Advice, columns: int) -> Iterator[Content]:
    mark = Mark.DEGRADED
    shape = Content.styled(f"{mark.shape:>4} ", f"${mark.colour}")
    yield hanging(shape, advice.text, "$foreground", columns)
    indent = Content(" " * shape.cell_length)
    if advice.origin.file:
        place = f"{short_path(advice.origin.file)}:{advice.origin.line}"
        yield hanging(indent, place, "$faint", columns)
    if advice.hint:
        arrow = Content.assemble(indent, Content.styled("→ ", "$muted"))
        yield hanging(arrow, advice.hint, "$muted", columns)


def _value(value: Value, width: int, columns: int) -> Iterator[Content]:
    yield _row(str(value.line or ""), value, width, "bold $foreground", columns)
    if value.no_effect:
        indent = Content(" " * (width + 8))
        yield hanging(indent, f"without effect here: {value.no_effect}", "$muted", columns)
    for text, place in value.lost:
        yield Content.assemble(
            Content.styled(f"{'':>6}{'came too late':>{width}}  ", "$warning"),
            Content.styled(text, "$muted"),
            Content.styled(f"  {place}", "$faint"),
        )


def _row(line: str, value: Value, width: int, style: str, columns: int) -> Content:
    lead = Content.assemble(
        Content.styled(f"{line:>4}  ", "$faint"),
        Content.styled(f"{value.keyword:<{width}}  ", "$muted"),
    )
    return hanging(lead, value.value, style, columns)
