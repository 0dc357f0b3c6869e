"""Recent errors and notices, for whoever looked away when they came."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from sshdash.ui.notices import Notice

_LOOKS = {
    "error": ("✖", "$error"),
    "warning": ("▲", "$warning"),
    "information": ("●", "$muted"),
}


class LogScreen(ModalScreen[None]):
    """Lists the notices, newest first; Escape or q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, notices: Sequence[Notice]) -> None:
        super().__init__()
        self.notices = tuple(notices)

    def compose(self) -> ComposeResult:
        """Lay out the notices one below the other."""
        with Vertical(classes="sheet") as frame:
            frame.border_title = Content(" Messages ")
            frame.border_subtitle = Content(" Esc closes ")
            with VerticalScroll(id="log-body"):
                if not self.notices:
                    yield Static("Nothing went wrong so far.", markup=False, classes="empty")
                for notice in self.notices:
                    yield Static(_heading(notice), markup=False)
                    yield Static(_body(notice), markup=False, classes="notice-body")

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#log-body").scroll_relative(y=lines, animate=False)


def _heading(notice: Notice) -> Content:
    """Return the first line of a notice: time, mark, title."""
    shape, colour = _LOOKS[notice.severity]
    return Content.assemble(
        Content.styled(f"{notice.time:%H:%M:%S}  ", "$faint"),
        Content.styled(f"{shape} ", colour),
        Content.styled(notice.heading, "bold $foreground"),
    )


def _body(notice: Notice) -> Content:
    """Return what happened, then what to do next."""
    lines = [Content.styled(line, "$muted") for line in notice.detail.splitlines()]
    lines += [Content.styled(f"→ {line}", "$foreground") for line in notice.hint.splitlines()]
    return Content("\n").join(lines)
