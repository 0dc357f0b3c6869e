"""Find a file by part of its path: what matches best is at the top, also while more comes in."""

import asyncio
from collections.abc import Iterator, Sequence
from heapq import nlargest
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker

from sshdash.errors import SSHDashError
from sshdash.sftp.finding import Found, Search
from sshdash.ui.format import count_text, number_text
from sshdash.ui.fuzzy import match
from sshdash.ui.screens.overlay import Overlay
from sshdash.ui.widgets.file_row_text import shorten_start, sign_of, size_cell
from sshdash.ui.widgets.row_list import Piece, RowList
from sshdash.untrusted import clean

_MOST = 300
"""Matches that are listed: nobody reads on."""
_AT_ONCE = 400
"""Names that are ranked without a pause that anybody would notice."""
_AGAIN = 0.15
"""Seconds between two rankings while names come in."""


class FoundList(RowList):
    """The matches, best first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"choice--match", "choice--note", "choice--key"}

    def __init__(self) -> None:
        super().__init__()
        self.can_focus = False
        self._shown: list[tuple[str, Found]] = []
        self._query = ""

    def show(self, query: str, shown: list[tuple[str, Found]]) -> None:
        """Show these matches of a query; the cursor stays on its match of the same query."""
        at = self.current if query == self._query and self.cursor else None
        self._query, self._shown = query, shown
        places = [found.place for _, found in shown]
        kept = places.index(at.place) if at is not None and at.place in places else 0
        self.reset_lines()
        self.cursor = kept

    @property
    def current(self) -> Found | None:
        """Return the match under the cursor."""
        return self._shown[self.cursor][1] if self._shown else None

    @property
    def labels(self) -> list[str]:
        """Return the paths in the order shown."""
        return [label for label, _ in self._shown]

    def item_count(self) -> int:
        """Return how many there are."""
        return len(self._shown)

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return a match on a line: sign, path, size."""
        label, found = self._shown[line]
        size = f"  {size_cell(found.entry)} "
        room = width - cell_len(size) - 3
        text = shorten_start(label, room)
        matched = match(self._query, text) if self._query else None
        places = frozenset(matched.places) if matched else frozenset()
        hit, plain = self.look("choice--match"), self.look()
        return [
            (f" {sign_of(found.entry)} ", self.look("choice--key")),
            *((char, hit if place in places else plain) for place, char in enumerate(text)),
            (" " * (room - cell_len(text)), plain),
            (size, self.look("choice--note")),
        ]


class Finder(Overlay[bytes]):
    """A field and the paths that match it; answers one, relative to the folder, or None."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("up,ctrl+p", "move(-1)", "Up", show=False),
        Binding("down,ctrl+n", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
    ]

    def __init__(self, label: str, folder: bytes) -> None:
        super().__init__()
        self._where = f"{label}:{clean(folder, 400)}"
        self._all: list[tuple[str, Found]] = []
        self._ended: Search | None = None
        self._problem: SSHDashError | None = None
        self._matched: tuple[str, int, list[int]] = ("", 0, [])
        """The query that was ranked last, how many names were, and which of them matched."""
        self._ranking: Worker[None] | None = None
        self._fresh = False
        """Whether names came in that were not ranked."""

    def compose(self) -> ComposeResult:
        """Lay out the field above the list and the count."""
        with Vertical(classes="picker finder") as frame:
            frame.border_title = Content(f" Find below {shorten_start(self._where, 60)} ")
            yield Input(placeholder="part of a path", compact=True, classes="picker-field")
            yield FoundList()
            yield Static(classes="finder-foot", markup=False)

    def on_mount(self) -> None:
        """Rank what came in so far, and again as more comes."""
        self._rank()
        self.set_interval(_AGAIN, self._look_again)

    # What the search tells

    def add(self, found: list[Found]) -> None:
        """Take what was seen."""
        self._all += [(clean(one.place, 4096), one) for one in found]
        self._fresh = True

    def finish(self, search: Search) -> None:
        """Take note that everything was seen, or not."""
        self._ended = search
        self._fresh = True

    def fail(self, error: SSHDashError) -> None:
        """Take note of why no more is seen."""
        self._problem = error
        self._fresh = True

    # Ranking

    def _look_again(self) -> None:
        if self._fresh and (self._ranking is None or self._ranking.is_finished):
            self._rank()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._rank()

    def _rank(self) -> None:
        self._fresh = False
        query = self.query_one(Input).value.strip()
        self._ranking = self.run_worker(self._ranked(query), exclusive=True)

    async def _ranked(self, query: str) -> None:
        if not query:
            shown = self._all[:_MOST]
            total = len(self._all)
        else:
            best: list[tuple[float, int]] = []
            matched: list[int] = []
            looked_at, candidates = len(self._all), self._candidates(query)
            for start in range(0, len(candidates), _AT_ONCE):
                scored = list(self._scores(query, candidates[start : start + _AT_ONCE]))
                matched += (-place for _, place in scored)
                best = nlargest(_MOST, [*best, *scored])
                await asyncio.sleep(0)  # a turn for everybody else
            self._matched = (query, looked_at, matched)
            total = len(matched)
            shown = [self._all[-place] for _, place in best]
        self.query_one(FoundList).show(query, shown)
        self.query_one(".finder-foot", Static).update(Content(self._words(query, total)))

    def _candidates(self, query: str) -> Sequence[int]:
        """Return the places that may match: what did not match the beginning of it cannot."""
        before, looked_at, matched = self._matched
        if before and query.startswith(before):
            return [*matched, *range(looked_at, len(self._all))]
        return range(len(self._all))

    def _scores(self, query: str, places: Sequence[int]) -> Iterator[tuple[float, int]]:
        """Yield scores with negated places, so that of equal ones the nearest is the best."""
        for place in places:
            label, _ = self._all[place]
            if (found := match(query, label)) is not None:
                yield found.score, -place

    def _words(self, query: str, total: int) -> str:
        count = count_text(len(self._all), "entry", "entries")
        words = f"{number_text(total)} of {count}" if query else count
        if self._problem is not None:
            return f"{words} · ✖ {self._problem.title}"
        if self._ended is None:
            return f"{words} · looking…"
        if self._ended.unreadable:
            folders = count_text(self._ended.unreadable, "folder")
            return f"{words} · {folders} could not be read"
        return words if self._ended.complete else f"{words} · too many: the rest was not looked at"

    # What a person does

    def action_cancel(self) -> None:
        """Pick nothing."""
        self.dismiss(None)

    def action_move(self, delta: int) -> None:
        """Move the cursor of the list while the field keeps the focus."""
        self.query_one(FoundList).cursor += delta

    @on(Input.Submitted)
    @on(RowList.Chosen)
    def _chosen(self, event: Input.Submitted | RowList.Chosen) -> None:
        event.stop()
        if current := self.query_one(FoundList).current:
            self.dismiss(current.place)

    @on(RowList.Moved)
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
