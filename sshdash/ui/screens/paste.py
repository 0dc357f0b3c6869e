"""A paste whose lines would be run as they arrive: it is shown before it is sent."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button

from sshdash.ui.format import count_text
from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.untrusted import clean

SHOWN = 200
"""Lines that are shown."""
_WIDEST = 400
"""Characters of a line that are shown."""


class PasteDialog(Dialog[str]):
    """Shows what was pasted; the answer is the text to send. Enter pastes, Escape does not."""

    AUTO_FOCUS = ".-primary"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "one_line", "As one line", show=False),
    ]

    def __init__(self, pasted: str, detail: str) -> None:
        ended = with_line_feeds(pasted)
        self.count = ended.count("\n") + 1
        self.lines = ended.split("\n", SHOWN)[:SHOWN]
        super().__init__(f"Paste {count_text(self.count, 'line')}?")
        self.pasted = pasted
        self.detail = detail

    def body(self) -> Iterable[Widget]:
        """Return what happens, and the lines."""
        last = "the last too" if self.pasted.endswith(("\r", "\n")) else "but for the last"
        yield text(f"{self.detail}, {last}:", "lead")
        shown = [clean(line.expandtabs(8), _WIDEST) for line in self.lines]
        if self.count > SHOWN:
            shown.append(f"… {count_text(self.count - SHOWN, 'more line')}")
        yield VerticalScroll(text(Content("\n".join(shown))), classes="pasted", can_focus=False)

    def buttons(self) -> Iterable[Button]:
        """Return not to paste, the same without ends of lines, and to paste."""
        return (
            choice("Cancel", "cancel"),
            choice("As one line (o)", "one-line"),
            choice("Paste", "paste", "primary"),
        )

    def on_choice(self, name: str) -> None:
        """Answer with the text, whole or as one line."""
        if name == "paste":
            self.dismiss(self.pasted)
        else:
            self.action_one_line()

    def action_one_line(self) -> None:
        """Answer with the lines joined by spaces; none of them is run."""
        lines = with_line_feeds(self.pasted).split("\n")
        self.dismiss(" ".join(line.strip() for line in lines if line.strip()))

    def action_scroll_body(self, lines: int, pages: bool = False) -> None:
        """Scroll the lines."""
        body = self.query_one(".pasted")
        body.scroll_relative(y=lines * (body.size.height if pages else 1), animate=False)


def with_line_feeds(pasted: str) -> str:
    """Return a paste whose lines end as a terminal ends them: at CR, LF or both, but the last."""
    return pasted.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
