"""What a file pane shows: title, rows, filter, notices and a line of counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from sshdash.errors import SSHDashError
from sshdash.sftp.browser import Browser, View
from sshdash.sftp.entries import Entry
from sshdash.sftp.failures import MissingError
from sshdash.sftp.job import host_of
from sshdash.sftp.rows import Rows
from sshdash.ui.widgets import file_pane_text as text
from sshdash.ui.widgets.file_heads import ColumnHeads
from sshdash.ui.widgets.file_pane_foot import PaneFoot
from sshdash.ui.widgets.file_pane_title import PaneTitle
from sshdash.ui.widgets.file_rows import FileRows
from sshdash.ui.widgets.filter_field import FilterField
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from textual.worker import Worker

    from sshdash.sftp.filesystem import Filesystem, Space
    from sshdash.sftp.watching import FolderWatch
    from sshdash.ui.outlook import Outlook

_AT_ONCE = 1_000
"""Entries that are unmarked without a pause."""
_BUSY_DELAY = 0.15
"""Seconds before a wait is shown, so that quick answers do not flicker."""


class PaneFrame(Vertical):
    """The files of one folder of one endpoint, as whoever lists them tells."""

    def __init__(self, classes: str = "") -> None:
        super().__init__(classes=classes)
        self.endpoint = ""
        """Empty for this machine, else a host as the user names it, or ``host (user)``."""
        self.browser = Browser()
        self.filesystem: Filesystem | None = None
        """Closed with the pane."""
        self.watcher: FolderWatch | None = None
        """Notices changes of the folder, where it is one of this machine; closed with the pane."""
        self.outdated = False
        """Whether the folder has changed since it was listed."""
        self.listed = False
        """Whether there is a listing to show, be it an old one."""
        self.wanted: bytes | None = None
        """The folder that was asked for last, None where a pane begins wherever one does."""
        self.stoppable = False
        """Whether something goes on here that Esc ends."""
        self.problem: text.Problem | None = None
        self._outlook: Outlook | None = None
        self._waiting = ""
        self._unmarking: Worker[None] | None = None
        self._rows = FileRows(self.browser)
        # Kept rather than looked for: while a pane closes, its lines go one by one.
        self._title_line = PaneTitle()
        self._heads_line = ColumnHeads()
        self._empty_line = Static(classes="pane-empty", markup=False)
        self._notice_line = Static(classes="pane-notice", markup=False)
        self._filter_field = FilterField(placeholder="part of a name, or * and ?", compact=True)
        self._filter_line = Horizontal(
            Static("/", markup=False), self._filter_field, classes="pane-filter"
        )
        self._foot_line = PaneFoot()

    @property
    def host(self) -> str:
        """The host that is connected to, whoever is become there; empty for this machine."""
        return host_of(self.endpoint)

    def __repr__(self) -> str:
        """Return endpoint and browser."""
        return f"<{type(self).__name__} {self.endpoint or 'local'}:{self.browser!r}>"

    def compose(self) -> ComposeResult:
        """Lay out the lines."""
        yield self._title_line
        yield self._heads_line
        yield self._rows
        yield self._empty_line
        yield self._notice_line
        yield self._filter_line
        yield self._foot_line

    def on_mount(self) -> None:
        """Show that there is nothing yet."""
        self._draw()

    async def on_unmount(self) -> None:
        """Give the file system back."""
        filesystem, self.filesystem = self.filesystem, None
        if filesystem is not None:
            await filesystem.close()
        if self.watcher is not None:
            await self.watcher.close()

    @property
    def rows(self) -> FileRows:
        """The list of rows."""
        return self._rows

    @property
    def label(self) -> str:
        """Whose files these are, cleaned: ``local`` or the host."""
        return clean(self.endpoint) or "local"

    def use(self, endpoint: str, path: bytes | None = None) -> None:
        """Show another endpoint, of which nothing is known yet but, maybe, a folder."""
        self.endpoint = endpoint
        self.wanted = path
        self.take_browser(Browser(view=self.browser.view))

    @property
    def folder(self) -> bytes | None:
        """The folder that is shown, else the one that is to be, None where nobody knows yet."""
        return self.browser.path if self.listed else self.wanted

    def take_browser(self, browser: Browser, listed: bool = False) -> None:
        """Show another browser; `listed` tells that it has a listing, if an old one."""
        self.browser = self._rows.browser = browser
        self.listed = listed
        self.problem = None
        self._foot_line.show_space(None)
        self._rows.stale = False
        self._rows.update()
        self._draw()

    @property
    def is_cut_off(self) -> bool:
        """Whether the connection is gone and nothing is under way that would bring it back."""
        return self.problem is not None and self.problem.lost and not self._waiting

    @property
    def is_waiting(self) -> bool:
        """Return whether something is waited for."""
        return bool(self._waiting)

    def wait(self, what: str) -> None:
        """Tell what is waited for, should it take a while; an empty text for nothing."""
        began = what and not self._waiting
        self._waiting = what
        if began:
            self.set_timer(_BUSY_DELAY, self._draw_busy)
        elif self._alive and (not what or self._title_line.busy):
            self._draw_busy()

    def show_active(self, active: bool) -> None:
        """Show whether it is the pane that commands are about."""
        for line in (self._title_line, self._foot_line):
            line.set_class(active, "-active")

    def view_for(self, path: bytes) -> View:
        """Return how `path` would be arranged: a filter is for one folder only."""
        view = self.browser.view
        return view if path == self.browser.path else replace(view, text="")

    def show(
        self,
        path: bytes,
        entries: list[Entry],
        select: bytes | None = None,
        arranged: Rows | None = None,
        loading: bool = False,
        gone: Iterable[bytes] | None = None,
    ) -> None:
        """Show a listing, with the cursor on `select` where given.

        `loading` tells that more of it is to come: see `extend`; `gone` has what is marked and not
        there any more, where that was looked for ahead.
        """
        if not loading:
            self._waiting = ""
        self.problem = None
        self._rows.stale = False
        self.listed = True
        if arranged is not None and path != self.browser.path:
            self.browser.show(path, ())
        self.browser.show(path, entries, arranged, loading, gone)
        if select is not None and (index := self.browser.index_of(select)) is not None:
            self.browser.move_to(index)
        self._rows.update()
        self._draw()

    def extend(self, entries: list[Entry]) -> None:
        """Show more of a listing that comes in, below what there is."""
        self.browser.extend(entries)
        self._rows.grow()

    def unmark(self, folder: bytes, entries: Sequence[Entry]) -> None:
        """Unmark entries that were acted on, unless another folder is shown by now."""
        if self.browser.path != folder:
            return
        if len(entries) > _AT_ONCE and self.is_attached:
            work = partial(self._unmark, self.browser, folder, entries)
            self._unmarking = self.run_worker(work, name="unmark")
        else:
            self.browser.unmark(entries)
            self.refresh_view()

    async def _unmark(self, browser: Browser, folder: bytes, entries: Sequence[Entry]) -> None:
        """Unmark very many, in turns with everybody else."""
        for at in range(0, len(entries), _AT_ONCE):
            if browser.path != folder:
                return
            browser.unmark(entries[at : at + _AT_ONCE])
            await asyncio.sleep(0)
        if self.browser is browser:
            self.refresh_view()

    def refresh_view(self) -> None:
        """Draw after the view or the marks changed."""
        self._rows.update()
        self._draw()

    def show_space(self, space: Space | None) -> None:
        """Show the room on the file system."""
        self._foot_line.show_space(space)

    def fail(self, error: SSHDashError) -> None:
        """Show why the last request failed; an older listing stays."""
        self._waiting = ""
        folder = clean(self.browser.path) if self.listed else ""
        self.problem = text.Problem.of(error, self.filesystem is not None, folder)
        gone = isinstance(error, MissingError) and self.wanted == self.browser.path
        self._rows.stale = self.listed and (self.problem.lost or gone)
        self._draw()

    def show_outlook(self, outlook: Outlook | None) -> None:
        """Show when a lost connection is expected back."""
        if outlook != self._outlook:
            self._outlook = outlook
            if self._alive and self.problem is not None:
                self._draw_empty()
                self._draw_notice()

    def _draw(self) -> None:
        if not self._alive:
            return
        title = self._title_line
        title.endpoint = self.label
        title.path = self.folder or b""
        title.home = self.filesystem.home() if self.filesystem else b""
        if not self._waiting:
            title.busy = ""
        heads = self._heads_line
        heads.view, heads.names = self.browser.view, self._rows.names
        self._draw_filter()
        self._draw_empty()
        self._draw_notice()
        self._foot_line.count(self.browser if self.listed else None)

    @property
    def _alive(self) -> bool:
        """Whether there is anything to draw on: not before mounting, not after closing."""
        return self.is_mounted and self.is_attached

    def _draw_busy(self) -> None:
        if not self._alive:
            return
        self._title_line.busy = self._waiting
        if not self.listed:
            self._draw_empty()

    def _draw_filter(self) -> None:
        field = self._filter_field
        wanted = self.browser.view.text
        if field.value != wanted:
            with field.prevent(Input.Changed):
                field.value = wanted
        self._filter_line.display = bool(wanted) or field.has_focus

    def _draw_empty(self) -> None:
        """Say in the middle why there are no rows."""
        field = self._empty_line
        if self.listed:
            said = Content(text.empty_text(self.browser))
        elif self.problem:
            said = self.problem.words(over_old=False, outlook=self._outlook)
        else:
            said = Content(self._waiting or " ")
        if said or field.display:  # else everything would be laid out anew for nothing
            field.update(said)
        field.display = bool(said)
        field.set_class(not self.listed, "-alone")
        field.set_class(self.problem is not None and not self.listed, "-error")
        self._rows.set_class(bool(said), "-short")

    def _draw_notice(self) -> None:
        notice = self._notice_line
        problem = self.problem if self.listed else None
        notice.display = problem is not None
        if problem:
            notice.update(problem.words(over_old=True, outlook=self._outlook))
            notice.set_class(problem.lost, "-lost")

    def say_at_foot(self, words: str) -> None:
        """Show words in the place of the counts, empty ones for none."""
        self._foot_line.say(words)

    def show_typed(self, typed: str | None) -> None:
        """Show what is typed ahead in the place of the counts, None where nothing is."""
        self._foot_line.show_typed(typed)
