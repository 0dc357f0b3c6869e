"""A scrolling list of items with a cursor that draws only the lines in sight."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

Piece = tuple[str, Style]
"""Cleaned text and how it looks."""


def strip_of(pieces: Iterable[Piece], width: int, ground: Style) -> Strip:
    """Return the pieces on one line of exactly `width` cells, drawn on `ground`."""
    segments = [Segment(text, ground + style) for text, style in pieces if text]
    return Strip(segments).adjust_cell_length(width, ground).crop(0, width)


class RowList(ScrollView, can_focus=True):
    """Items on lines, one of them under the cursor.

    A subclass says how many items there are and draws a line; items may take several lines
    where it overrides `line_of` and `item_at`.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row--cursor",
        "row--cursor-blurred",
        "row--hover",
        "row--muted",
        "row--drop",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    hovered: reactive[int] = reactive(-1, repaint=False, init=False)
    drop_item: reactive[int] = reactive(-1, repaint=False, init=False)
    """The item that what is dragged would be dropped on, -1 for none."""

    class Moved(Message):
        """The cursor is on another item."""

        def __init__(self, rows: "RowList", index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> "RowList":
            """Return the list, so that handlers can select by it."""
            return self.rows

    class Chosen(Message):
        """An item was chosen with Enter or a double click."""

        def __init__(self, rows: "RowList", index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> "RowList":
            """Return the list, so that handlers can select by it."""
            return self.rows

    # What a subclass says

    def item_count(self) -> int:
        """Return how many items there are."""
        raise NotImplementedError

    def line_count(self) -> int:
        """Return how many lines they take together."""
        return self.item_count()

    def line_of(self, item: int) -> int:
        """Return the first line of an item."""
        return item

    def item_at(self, line: int) -> int:
        """Return the item drawn on a line."""
        return line

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return what is on a line; the ground comes from `ground`."""
        raise NotImplementedError

    # Drawing

    def ground(self, item: int) -> Style:
        """Return the background of an item's lines; a drop target stands out from all others."""
        if item == self.drop_item:
            return self.get_component_rich_style("row--drop")
        if item == self.cursor:
            name = "row--cursor" if self.has_focus else "row--cursor-blurred"
            return self.get_component_rich_style(name)
        if item == self.hovered:
            return self.get_component_rich_style("row--hover")
        return self._plain

    def line_ground(self, line: int) -> Style:
        """Return the background of a line: that of its item."""
        return self.ground(self.item_at(line))

    @cached_property
    def _looks(self) -> dict[tuple[str, ...], Style]:
        return {}

    def look(self, *names: str) -> Style:
        """Return what the component classes `names` add to the ground.

        It is kept until the styles change: Textual forgets its own with every line drawn again.
        """
        if (style := self._looks.get(names)) is None:
            style = Style.null()
            for name in names:
                style += self.get_component_rich_style(name, partial=True)
            self._looks[names] = style
        return style

    def notify_style_update(self) -> None:
        """Look the styles up again."""
        self._looks.clear()
        super().notify_style_update()

    @cached_property
    def _plain(self) -> Style:
        """The ground of most lines: to ask for it takes longer than to draw one."""
        return self.rich_style

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw the lines of a region, all on the ground that there is now."""
        self.__dict__.pop("_plain", None)  # what is around decides, too, and does not tell
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one line of the view."""
        width = self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        if not 0 <= line < self.line_count():
            return Strip.blank(width, self._plain)
        return strip_of(self.pieces(line, width), width, self.line_ground(line))

    def reset_lines(self) -> None:
        """Measure and draw again after the items changed."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.line_count())
        last = self.item_count() - 1
        if self.cursor > last:
            self.cursor = max(last, 0)
        self.refresh()

    def on_resize(self) -> None:
        """Fit the lines to the new width and keep the cursor in sight."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.line_count())
        self.reveal(self.cursor)

    def reveal(self, item: int) -> None:
        """Scroll as little as needed to show the item's first line.

        It is forced: Textual scrolls nothing that has no scrollbar yet, and a list that is new, or
        that has just become long, gets its own at the next layout.
        """
        height = self.scrollable_content_region.height
        if height <= 0 or not self.item_count():
            return
        line, top = self.line_of(item), self.scroll_offset.y
        if line < top:
            self.scroll_to(y=line, animate=False, force=True)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False, force=True)

    def watch_cursor(self, old: int, new: int) -> None:
        """Redraw the two items concerned and tell."""
        self._refresh_item(old)
        self._refresh_item(new)
        self.reveal(new)
        self.post_message(self.Moved(self, new))

    def watch_hovered(self, old: int, new: int) -> None:
        """Redraw the two items concerned."""
        self._refresh_item(old)
        self._refresh_item(new)

    def watch_drop_item(self, old: int, new: int) -> None:
        """Redraw the two items concerned."""
        self._refresh_item(old)
        self._refresh_item(new)

    def watch_has_focus(self, has_focus: bool) -> None:
        """Draw the cursor as the focus has it."""
        super().watch_has_focus(has_focus)
        self._refresh_item(self.cursor)

    def _refresh_item(self, item: int) -> None:
        if 0 <= item < self.item_count():
            end = self.line_of(item + 1) if item + 1 < self.item_count() else self.line_count()
            self.refresh_lines(self.line_of(item), end - self.line_of(item))

    # Moving

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on an item."""
        return max(0, min(cursor, self.item_count() - 1))

    def action_move(self, delta: int) -> None:
        """Move the cursor by items."""
        self.cursor += delta

    def action_page(self, delta: int) -> None:
        """Move the cursor by the height of the view."""
        page = max(self.scrollable_content_region.height - 1, 1)
        line = self.line_of(self.cursor) + delta * page
        self.cursor = self.item_at(max(0, min(line, self.line_count() - 1)))

    def action_first(self) -> None:
        """Move the cursor to the first item."""
        self.cursor = 0

    def action_last(self) -> None:
        """Move the cursor to the last item."""
        self.cursor = self.item_count() - 1

    # Mouse

    def item_under(self, offset: Offset) -> int | None:
        """Return the item at an offset inside the widget, None where there is none."""
        if not self.size.region.contains_point(offset):
            return None
        line = offset.y + self.scroll_offset.y
        return self.item_at(line) if 0 <= line < self.line_count() else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which item a click would take."""
        item = self.item_under(event.offset)
        self.hovered = -1 if item is None else item

    def on_leave(self, event: events.Leave) -> None:
        """Show no item as hovered."""
        if event.node is self:
            self.hovered = -1

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked item; a double click chooses it."""
        item = self.item_under(event.offset)
        if item is None:
            return
        event.stop()
        self.cursor = item
        if event.chain == 2:
            self.post_message(self.Chosen(self, item))
