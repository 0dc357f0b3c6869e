"""The tabs inside a file pane: each a folder of an endpoint, with its own cursor and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sshdash.sftp.browser import Browser
from sshdash.sftp.entries import name_of
from sshdash.sftp.history import History
from sshdash.ui.format import clip
from sshdash.ui.widgets.row_list import Piece, strip_of
from sshdash.untrusted import clean

_WIDEST = 24


@dataclass(slots=True, eq=False)
class PaneTab:
    """What a pane shows while the tab is its current one."""

    endpoint: str = ""
    browser: Browser = field(default_factory=Browser)
    listed: bool = False
    """Whether there is a listing to show, be it an old one."""
    history: History = field(default_factory=History)

    @property
    def title(self) -> str:
        """Whose files and the last part of the folder, cleaned."""
        label = clean(self.endpoint) or "local"
        folder = clean(name_of(self.browser.path)) or "/"
        return f"{label}:{folder}" if self.listed else label


class PaneTabBar(Widget):
    """The tabs on one line; not in sight as long as there is but one."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane-tab--label",
        "pane-tab--current",
        "pane-tab--hover",
        "pane-tab--drop",
    }

    drop_item: reactive[int] = reactive(-1)
    """The tab that what is dragged would be dropped on, -1 for none."""
    _hovered: reactive[int] = reactive(-1)

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class CloseClicked(Chosen):
        """A tab was clicked with the middle button."""

    def __init__(self) -> None:
        super().__init__()
        self._titles: tuple[str, ...] = ()
        self._current = 0

    def show(self, titles: Sequence[str], current: int) -> None:
        """Show these tabs, one of them as the current one."""
        self.display = len(titles) > 1
        if (tuple(titles), current) != (self._titles, self._current):
            self._titles, self._current = tuple(titles), current
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line, the current tab in sight."""
        pieces: list[Piece] = []
        first = self._first
        if first:
            pieces.append(("‹", self.get_component_rich_style("pane-tab--label")))
        for index, text in list(enumerate(self._labels))[first:]:
            look = "label"
            if index == self.drop_item:
                look = "drop"
            elif index == self._current:
                look = "current"
            elif index == self._hovered:
                look = "hover"
            pieces.append((text, self.get_component_rich_style(f"pane-tab--{look}")))
        return strip_of(pieces, self.size.width, self.rich_style)

    @property
    def _labels(self) -> list[str]:
        return [f" {clip(title, _WIDEST)} " for title in self._titles]

    @property
    def _first(self) -> int:
        """The first tab that is drawn, so that the current one is in sight."""
        widths = [cell_len(label) for label in self._labels]
        first = 0
        while (
            first < self._current and sum(widths[first : self._current + 1]) > self.size.width - 1
        ):
            first += 1
        return first

    def tab_at(self, x: int) -> int:
        """Return the tab at a column, -1 for none."""
        first = self._first
        x -= bool(first)
        for index, label in list(enumerate(self._labels))[first:]:
            if 0 <= x < cell_len(label):
                return index
            x -= cell_len(label)
        return -1

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which tab a click would take."""
        self._hovered = self.tab_at(event.x)

    def on_leave(self) -> None:
        """Show no tab as hovered."""
        self._hovered = -1

    def on_click(self, event: events.Click) -> None:
        """Choose the clicked tab, or close it."""
        index = self.tab_at(event.x)
        if index >= 0:
            event.stop()
            kind = self.CloseClicked if event.button == 2 else self.Chosen
            self.post_message(kind(index))
