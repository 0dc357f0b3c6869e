"""The frame of every dialog: a title, a body, and buttons of which the safe one has the focus."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.widgets.ticks import Tick

Result = TypeVar("Result")

_NARROWEST, _AROUND_LABEL, _BETWEEN = 10, 4, 2
"""Columns of a button, of what surrounds its label, and between two, as in modals.tcss."""


class Buttons(Horizontal):
    """The buttons of a dialog, in two columns where one line does not hold them."""

    def on_resize(self, event: events.Resize) -> None:
        """Fold them, or put them beside each other again."""
        wanted = sum(
            max(_NARROWEST, cell_len(str(button.label)) + _AROUND_LABEL) + _BETWEEN
            for button in self.query(Button)
        )
        self.set_class(wanted > event.size.width, "-folded")


class Dialog(Overlay[Result]):
    """A question in the middle of the screen. Escape dismisses it, which answers None.

    A subclass gives the body and the buttons, and answers in `on_choice`.
    """

    CSS_PATH = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("up", "scroll_body(-1)", "Up", show=False),
        Binding("down", "scroll_body(1)", "Down", show=False),
        Binding("pageup", "scroll_body(-1, True)", "Page up", show=False),
        Binding("pagedown", "scroll_body(1, True)", "Page down", show=False),
    ]

    HOLDS_NEWS = True
    ENTERS: ClassVar[bool] = True
    """Whether Enter on a tick presses the primary button: not where it is one answer of many."""

    def __init__(self, title: str, *, danger: bool = False) -> None:
        super().__init__(classes="-danger" if danger else None)
        self.title_text = title
        self._withdrawn = False

    def compose(self) -> ComposeResult:
        """Lay out the frame around what the subclass gives."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = Content(f" {self.title_text} ")
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield from self.body()
            with Buttons(classes="dialog-buttons"):
                yield from self.buttons()

    def body(self) -> Iterable[Widget]:
        """Return what stands between the title and the buttons."""
        return ()

    def buttons(self) -> Iterable[Button]:
        """Return the buttons, the safe one first."""
        return (choice("Cancel", "cancel"),)

    def on_choice(self, name: str) -> None:
        """Answer: a button was pressed. Cancel is dealt with already."""

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        name = event.button.name or ""
        if name == "cancel":
            self.action_cancel()
        else:
            self.on_choice(name)

    @on(Tick.Submitted)
    def _enter(self, event: Tick.Submitted) -> None:
        """Do what the dialog is for, as in a field; tick where nothing is marked as that."""
        event.stop()
        if self.ENTERS and (buttons := self.query(Button).filter(".-primary")):
            buttons.first().press()
        else:
            event.tick.toggle()

    def action_cancel(self) -> None:
        """Dismiss the question."""
        self.dismiss(None)

    def action_scroll_body(self, lines: int, pages: bool = False) -> None:
        """Scroll what stands above the buttons, where it is taller than the screen."""
        body = self.query_one(".dialog-body")
        body.scroll_relative(y=lines * (body.size.height if pages else 1), animate=False)

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Answer and go. Only the screen on top can; a second key pressed in haste does nothing."""
        if self.app.screen is not self:
            return AwaitComplete()
        return super().dismiss(result)

    def withdraw(self) -> None:
        """Go without an answer: nobody waits for it any more. Beneath another screen, go later."""
        self._withdrawn = True
        self.dismiss(None)

    def on_screen_resume(self) -> None:
        """Go, if the question was withdrawn while another screen was above."""
        if self._withdrawn:
            self.dismiss(None)


def choice(label: str, name: str, style: str = "") -> Button:
    """Return a button of one line; `style` is ``primary`` or ``danger``."""
    classes = f"choice -{style}" if style else "choice"
    return Button(Content(label), name=name, classes=classes, compact=True)


def text(content: str | Content, classes: str = "") -> Static:
    """Return a paragraph that is never parsed as markup."""
    return Static(content, markup=False, classes=classes)


def fact(label: str, value: str | Content, classes: str = "") -> Horizontal:
    """Return a labelled line; the value may take several."""
    return Horizontal(
        text(label, "fact-label"), text(value, f"fact-value {classes}".strip()), classes="fact"
    )
