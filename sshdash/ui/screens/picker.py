"""Type part of a name, get what matches best: the frame of the palette and the host switcher."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.strip import Strip
from textual.widgets import Input

from sshdash.ui.format import clip
from sshdash.ui.fuzzy import match
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.theme import Mark
from sshdash.ui.widgets.row_list import Piece, RowList, strip_of

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Choice:
    """One line to pick; the texts are cleaned."""

    id: str
    title: str
    note: str = ""
    """Beside the title, muted."""
    key: str = ""
    """At the right end."""
    mark: Mark | None = None
    enabled: bool = True


class ChoiceList(RowList):
    """The choices that match, best first; `otherwise` stands in their place where none does."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "choice--match",
        "choice--note",
        "choice--key",
        "choice--off",
        "choice--faint",
        "choice--success",
        "choice--warning",
        "choice--error",
    }

    def __init__(self, choices: Sequence[Choice], otherwise: str = "nothing matches") -> None:
        super().__init__()
        self._otherwise = otherwise
        self._all = tuple(choices)
        self._shown: list[Choice] = list(choices)
        self._matches: dict[str, frozenset[int]] = {}
        self._title_width = min(max((cell_len(one.title) for one in choices), default=0), 36)

    def filter(self, text: str) -> None:
        """Show what matches `text`, what it names first; for an empty one all, in its own order."""
        self._matches = {}
        if text:
            scored = []
            for one in self._all:
                if found := match(text, one.title):
                    self._matches[one.id] = frozenset(found.places)
                    scored.append((found.score, one))
            scored.sort(key=lambda pair: (not pair[1].enabled, pair[1].id != text, -pair[0]))
            self._shown = [one for _, one in scored]
        else:
            self._shown = list(self._all)
        self.cursor = 0
        self.reset_lines()

    def go_to(self, choice: str) -> None:
        """Put the cursor on a choice, where it is shown."""
        ids = [one.id for one in self._shown]
        if choice in ids:
            self.cursor = ids.index(choice)

    @property
    def current(self) -> Choice | None:
        """Return the choice under the cursor."""
        return self._shown[self.cursor] if self._shown else None

    @property
    def titles(self) -> list[str]:
        """Return the titles in the order shown."""
        return [one.title for one in self._shown]

    def item_count(self) -> int:
        """Return how many match."""
        return len(self._shown)

    def render_line(self, y: int) -> Strip:
        """Draw one line; where nothing matches, the first says so."""
        if self._shown or y:
            return super().render_line(y)
        width = self.size.width
        words = f" {clip(self._otherwise, width - 1)}"
        return strip_of([(words, self.look("choice--note"))], width, self.rich_style)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return a choice on a line: mark, title, note, key."""
        one = self._shown[line]
        key = f" {one.key} " if one.key else " "
        mark = f" {one.mark.shape} " if one.mark else " "
        room = width - cell_len(key) - cell_len(mark)
        title = clip(one.title, room)
        pad = max(self._title_width - cell_len(title), 0) + 2
        note = clip(one.note, room - cell_len(title) - pad)
        gap = max(room - cell_len(title) - (pad + cell_len(note) if note else 0), 0)
        off = Style.null() if one.enabled else self.look("choice--off")
        return [
            (mark, self.look(f"choice--{one.mark.colour}") if one.mark else Style.null()),
            *self._title_pieces(one, title, off),
            (" " * pad + note if note else "", self.look("choice--note")),
            (" " * gap, Style.null()),
            (key, self.look("choice--key")),
        ]

    def _title_pieces(self, one: Choice, title: str, off: Style) -> list[Piece]:
        matched = self._matches.get(one.id, frozenset())
        hit = self.look("choice--match")
        return [(char, hit if place in matched else off) for place, char in enumerate(title)]


class PickerFrame(Overlay[Answer]):
    """A field and the choices that match it; answers what `answer` makes of one, or None.

    What matches nothing may be an answer too, where `free` is true: the text itself. The cursor
    begins on the choice `first`, where there is one of that id.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False),
        Binding("down,ctrl+n", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        placeholder: str,
        free: bool = False,
        first: str | None = None,
    ) -> None:
        super().__init__()
        self.title_text = title
        self.choices = tuple(choices)
        self.placeholder = placeholder
        self.free = free
        self.first = first

    def answer(self, picked: str) -> Answer:
        """Return what is answered where a choice of this id, or this text, is picked."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Lay out the field above the list."""
        with Vertical(classes="picker") as frame:
            frame.border_title = Content(f" {self.title_text} ")
            yield Input(placeholder=self.placeholder, compact=True, classes="picker-field")
            yield self.list_of_choices()

    def list_of_choices(self) -> ChoiceList:
        """Return the list, which never has the focus."""
        more = " · Enter takes what is typed" if self.free else ""
        choices = ChoiceList(self.choices, f"nothing matches{more}")
        choices.can_focus = False
        return choices

    def on_mount(self) -> None:
        """Begin where that is wanted."""
        if self.first is not None:
            self.query_one(ChoiceList).go_to(self.first)

    def action_cancel(self) -> None:
        """Pick nothing."""
        self.dismiss(None)

    def action_move(self, delta: int) -> None:
        """Move the cursor of the list while the field keeps the focus."""
        self.query_one(ChoiceList).cursor += delta

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.query_one(ChoiceList).filter(event.value.strip())

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        current = self.query_one(ChoiceList).current
        if current is not None:
            self.dismiss(self.answer(current.id))
        elif self.free and event.value.strip():
            self.dismiss(self.answer(event.value.strip()))

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()

    @on(RowList.Chosen)
    def _chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        if current := self.query_one(ChoiceList).current:
            self.dismiss(self.answer(current.id))


class Picker(PickerFrame[str]):
    """Answers the id of the choice, or the text."""

    def answer(self, picked: str) -> str:
        """Return the id, or the text, itself."""
        return picked
