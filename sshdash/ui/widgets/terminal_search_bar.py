"""The line at the bottom of a terminal in which one types what to search for."""

from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from sshdash.terminal.pattern import LONGEST
from sshdash.ui.widgets.terminal_finder import Query

_ROOMY = 60
"""Columns from which on there is room for words."""
_NARROW = 24
"""Columns below which there is room for the field and the count, and for nothing else."""
_FIELD = 3
"""Columns of the field at least."""
_SHORTER = {"not found": ("none", "0"), "too slow, stopped": ("too slow", "slow")}


class SearchField(Input):
    """What is searched for."""

    hints: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Enter ↑", "Match up"),
        ("↓", "Match down"),
        ("alt+r", "Regex"),
        ("Esc", "Back"),
    )
    """The keys that are none of its letters, and what they do."""


class SearchBar(Horizontal):
    """Asks for a text or a regular expression; shows how many places match."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False),
        Binding("shift+enter,down", "step(False)", "Below", show=False),
        Binding("up", "step(True)", "Above", show=False),
        Binding("alt+r,ctrl+r", "regex", "Regex", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    class Typed(Message):
        """Something else is to be searched for."""

        def __init__(self, query: Query) -> None:
            super().__init__()
            self.query = query

    class Stepped(Message):
        """Another match is wanted: the next one up, or down."""

        def __init__(self, upwards: bool) -> None:
            super().__init__()
            self.upwards = upwards

    class Submitted(Message):
        """Enter was pressed."""

    class Paged(Message):
        """Other pages are to be seen."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    class Left(Message):
        """Escape was pressed."""

    def __init__(self, query: Query, sign: str = "/") -> None:
        super().__init__()
        self._sign = sign
        self.query_typed = query
        """What is in the field."""
        self._status = ("", False)
        self._composed = False

    def compose(self) -> ComposeResult:
        """Lay out the field between its sign and what was found."""
        yield Static(self._sign, id="search-sign", markup=False)
        yield SearchField(
            self.query_typed.text,
            placeholder="search: Enter up, ↓ down, Esc back",
            compact=True,
            max_length=LONGEST,
        )
        yield Static("", id="search-status", markup=False)
        yield Static("", id="search-regex", markup=False)

    def on_mount(self) -> None:
        """Take the focus, with what was searched for last ready to be typed over."""
        self._composed = True
        self._show_regex()
        self.show_status(*self._status)
        self.take_focus()

    def on_resize(self) -> None:
        """Say in full what is searched for, and what was found, where there is room."""
        if self._composed:
            self.set_class(self.size.width < _NARROW, "-narrow")
            self._show_regex()
            self.show_status(*self._status)

    def take_focus(self) -> None:
        """Have the typing go here, once there is a field."""
        if self._composed:
            self.query_one(Input).focus()

    def take_key(self, event: events.Key) -> bool:
        """Take a key that came to the terminal while the focus was on its way here, if it can."""
        if self._composed:
            self.query_one(Input)._forward_event(events.Key(event.key, event.character))
        return self._composed

    def show_status(self, words: str, wrong: bool = False) -> None:
        """Show how many places match, or what is wrong with the expression."""
        self._status = (words, wrong)
        if self._composed:
            status = self.query_one("#search-status", Static)
            status.update(Content(self._fitting(words, wrong)))
            status.set_class(wrong, "-wrong")

    def _fitting(self, words: str, wrong: bool) -> str:
        """Return as much of the status as can be read beside the field."""
        width = self.size.width
        if width >= _NARROW:
            return words
        room = width - cell_len(self._sign) - _FIELD - 1
        count = words.partition(" ")[0]
        shorter = ("wrong", "!") if wrong else (count, count.partition("/")[0])
        forms = (words, *_SHORTER.get(words, shorter))
        return next((one for one in forms if cell_len(one) <= room), forms[-1])

    def _show_regex(self) -> None:
        toggle = self.query_one("#search-regex", Static)
        words = ".* regex" if self.query_typed.regex else "Aa text"
        toggle.update(Content(words if self.size.width >= _ROOMY else words[:2]))
        toggle.set_class(self.query_typed.regex, "-on")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Keep clicks from the terminal."""
        event.stop()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Keep clicks from the terminal."""
        event.stop()

    def on_click(self, event: events.Click) -> None:
        """Switch between text and regular expression by a click on the word."""
        event.stop()
        if event.widget is not None and event.widget.id == "search-regex":
            self.action_regex()

    def action_leave(self) -> None:
        """Go back."""
        self.post_message(self.Left())

    def action_step(self, upwards: bool) -> None:
        """Go to another match."""
        self.post_message(self.Stepped(upwards))

    def action_page(self, pages: int) -> None:
        """Look around without leaving the bar."""
        self.post_message(self.Paged(pages))

    def action_regex(self) -> None:
        """Switch between text and regular expression."""
        self.query_typed = self.query_typed._replace(regex=not self.query_typed.regex)
        self._show_regex()
        self.post_message(self.Typed(self.query_typed))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self.query_typed.text:
            self.query_typed = self.query_typed._replace(text=event.value)
            self.post_message(self.Typed(self.query_typed))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted())
