"""Who may read, write and execute: nine boxes and the octal number, which follow each other."""

import stat
from collections.abc import Iterable, Sequence

from textual import events, on
from textual.containers import Grid, Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.ticks import Tick

_WHO = ("owner", "group", "others")
_WHAT = ("read", "write", "execute")
_LIMIT = 0o7777
_BELOW = "below"


class ChmodDialog(Dialog[tuple[int, bool]]):
    """Asks for permission bits; answers the whole mode, and whether it is for all below."""

    AUTO_FOCUS = "Tick"

    def __init__(self, names: str, modes: Sequence[int], folders: bool = False) -> None:
        """Begin with the first of `modes`; that they differ is told."""
        super().__init__("Permissions")
        self._names = names
        self.mode = modes[0] & _LIMIT
        self._differ = len({mode & _LIMIT for mode in modes}) > 1
        self._folders = folders

    def body(self) -> Iterable[Widget]:
        """Return the boxes and the number."""
        yield text(self._names, "chmod-names")
        if self._differ:
            yield text("Theirs differ; these are the first one's", "chmod-differ")
        cells: list[Widget] = [text("")]
        cells += [text(what, "chmod-head") for what in _WHAT]
        for row, who in enumerate(_WHO):
            cells.append(text(who, "chmod-who"))
            for column in range(len(_WHAT)):
                bit = 0o400 >> (3 * row + column)
                cells.append(Tick("", bool(self.mode & bit), name=str(bit), compact=True))
        yield Grid(*cells, classes="chmod-grid")
        yield Horizontal(
            text("octal", "chmod-who"),
            Input(self._octal(), compact=True, max_length=4, restrict="[0-7]*", classes="field"),
            text(self._letters(), "chmod-letters"),
            classes="chmod-number",
        )
        if self._folders:
            yield Tick("with everything below", False, name=_BELOW, compact=True)
            note = "Folders can be entered by whoever may read; links stay as they are"
            yield text(note, "chmod-note")

    def buttons(self) -> Iterable[Button]:
        """Return cancel and set."""
        return choice("Cancel", "cancel"), choice("Set", "set", "primary")

    def on_choice(self, name: str) -> None:
        """Answer the mode."""
        self._answer()

    def _answer(self) -> None:
        below = self._folders and self.query(Tick).last().value
        self.dismiss((self.mode, below))

    def on_key(self, event: events.Key) -> None:
        """Begin the number with a digit that is typed on a box."""
        if isinstance(self.focused, Tick) and event.character and event.character in "01234567":
            event.stop()
            field = self.query_one(Input)
            self.set_focus(field)
            field.post_message(events.Key(event.key, event.character))  # once all is selected

    @on(Tick.Changed)
    def _tick(self, event: Tick.Changed) -> None:
        event.stop()
        if event.checkbox.name == _BELOW:
            return
        bit = int(event.checkbox.name or "0")
        self.mode = self.mode | bit if event.value else self.mode & ~bit
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = self._octal()
        self._show_letters()

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        event.stop()
        self.mode = int(event.value or "0", 8) & _LIMIT
        for box in self.query_one(Grid).query(Tick):
            with box.prevent(Tick.Changed):
                box.value = bool(self.mode & int(box.name or "0"))
        self._show_letters()

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer()

    def _show_letters(self) -> None:
        self.query_one(".chmod-letters", Static).update(Content(self._letters()))

    def _octal(self) -> str:
        return f"{self.mode:03o}"

    def _letters(self) -> str:
        return stat.filemode(self.mode)[1:]
