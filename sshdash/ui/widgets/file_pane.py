"""What a person does in one file pane."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events, on
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Input

from sshdash.sftp.browser import UP, SortKey, View
from sshdash.sftp.entries import Entry, Kind, name_of
from sshdash.sftp.rows import Rows
from sshdash.ui.arranging import aside
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.widgets.file_heads import ColumnHeads
from sshdash.ui.widgets.file_messages import (
    ChooseEndpoint,
    GiveUp,
    KeepView,
    OpenFolder,
    Refresh,
    StopWork,
    TakePasted,
    ViewFile,
)
from sshdash.ui.widgets.file_pane_title import PaneTitle
from sshdash.ui.widgets.file_places import PlacedPane
from sshdash.ui.widgets.file_rows import FileRows
from sshdash.ui.widgets.row_list import RowList

THREAD_LIMIT = 2_000
"""More entries than this are arranged in a thread."""
_SETTLE = 0.08
"""Seconds until many rows are arranged anew, should the view change once more."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Where a drop goes."""

    folder: bytes
    item: int = -1
    """The row of that folder, -1 where it is the one that is shown."""


class FilePane(PlacedPane):
    """A pane that a person works in. It asks for what it cannot do by itself."""

    place: ClassVar[Place] = Place.FILES
    BINDINGS = bindings_of(Place.FILES)

    class Focused(Message):
        """The pane became the one that commands are about."""

        def __init__(self, pane: FilePane) -> None:
            super().__init__()
            self.pane = pane

    class Pointed(Message):
        """The cursor is on another entry."""

        def __init__(self, pane: FilePane) -> None:
            super().__init__()
            self.pane = pane

    def show(
        self,
        path: bytes,
        entries: list[Entry],
        select: bytes | None = None,
        arranged: Rows | None = None,
        loading: bool = False,
        gone: Iterable[bytes] | None = None,
    ) -> None:
        """Show a listing, with the cursor on `select` where given."""
        super().show(path, entries, select, arranged, loading, gone)
        self.post_message(self.Pointed(self))

    # What the widgets inside tell

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Become the pane that commands are about."""
        # A class, because `:focus-within` does not reach the component styles of the title. It is
        # the title's own: with the pane's, all that is in it would be styled anew.
        self._title_line.add_class("-focused")
        self.post_message(self.Focused(self))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Show that keys go elsewhere."""
        self._title_line.remove_class("-focused")

    def on_click(self, event: events.Click) -> None:
        """Take the focus, wherever in the pane the click was, but in the filter."""
        if not isinstance(event.widget, Input):
            self._rows.focus()

    @on(PaneTitle.EndpointClicked)
    def _choose(self, event: Message) -> None:
        event.stop()
        self._rows.focus()
        self.post_message(ChooseEndpoint(self))

    @on(PaneTitle.CrumbClicked)
    def _go(self, event: PaneTitle.CrumbClicked) -> None:
        event.stop()
        self._rows.focus()
        self.post_message(OpenFolder(self, event.path))

    @on(ColumnHeads.Chosen)
    def _sort(self, event: ColumnHeads.Chosen) -> None:
        event.stop()
        self._rows.focus()
        self.sort_by(event.key)

    @on(RowList.Chosen)
    def _choose_row(self, event: Message) -> None:
        event.stop()
        self.open_current()

    @on(FileRows.Typed)
    def _show_typed(self, event: FileRows.Typed) -> None:
        event.stop()
        self.show_typed(event.text)

    @on(FileRows.Pasted)
    def _take_pasted(self, event: FileRows.Pasted) -> None:
        event.stop()
        self.post_message(TakePasted(self, event.text))

    @on(RowList.Moved)
    @on(FileRows.Marked)
    def _recount(self, event: Message) -> None:
        event.stop()
        if isinstance(event, FileRows.Marked):
            self._foot_line.count_marks()
        else:
            self.post_message(self.Pointed(self))

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.change_view(replace(self.browser.view, text=event.value))

    def on_key(self, event: events.Key) -> None:
        """Leave the filter with the arrows: what matches is there already."""
        if event.key in ("down", "up") and self.query_one(Input).has_focus:
            event.stop()
            self._rows.focus()
            self._draw_filter()

    @on(Input.Submitted)
    def _leave_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self._rows.focus()
        self._draw_filter()

    # What a person does

    def sort_by(self, key: SortKey) -> None:
        """Order by `key`; by the same one again, the other way round."""
        view = self.browser.view
        if key is view.sort:
            self.change_view(replace(view, reverse=not view.reverse))
        else:
            reverse = key in (SortKey.SIZE, SortKey.TIME)
            self.change_view(replace(view, sort=key, reverse=reverse))

    def change_view(self, view: View) -> None:
        """Arrange the rows another way; many of them in a thread."""
        if replace(view, text="") != replace(self.browser.view, text=""):
            self.post_message(KeepView(self))
        if len(self.browser.held) + self.browser.hidden_count > THREAD_LIMIT:
            self.run_worker(self._arrange(view), group="view", exclusive=True)
        else:
            self.browser.set_view(view)
            self.refresh_view()

    async def _arrange(self, view: View) -> None:
        browser = self.browser
        browser.view = view
        await asyncio.sleep(_SETTLE)  # whoever types goes on typing, and no thread can be stopped
        while self.browser is browser and browser.view is view:
            held = browser.held
            arranged = await aside(view.rows, browser.path, held.all())
            if browser.held is held and browser.view is view:  # else it was listed meanwhile
                browser.set_view(view, arranged)
                self.refresh_view()
                return

    def open_current(self) -> None:
        """Open the folder or view the file at the cursor; connect again where lost."""
        entry = self.browser.row(self.browser.cursor)
        if self.problem and (self.problem.lost or not self.listed):
            self.post_message(Refresh(self))
        elif entry is not None and entry.leads_to_directory:
            select = name_of(self.browser.path) if entry is UP else None
            self.post_message(OpenFolder(self, self.browser.path_of(entry), select))
        elif entry is not None:
            self.post_message(ViewFile(self, (entry,)))

    def go_up(self) -> None:
        """Open the folder above, with the cursor on this one; also of one that cannot be listed."""
        if (self.listed or self.problem) and self.browser.path != b"/":
            path = self.browser.path
            self.post_message(OpenFolder(self, self.browser.parent, name_of(path)))

    def start_filter(self) -> None:
        """Let the person type a filter."""
        field = self.query_one(Input)
        self.query_one(".pane-filter").display = True
        field.focus()

    def back(self) -> bool:
        """Drop the first of: what is waited for, filter, marks, notice; return whether one was."""
        if self._waiting and (self.browser.loading or not self.listed):
            self.post_message(GiveUp(self))
            return True
        if self.stoppable:
            self.post_message(StopWork(self))
            return True
        if self.browser.view.text:
            self.change_view(replace(self.browser.view, text=""))
            self._rows.focus()
        elif self.query_one(Input).has_focus:
            self._rows.focus()
        elif self.browser.marks:
            self.browser.clear_marks()
        elif self.problem and self.listed and not self.problem.lost:
            self.problem = None
        else:
            return False
        self.refresh_view()
        return True

    # Dropping

    def drop_at(self, position: Offset, dragged: tuple[Entry, ...], own: bool) -> Drop | None:
        """Return where a drop at `position` of the screen goes, None for nowhere.

        `own` tells that the rows come from this very pane: then only another folder will do.
        """
        if not self.listed or not self.region.contains_point(position):
            return None
        item = self._rows.item_under(position - self._rows.region.offset)
        entry = None if item is None else self.browser.row(item)
        elsewhere = None if own else Drop(self.browser.path)
        if item is None or entry is None or not entry.leads_to_directory:
            return elsewhere
        if own and entry in dragged:
            return None
        return Drop(self.browser.path_of(entry), item)

    def show_drop(self, drop: Drop | None) -> None:
        """Highlight where a drop would go: a folder's row, or the whole pane."""
        self._rows.drop_item = -1 if drop is None else drop.item
        self.set_class(drop is not None, "-drop")

    @property
    def viewable(self) -> Entry | None:
        """The file at the cursor, None on a folder."""
        entry = self.browser.current
        if entry is None or entry.leads_to_directory:
            return None
        return entry if entry.kind in (Kind.FILE, Kind.SYMLINK) else None
