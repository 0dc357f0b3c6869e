"""The rows of a file pane: drawn from a `Browser`, marked, dragged."""

import time
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive

from sshdash.sftp.browser import UP, Browser
from sshdash.sftp.entries import Entry
from sshdash.sftp.marking import MarkRange
from sshdash.ui.widgets import file_row_text as text
from sshdash.ui.widgets.file_typing import TypedRows
from sshdash.ui.widgets.row_list import Piece, RowList


@dataclass(slots=True)
class _Press:
    """A mouse button held down on a row."""

    entry: Entry
    folder: bytes
    """Where the entry is: the rows may change below the pointer."""
    origin: Offset
    dragging: bool = False


class FileRows(TypedRows):
    """One line per entry. The browser is the truth; this draws it and moves its cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "file--folder",
        "file--link",
        "file--broken",
        "file--program",
        "file--special",
        "file--hidden",
        "file--file",
        "file--sign",
        "file--marked",
        "file--detail",
        "file--stale",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "mark_to(-1)", "Mark up", show=False),
        Binding("shift+down", "mark_to(1)", "Mark down", show=False),
        Binding("shift+pageup", "mark_page(-1)", "Mark page up", show=False),
        Binding("shift+pagedown", "mark_page(1)", "Mark page down", show=False),
        Binding("shift+home", "mark_first", "Mark to the first", show=False),
        Binding("shift+end", "mark_last", "Mark to the last", show=False),
    ]

    stale: reactive[bool] = reactive(False)
    """Whether what is shown may be out of date: the connection is gone, or the folder itself."""

    class Marked(Message):
        """Other rows are marked."""

    class Drag(Message):
        """Rows are dragged: the pointer is at `position` of the screen."""

        def __init__(
            self, rows: "FileRows", entries: tuple[Entry, ...], position: Offset, move: bool
        ) -> None:
            super().__init__()
            self.rows = rows
            self.entries = entries
            self.position = position
            self.move = move
            """Whether a modifier is held, which moves what is dropped."""

    class DragMoved(Drag):
        """The pointer moved."""

    class DragDropped(Drag):
        """The button was released."""

    class DragCancelled(Message):
        """The drag ended without a drop."""

    def __init__(self, browser: Browser) -> None:
        super().__init__(browser)
        self.names = 0
        """Cells that the widest name would like."""
        self._press: _Press | None = None
        self._range: MarkRange | None = None

    # Drawing

    def item_count(self) -> int:
        """Return how many rows the browser has."""
        return len(self.browser.rows)

    def update(self) -> None:
        """Draw the browser as it is now, the cursor in sight."""
        self._range = None
        self.names = text.names_width(self.browser.rows)
        self.drop_item = -1
        self.hovered = -1
        # Before the lines are measured: a cursor beyond their end would move the browser's.
        self.set_reactive(RowList.cursor, self.browser.cursor)
        self.reset_lines()
        self.reveal(self.cursor)

    @property
    def nears_end(self) -> bool:
        """Whether the last rows are in sight, or will be with the next page."""
        last = self.scroll_offset.y + 3 * self.size.height
        return max(last, self.cursor + self.size.height) >= self.item_count()

    def grow(self) -> None:
        """Draw that there are more rows behind those there were."""
        self.reset_lines()

    def pieces(self, line: int, width: int) -> list[Piece]:
        """Return the columns of one row."""
        entry = self.browser.rows[line]
        view = self.browser.view
        columns = text.Columns.fit(width, self.names, view.sort, view.columns)
        marked = entry.name in self.browser.marks and entry is not UP
        role = self._role(entry, marked)
        detail = self.look("file--stale" if self.stale else "file--detail")
        sign = self.look("file--stale" if self.stale else "file--sign")
        tick = self.look("file--marked")
        if line == self.drop_item:
            role = detail = sign = tick = Style.null()
        name, target = text.name_cell(entry, columns.name)
        pieces = [
            (text.MARK if marked else " ", tick),
            (f"{text.sign_of(entry)} ", sign),
            (name, role),
            (target, detail),
        ]
        if columns.size:
            size = text.size_cell(entry, self.browser.measured.get(entry.name))
            pieces.append((f"  {size:>{columns.size}}", detail))
        if columns.mode:
            pieces.append((f"  {text.mode_cell(entry):{columns.mode}}", detail))
        if columns.owner:
            pieces.append((f"  {text.owner_cell(entry, columns.owner):{columns.owner}}", detail))
        if columns.time.value:
            when = text.time_cell(entry, columns.time, time.time())
            pieces.append((f"  {when:>{columns.time.value}}", detail))
        return pieces

    def _role(self, entry: Entry, marked: bool) -> Style:
        if self.stale:
            return self.look("file--stale")
        look = self.look(f"file--{text.role_of(entry)}")
        return look + self.look("file--marked") if marked else look

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell the browser."""
        self.browser.move_to(new)
        super().watch_cursor(old, new)

    # Marks

    def marks_changed(self) -> None:
        """Draw the marks and tell the pane."""
        self.refresh()
        self.post_message(self.Marked())

    def action_move(self, delta: int) -> None:
        """Move the cursor by rows and end a range."""
        self._range = None
        super().action_move(delta)

    def action_mark_to(self, delta: int) -> None:
        """Move the cursor by rows and mark from where the range began."""
        self._extend_to(self.cursor + delta)

    def action_mark_page(self, delta: int) -> None:
        """Move the cursor by a page and mark from where the range began."""
        self._extend_to(self.cursor + delta * max(self.scrollable_content_region.height - 1, 1))

    def action_mark_first(self) -> None:
        """Mark from where the range began to the first row."""
        self._extend_to(0)

    def action_mark_last(self) -> None:
        """Mark from where the range began to the last row."""
        self._extend_to(self.item_count() - 1)

    def _extend_to(self, item: int) -> None:
        if self._range is None:
            self._range = MarkRange(self.browser)
        self.cursor = item
        self._range.stretch(self.cursor)
        self.marks_changed()

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Remember the row: a drag may begin here."""
        item = self.item_under(event.offset)
        if event.button != 1 or item is None or event.shift or event.ctrl:
            return
        self._press = _Press(self.browser.rows[item], self.browser.path, event.screen_offset)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag once the pointer left the cell it was pressed in."""
        press = self._press
        if press is None:
            return
        event.stop()
        event.prevent_default()
        if not press.dragging:
            if event.screen_offset == press.origin or not self._dragged(press):
                return
            press.dragging = True
            self.hovered = -1
        if entries := self._dragged(press):
            self.post_message(self.DragMoved(self, entries, event.screen_offset, _moves(event)))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Drop what is dragged."""
        press, self._press = self._press, None
        if press is None:
            return
        self.release_mouse()
        if press.dragging:
            event.stop()
            if entries := self._dragged(press):
                position = event.screen_offset
                self.post_message(self.DragDropped(self, entries, position, _moves(event)))
            else:
                self.post_message(self.DragCancelled())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; with ctrl mark the row, with shift all from the cursor to it."""
        item = self.item_under(event.offset)
        if item is None or not (event.shift or event.ctrl):
            self._range = None
            return
        event.stop()
        event.prevent_default()
        if event.shift:
            self._extend_to(item)
        else:
            self._range = None
            self.cursor = item
            self.browser.toggle_mark(item)
            self.marks_changed()

    def on_key(self, event: events.Key) -> None:
        """Give up a drag with Esc, before Esc means anything else; find what is typed ahead."""
        if (event.key == "escape" and self.cancel_drag()) or self.take_typed(event):
            event.stop()
            event.prevent_default()

    def cancel_drag(self) -> bool:
        """End a drag without a drop; return whether there was one."""
        press, self._press = self._press, None
        if press is None:
            return False
        self.release_mouse()
        if press.dragging:
            self.post_message(self.DragCancelled())
        return press.dragging

    def _dragged(self, press: _Press) -> tuple[Entry, ...]:
        """Return the marked rows where the pressed one is marked, else the pressed one alone."""
        entry = press.entry
        if entry is UP or press.folder != self.browser.path:
            return ()
        return self.browser.selection if entry.name in self.browser.marks else (entry,)


def _moves(event: events.MouseEvent) -> bool:
    """Return whether a modifier is held; which ones come is up to the hosting terminal."""
    return event.ctrl or event.shift or event.meta
