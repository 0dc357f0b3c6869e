"""Where a file pane is, was and may go back to: its tabs, and the history of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult

from sshdash.errors import SSHDashError
from sshdash.sftp.browser import Browser
from sshdash.sftp.entries import Entry
from sshdash.sftp.history import Spot
from sshdash.sftp.rows import Rows
from sshdash.ui.widgets.file_bookmark_bar import BookmarkBar
from sshdash.ui.widgets.file_messages import GoToSpot, TabShown
from sshdash.ui.widgets.file_pane_frame import PaneFrame
from sshdash.ui.widgets.file_pane_tabs import PaneTab, PaneTabBar

if TYPE_CHECKING:
    from sshdash.ui.widgets.file_pane import FilePane


class PlacedPane(PaneFrame):
    """A pane with tabs, of which one is in sight."""

    def __init__(self, classes: str = "") -> None:
        super().__init__(classes)
        self._tab = PaneTab(browser=self.browser)
        self._tabs = [self._tab]
        self._tab_bar = PaneTabBar()
        self._bookmark_bar = BookmarkBar()
        self.bookmarks: tuple[bytes, ...] = ()
        """Folders kept for the endpoint, as whoever keeps them tells."""

    def compose(self) -> ComposeResult:
        """Lay out the tabs above everything else."""
        yield self._tab_bar
        yield from super().compose()
        yield self._bookmark_bar

    @property
    def _pane(self) -> FilePane:
        return cast("FilePane", self)

    @property
    def tab_bar(self) -> PaneTabBar:
        """The line of tabs."""
        return self._tab_bar

    @property
    def bookmark_bar(self) -> BookmarkBar:
        """The line of bookmarks, in sight while something is dragged."""
        return self._bookmark_bar

    def offer_bookmarks(self, offered: bool) -> None:
        """Show the bookmarks, where there are any, in the place of the foot."""
        self._bookmark_bar.folders = self.bookmarks
        self.set_class(offered and bool(self.bookmarks), "-bookmarks")

    @property
    def tabs(self) -> list[PaneTab]:
        """The tabs from left to right, the current one as it is now."""
        self._note()
        return self._tabs

    @property
    def spot(self) -> Spot:
        """Where the pane is now."""
        return Spot(self.endpoint, self.browser.path)

    # Tabs

    def new_tab(self) -> None:
        """Open a tab beside the current one that shows the same folder."""
        self._note()
        view = self.browser.view
        tab = PaneTab(self.endpoint, Browser(self.browser.path, view))
        tab.history.visit(self.spot)
        self._tabs.insert(self._tabs.index(self._tab) + 1, tab)
        self._show_tab(tab)

    @property
    def current_tab(self) -> int:
        """The place of the tab in sight."""
        return self._tabs.index(self._tab)

    def take_tabs(self, tabs: list[PaneTab], current: int) -> None:
        """Have these tabs, at least one, instead of those there are, and go to one of them."""
        self._tabs = tabs
        self._show_tab(tabs[current])

    def close_tab(self, index: int | None = None) -> None:
        """Close a tab, the current one by default; the last one stays."""
        if len(self._tabs) < 2:
            return
        tab = self._tab if index is None else self._tabs[index]
        place = self._tabs.index(tab)
        self._note()
        self._tabs.remove(tab)
        if tab is self._tab:
            self._show_tab(self._tabs[min(place, len(self._tabs) - 1)])
        self._draw_tabs()

    def go_by_tab(self, step: int) -> None:
        """Go to the next tab or the one before, around the ends."""
        self._go_to_tab((self._tabs.index(self._tab) + step) % len(self._tabs))

    def _go_to_tab(self, index: int) -> None:
        if self._tabs[index] is not self._tab:
            self._note()
            self._show_tab(self._tabs[index])

    def _note(self) -> None:
        """Put into the current tab what the pane shows."""
        self._tab.endpoint, self._tab.browser = self.endpoint, self.browser
        self._tab.listed = self.listed

    def _show_tab(self, tab: PaneTab) -> None:
        elsewhere = tab.endpoint != self.endpoint
        self._tab = tab
        self.endpoint = tab.endpoint
        self.wanted = tab.browser.path
        self.take_browser(tab.browser, tab.listed)
        self._draw_tabs()
        self.post_message(TabShown(self._pane, elsewhere))

    @on(PaneTabBar.Chosen)
    def _tab_clicked(self, event: PaneTabBar.Chosen) -> None:
        event.stop()
        if isinstance(event, PaneTabBar.CloseClicked):
            self.close_tab(event.index)
        else:
            self._go_to_tab(event.index)

    def _draw_tabs(self) -> None:
        if self._alive:
            titles = [tab.title for tab in self.tabs]
            self._tab_bar.show(titles, self._tabs.index(self._tab))

    # History

    def why_no_step(self, step: int) -> str:
        """Return why one cannot go back (-1) or forward (1), empty where one can."""
        history = self._tab.history
        if step < 0:
            return "" if history.can_go_back else "There is no folder to go back to"
        return "" if history.can_go_forward else "There is no folder to go forward to"

    def go_in_history(self, step: int) -> None:
        """Ask for the folder that was shown before, or after, this one."""
        if (spot := self._tab.history.go(step)) is not None:
            self.post_message(GoToSpot(self._pane, spot))

    def show(
        self,
        path: bytes,
        entries: list[Entry],
        select: bytes | None = None,
        arranged: Rows | None = None,
        loading: bool = False,
        gone: Iterable[bytes] | None = None,
    ) -> None:
        """Show a listing, and remember that it was visited."""
        super().show(path, entries, select, arranged, loading, gone)
        self._tab.history.visit(self.spot)
        self._draw_tabs()

    def fail(self, error: SSHDashError) -> None:
        """Show why the last request failed; the history stays where the pane is."""
        super().fail(error)
        if self.listed:
            self._tab.history.return_to(self.spot)
        self._draw_tabs()
