"""The heads of a pane's columns, which tell the order and change it with a click."""

from typing import ClassVar

from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sshdash.sftp.browser import SortKey, View
from sshdash.ui.widgets.file_row_text import GUTTER, Columns
from sshdash.ui.widgets.row_list import Piece, strip_of

_NO_KEY = None


class ColumnHeads(Widget):
    """One line of names, the one that orders the rows with an arrow."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heads--active", "heads--hover"}

    view: reactive[View] = reactive(View)
    names: reactive[int] = reactive(0)
    """Cells that the widest name would like."""
    _hovered: reactive[SortKey | None] = reactive(_NO_KEY)

    class Chosen(Message):
        """Rows are to be ordered by a key."""

        def __init__(self, key: SortKey) -> None:
            super().__init__()
            self.key = key

    def _cells(self) -> list[tuple[int, bool, str, SortKey | None]]:
        """Return width, whether right-aligned, text and key of each column, in order."""
        columns = Columns.fit(self.size.width - 1, self.names, self.view.sort, self.view.columns)
        kind = self.view.sort is SortKey.TYPE
        cells: list[tuple[int, bool, str, SortKey | None]] = [
            (GUTTER, False, "", None),
            (
                columns.name,
                False,
                "type" if kind else "name",
                SortKey.TYPE if kind else SortKey.NAME,
            ),
        ]
        if columns.size:
            cells.append((2 + columns.size, True, "size", SortKey.SIZE))
        if columns.mode:
            cells.append((2 + columns.mode, False, "  mode", None))
        if columns.owner:
            cells.append((2 + columns.owner, False, "  owner", None))
        if columns.time.value:
            word = "time" if columns.time.value < 12 else "modified"
            cells.append((2 + columns.time.value, True, word, SortKey.TIME))
        return cells

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        pieces: list[Piece] = []
        arrow = "▾" if self.view.reverse else "▴"
        for width, right, text, key in self._cells():
            style = self.rich_style
            if key is not None and key is self.view.sort:
                text = f"{arrow} {text}" if right else f"{text} {arrow}"
                style += self.get_component_rich_style("heads--active", partial=True)
            if key is not None and key is self._hovered:
                style += self.get_component_rich_style("heads--hover", partial=True)
            pieces.append((text.rjust(width) if right else text.ljust(width), style))
        return strip_of(pieces, self.size.width, self.rich_style)

    def _key_at(self, x: int) -> SortKey | None:
        for width, _, _, key in self._cells():
            x -= width
            if x < 0:
                return key
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what a click would order by."""
        self._hovered = self._key_at(event.x)

    def on_leave(self) -> None:
        """Show nothing as hovered."""
        self._hovered = None

    def on_click(self, event: events.Click) -> None:
        """Order by the clicked column; again, the other way round."""
        event.stop()
        if key := self._key_at(event.x):
            self.post_message(self.Chosen(key))
