"""A copy whose target exists: both sides beside each other, and what to do."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button

from sshdash.prompts import ConflictAnswer, ConflictChoice, ConflictQuestion
from sshdash.ui.format import count_text, number_text, size_text
from sshdash.ui.screens.dialog import Dialog, choice, text
from sshdash.ui.widgets.file_row_text import shorten_middle
from sshdash.ui.widgets.ticks import Tick
from sshdash.untrusted import clean, local_time


class ConflictScreen(Dialog[ConflictAnswer]):
    """Overwrite, skip, keep both or go on with it; Escape cancels the whole job."""

    AUTO_FOCUS = "Button.-safe"
    ENTERS = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "choose('overwrite')", "Overwrite", show=False),
        Binding("n", "choose('newer')", "Overwrite if newer", show=False),
        Binding("s", "choose('skip')", "Skip", show=False),
        Binding("r", "choose('resume')", "Resume", show=False),
        Binding("k", "choose('rename')", "Keep both", show=False),
        Binding("a", "all", "For all", show=False),
    ]

    def __init__(self, question: ConflictQuestion) -> None:
        kind = "folder" if question.is_directory else "file"
        super().__init__(f"The {kind} exists already")
        self.question = question

    def body(self) -> Iterable[Widget]:
        """Return the two sides and the question whether this goes for all."""
        asked = self.question
        yield text(_place_text(asked.target), "conflict-name")
        yield self._side("there", asked.target_size, asked.target_time, asked.source_time)
        yield self._side("new", asked.source_size, asked.source_time, asked.target_time)
        yield text(f"from {_place_text(asked.source)}", "conflict-source")
        if asked.more != 0:
            label = "for all the rest of this copy"
            if asked.more:
                label = f"also for the {count_text(asked.more, 'other')}"
            yield Tick(Content(label), compact=True, classes="conflict-all")

    def buttons(self) -> Iterable[Button]:
        """Return the choices, the one that loses nothing first."""
        keep = choice("Keep both", "rename", "primary")
        keep.add_class("-safe")
        resume = [choice("Resume", "resume")] if self.question.can_resume else []
        return (
            keep,
            choice("Skip", "skip"),
            choice("If newer", "newer"),
            *resume,
            choice("Overwrite", "overwrite", "danger"),
            choice("Cancel", "cancel"),
        )

    def on_mount(self) -> None:
        """Name the keys."""
        resume = "r resume  " if self.question.can_resume else ""
        for_all = "" if self.question.more == 0 else "  a all"
        keys = f" k both  s skip  n newer  {resume}o overwrite{for_all}  Esc cancels "
        self.query_one(".dialog").border_subtitle = Content(keys)

    def on_choice(self, name: str) -> None:
        """Answer."""
        for_all = any(tick.value for tick in self.query(Tick))
        self.dismiss(ConflictAnswer(ConflictChoice(name), for_all))

    def action_choose(self, name: str) -> None:
        """Answer with a key, where that is offered."""
        if name != ConflictChoice.RESUME.value or self.question.can_resume:
            self.on_choice(name)

    def action_all(self) -> None:
        """Toggle whether the answer goes for all that follow."""
        for tick in self.query(Tick):
            tick.toggle()

    def _side(self, label: str, size: int, when: float, other: float) -> Horizontal:
        age = "newer" if when > other + 1 else ""
        if label == "new" and abs(when - other) <= 1:
            age = "same time" if int(when) == int(other) else "1 s apart"
        length = "" if self.question.is_directory else size_text(size)
        exact = "" if self.question.is_directory or size < 1000 else f"{number_text(size)} B"
        return Horizontal(
            text(label, "conflict-label"),
            text(length, "conflict-size"),
            text(exact, "conflict-exact"),
            text(local_time(when), "conflict-time"),
            text(age, "conflict-newer"),
            classes="conflict-side",
        )


def _place_text(place: str) -> str:
    """Return where a file is, on two lines at most; the end of a long path has its name."""
    return shorten_middle(clean(place, 4096), 132)
