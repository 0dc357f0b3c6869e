"""One file pane: title, rows, filter and a line of counts. It asks; others do the work."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import Input, Static

from sshdash.errors import SSHDashError
from sshdash.sftp.browser import UP, Browser, SortKey, View
from sshdash.sftp.entries import Entry, Kind, name_of
from sshdash.ui.command import Place
from sshdash.ui.commands import bindings_of
from sshdash.ui.widgets import file_pane_text as text
from sshdash.ui.widgets.file_heads import ColumnHeads
from sshdash.ui.widgets.file_messages import ChooseEndpoint, GiveUp, OpenFolder, Refresh, ViewFile
from sshdash.ui.widgets.file_pane_title import PaneTitle
from sshdash.ui.widgets.file_rows import FileRows
from sshdash.ui.widgets.row_list import RowList
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.sftp.filesystem import Filesystem, Space

THREAD_LIMIT = 2_000
"""More entries than this are arranged in a thread."""
_BUSY_DELAY = 0.15
"""Seconds before a wait is shown, so that quick answers do not flicker."""


class FilePane(Vertical):
    """The files of one folder of one endpoint."""

    place: ClassVar[Place] = Place.FILES
    BINDINGS = bindings_of(Place.FILES)

    class Focused(Message):
        """The pane became the one that commands are about."""

        def __init__(self, pane: FilePane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.endpoint = ""
        """Empty for this machine, else a host as the user names it."""
        self.browser = Browser()
        self.filesystem: Filesystem | None = None
        """Closed with the pane."""
        self.listed = False
        """Whether there is a listing to show, be it an old one."""
        self.problem: text.Problem | None = None
        self._space: Space | None = None
        self._counts = ""
        self._waiting = ""
        self._rows = FileRows(self.browser)

    def __repr__(self) -> str:
        """Return endpoint and browser."""
        return f"<FilePane {self.endpoint or 'local'}:{self.browser!r}>"

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        yield PaneTitle()
        yield ColumnHeads()
        yield self._rows
        yield Static(classes="pane-empty", markup=False)
        yield Static(classes="pane-notice", markup=False)
        yield Horizontal(
            Static("/", markup=False),
            Input(placeholder="part of a name, or * and ?", compact=True),
            classes="pane-filter",
        )
        yield Static(classes="pane-foot", markup=False)

    def on_mount(self) -> None:
        """Show that there is nothing yet."""
        self._draw()

    async def on_unmount(self) -> None:
        """Give the file system back."""
        filesystem, self.filesystem = self.filesystem, None
        if filesystem is not None:
            await filesystem.close()

    # What the controller tells

    @property
    def rows(self) -> FileRows:
        """The list of rows."""
        return self._rows

    @property
    def label(self) -> str:
        """Whose files these are, cleaned: ``local`` or the host."""
        return clean(self.endpoint) or "local"

    def use(self, endpoint: str) -> None:
        """Show another endpoint, of which nothing is known yet."""
        self.endpoint = endpoint
        self.listed = False
        self.problem = None
        self._space = None
        view = self.browser.view
        self.browser = self._rows.browser = Browser(view=view)
        self._rows.stale = False
        self._rows.update()
        self._draw()

    def wait(self, what: str) -> None:
        """Tell what is waited for, should it take a while; an empty text for nothing."""
        began = what and not self._waiting
        self._waiting = what
        if began:
            self.set_timer(_BUSY_DELAY, self._draw_busy)
        elif self._alive and (not what or self.query_one(PaneTitle).busy):
            self._draw_busy()

    def view_for(self, path: bytes) -> View:
        """Return how `path` would be arranged: a filter is for one folder only."""
        view = self.browser.view
        return view if path == self.browser.path else replace(view, text="")

    def show(
        self,
        path: bytes,
        entries: list[Entry],
        select: bytes | None = None,
        arranged: list[Entry] | None = None,
    ) -> None:
        """Show a listing, with the cursor on `select` where given."""
        self._waiting = ""
        self.problem = None
        self._rows.stale = False
        self.listed = True
        if arranged is not None and path != self.browser.path:
            self.browser.show(path, ())
        self.browser.show(path, entries, arranged)
        if select is not None and (index := self.browser.index_of(select)) is not None:
            self.browser.move_to(index)
        self._rows.update()
        self._draw()

    def show_space(self, space: Space | None) -> None:
        """Show the room on the file system."""
        self._space = space
        self._draw_foot()

    def fail(self, error: SSHDashError) -> None:
        """Show why the last request failed; an older listing stays."""
        self._waiting = ""
        self.problem = text.Problem.of(error, connected=self.filesystem is not None)
        self._rows.stale = self.problem.lost and self.listed
        self._draw()

    # Drawing

    def _draw(self) -> None:
        if not self._alive:
            return
        title = self.query_one(PaneTitle)
        title.endpoint = self.label
        title.path = self.browser.path if self.listed else b""
        title.home = self.filesystem.home() if self.filesystem else b""
        if not self._waiting:
            title.busy = ""
        self.query_one(ColumnHeads).view = self.browser.view
        self._counts = text.counts_text(self.browser) if self.listed else ""
        self._draw_filter()
        self._draw_empty()
        self._draw_notice()
        self._draw_foot()

    @property
    def _alive(self) -> bool:
        """Whether there is anything to draw on: not before mounting, not after closing."""
        return self.is_mounted and self.is_attached

    def _draw_busy(self) -> None:
        if not self._alive:
            return
        self.query_one(PaneTitle).busy = self._waiting
        self._draw_empty()

    def _draw_filter(self) -> None:
        field = self.query_one(Input)
        wanted = self.browser.view.text
        if field.value != wanted:
            with field.prevent(Input.Changed):
                field.value = wanted
        self.query_one(".pane-filter").display = bool(wanted) or field.has_focus

    def _draw_empty(self) -> None:
        """Say in the middle why there are no rows."""
        field = self.query_one(".pane-empty", Static)
        if self.listed:
            said = Content(text.empty_text(self.browser))
        elif self.problem:
            said = self.problem.words(over_old=False)
        else:
            said = Content(self._waiting or " ")
        field.update(said)
        field.display = bool(said)
        field.set_class(not self.listed, "-alone")
        field.set_class(self.problem is not None and not self.listed, "-error")
        self._rows.set_class(bool(said), "-short")

    def _draw_notice(self) -> None:
        notice = self.query_one(".pane-notice", Static)
        problem = self.problem if self.listed else None
        notice.display = problem is not None
        if problem:
            notice.update(problem.words(over_old=True))
            notice.set_class(problem.lost, "-lost")

    def _draw_foot(self) -> None:
        if self._alive:
            width = self.size.width - 2
            said = text.foot_text(self.browser, self._counts, self._space, width)
            self.query_one(".pane-foot", Static).update(Content(said if self.listed else ""))

    # What the widgets inside tell

    def on_resize(self) -> None:
        """Fit the counts."""
        self._draw_foot()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Become the pane that commands are about."""
        # A class, because `:focus-within` does not reach the component styles of the title.
        self.add_class("-focused")
        self.post_message(self.Focused(self))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Show that keys go elsewhere."""
        self.remove_class("-focused")

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

    @on(RowList.Moved)
    @on(FileRows.Marked)
    def _recount(self, event: Message) -> None:
        event.stop()
        if isinstance(event, FileRows.Marked):
            self._draw_foot()

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
        entries = list(self.browser.entries)
        if len(entries) > THREAD_LIMIT:
            self.run_worker(self._arrange(view, entries), group="view", exclusive=True)
        else:
            self.browser.set_view(view)
            self.refresh_view()

    async def _arrange(self, view: View, entries: list[Entry]) -> None:
        self.browser.view = view
        arranged = await asyncio.to_thread(view.arrange, entries)
        if self.browser.view is view:
            self.browser.set_view(view, arranged)
            self.refresh_view()

    def refresh_view(self) -> None:
        """Draw after the view or the marks changed."""
        self._rows.update()
        self._draw()

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
        """Open the folder above, with the cursor on this one."""
        if self.listed and self.browser.path != b"/":
            path = self.browser.path
            self.post_message(OpenFolder(self, self.browser.parent, name_of(path)))

    def start_filter(self) -> None:
        """Let the person type a filter."""
        field = self.query_one(Input)
        self.query_one(".pane-filter").display = True
        field.focus()

    def back(self) -> bool:
        """Drop the first of: what is waited for, filter, marks, notice; return whether one was."""
        if self._waiting and not self.listed:
            self.post_message(GiveUp(self))
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

    def drop_folder(self, position: Offset, dragged: tuple[Entry, ...], own: bool) -> bytes | None:
        """Return the folder that a drop at `position` of the screen goes to, None for nowhere.

        `own` tells that the rows come from this very pane: then only another folder will do.
        """
        if not self.listed or not self.region.contains_point(position):
            return None
        item = self._rows.item_under(position - self._rows.region.offset)
        entry = None if item is None else self.browser.row(item)
        if entry is not None and entry.leads_to_directory and not (own and entry in dragged):
            return self.browser.path_of(entry)
        return None if own else self.browser.path

    def show_drop(self, folder: bytes | None) -> None:
        """Highlight where a drop would go: a folder's row, or the whole pane."""
        rows = self.browser.rows
        index = -1
        if folder is not None and folder != self.browser.path:
            matching = (i for i, entry in enumerate(rows) if self.browser.path_of(entry) == folder)
            index = next(matching, -1)
        self._rows.drop_item = index
        self.set_class(folder is not None, "-drop")

    @property
    def viewable(self) -> Entry | None:
        """The file at the cursor, None on a folder."""
        entry = self.browser.current
        if entry is None or entry.leads_to_directory:
            return None
        return entry if entry.kind in (Kind.FILE, Kind.SYMLINK) else None
