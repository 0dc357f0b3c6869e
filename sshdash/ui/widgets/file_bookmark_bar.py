"""The bookmarks of a pane on one line, in sight as long as something is dragged."""

from typing import ClassVar

from rich.cells import cell_len
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sshdash.sftp.entries import name_of
from sshdash.ui.format import clip
from sshdash.ui.widgets.row_list import Piece, strip_of
from sshdash.untrusted import clean

_WIDEST = 20


class BookmarkBar(Widget):
    """One bookmark beside the other, as far as there is room; each may be dropped on."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"bookmark--drop"}

    folders: reactive[tuple[bytes, ...]] = reactive(())
    drop_item: reactive[int] = reactive(-1)
    """The bookmark that what is dragged would be dropped on, -1 for none."""

    @property
    def _labels(self) -> list[str]:
        names = (clean(name_of(folder)) or "/" for folder in self.folders)
        return [f" ★ {clip(name, _WIDEST)} " for name in names]

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        drop = self.get_component_rich_style("bookmark--drop")
        pieces: list[Piece] = [
            (label, drop if index == self.drop_item else self.rich_style)
            for index, label in enumerate(self._labels)
        ]
        return strip_of(pieces, self.size.width, self.rich_style)

    def item_at(self, x: int) -> int:
        """Return the bookmark at a column, -1 for none."""
        for index, label in enumerate(self._labels):
            if 0 <= x < cell_len(label):
                return index
            x -= cell_len(label)
        return -1
