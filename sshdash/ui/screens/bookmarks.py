"""The bookmarks of the file panes: go to one, keep the folder, take one away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType

from sshdash.sftp.bookmarks import Bookmarks
from sshdash.sftp.history import Spot
from sshdash.ui.screens.picker import Choice, ChoiceList, PickerFrame
from sshdash.untrusted import clean

ADD = "add"
"""The answer that keeps the folder of the pane."""


@dataclass(frozen=True, slots=True)
class BookmarkAnswer:
    """What is to be done."""

    chosen: Spot | str = ""
    """The bookmark to go to, or `ADD`."""
    removed: Spot | None = None


class BookmarkPicker(PickerFrame[BookmarkAnswer]):
    """All bookmarks, those of the pane's endpoint first; `here` is what may be kept as one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,ctrl+d", "remove", "Remove", show=False, priority=True)
    ]

    def __init__(self, bookmarks: Bookmarks, endpoint: str, here: Spot | None) -> None:
        own = [Spot(endpoint, folder) for folder in bookmarks.get(endpoint, ())]
        others = [
            Spot(host, folder)
            for host, folders in bookmarks.items()
            for folder in folders
            if host != endpoint
        ]
        self._spots = {str(number): spot for number, spot in enumerate((*own, *others))}
        addable = here is not None and here not in own
        choices = [*self._lines(endpoint), *([_keep(here)] if addable and here else [])]
        super().__init__("Bookmarks", choices, "Enter goes there, Del removes it")

    def _lines(self, endpoint: str) -> Iterator[Choice]:
        for number, spot in self._spots.items():
            label = clean(spot.endpoint) or "local"
            title = clean(spot.path, 400)
            yield Choice(number, title if spot.endpoint == endpoint else f"{label}:{title}")

    def answer(self, picked: str) -> BookmarkAnswer:
        """Return what to do with the choice that was picked."""
        return BookmarkAnswer(ADD if picked == ADD else self._spots[picked])

    def action_remove(self) -> None:
        """Take the bookmark under the cursor away."""
        current = self.query_one(ChoiceList).current
        if current is not None and current.id in self._spots:
            self.dismiss(BookmarkAnswer(removed=self._spots[current.id]))


def _keep(here: Spot) -> Choice:
    return Choice(ADD, "Keep this folder", clean(here.path, 400), key="+")
