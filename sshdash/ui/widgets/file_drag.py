"""Rows that are dragged: where they may be dropped, what lights up there, and what a drop asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from textual import on
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from sshdash.sftp.history import Spot
from sshdash.ui.command import Place
from sshdash.ui.format import clip, count_text
from sshdash.ui.widgets import file_messages as ask
from sshdash.ui.widgets.file_navigation import NavigationCommands
from sshdash.ui.widgets.file_pane import FilePane
from sshdash.ui.widgets.file_row_text import shorten_start
from sshdash.ui.widgets.file_rows import FileRows
from sshdash.ui.widgets.host_list import HostList
from sshdash.ui.widgets.tab_area import TabArea
from sshdash.ui.widgets.tabs import TabBar
from sshdash.untrusted import clean

if TYPE_CHECKING:
    from sshdash.ui.widgets.files_tab import FilesTab

_EDGE_INTERVAL = 0.06
"""Seconds between the lines a pane scrolls while a drag waits at its edge."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a drop would do."""

    words: str
    """Where to, cleaned."""
    light: Callable[[], None]
    """Lights the target."""
    request: Message
    """What the drop asks for."""
    moves: bool = False


class DraggingPanes(NavigationCommands):
    """Panes between which rows are dragged, and beyond: to hosts, tabs and bookmarks."""

    def __init__(self) -> None:
        super().__init__()
        self._ghost = Static(classes="drag-ghost", markup=False)
        self._drag: FileRows.Drag | None = None

    def on_mount(self) -> None:
        """Get ready to scroll at the edges."""
        self._edge = self.set_interval(_EDGE_INTERVAL, self._scroll_at_edge, pause=True)

    # What the rows tell

    @on(FileRows.DragMoved)
    def _drag_to(self, event: FileRows.DragMoved) -> None:
        event.stop()
        if self._drag is None:
            for pane in self.panes:
                pane.offer_bookmarks(True)
        self._drag = event
        self._show_drag()
        self._edge.resume()

    @on(FileRows.DragDropped)
    def _drop(self, event: FileRows.DragDropped) -> None:
        event.stop()
        aim = self._aim(event)
        self._end_drag()
        if aim is not None:
            self.post_message(aim.request)

    @on(FileRows.DragCancelled)
    def _cancel_drag(self, event: FileRows.DragCancelled) -> None:
        event.stop()
        self._end_drag()

    # Where a drop would go

    def _source(self, drag: FileRows.Drag) -> FilePane:
        return self.left if drag.rows is self.left.rows else self.right

    def _aim(self, drag: FileRows.Drag) -> Aim | None:
        """Return what a drop where the pointer is would do, None for nothing."""
        aims = (self._host(drag), self._tab(drag), *self._pane_lines(drag), self._rows(drag))
        return next(filter(None, aims), None)

    def _host(self, drag: FileRows.Drag) -> Aim | None:
        """Return the host under the pointer, in a list beside the tab."""
        hosts = self._hosts
        if hosts is None or not _is_over(hosts, drag.position):
            return None
        found = hosts.host_under(drag.position - hosts.region.offset)
        if found is None:
            return None
        host, item = found

        def light() -> None:
            hosts.drop_item = item

        request = ask.SendFiles(self._source(drag), drag.entries, host)
        return Aim(f"{clip(clean(host), 20)}:~", light, request)

    def _tab(self, drag: FileRows.Drag) -> Aim | None:
        """Return the tab of files under the pointer, in the bar above this one."""
        bar = next(iter(self.screen.query(TabBar)), None)
        if bar is None or not _is_over(bar, drag.position):
            return None
        index = bar.tab_under(drag.position - bar.region.offset)
        tab = self.screen.query_one(TabArea).tabs[index] if index >= 0 else None
        if tab is None or tab.place is not Place.FILES:
            return None
        pane = cast("FilesTab", tab).panes.active
        if pane in self.panes or not pane.listed:
            return None

        def light() -> None:
            bar.drop_item = index

        return self._into(drag, pane.spot, light)

    def _pane_lines(self, drag: FileRows.Drag) -> Iterator[Aim | None]:
        """Return what lies under the pointer on the lines of tabs and bookmarks of a pane."""
        for pane in self.panes:
            bar, marks = pane.tab_bar, pane.bookmark_bar
            if _is_over(bar, drag.position):
                index = bar.tab_at(drag.position.x - bar.region.x)
                tab = pane.tabs[index] if index >= 0 else None
                if tab is not None and tab.listed:
                    light = _light(bar, index)
                    yield self._into(drag, Spot(tab.endpoint, tab.browser.path), light)
            elif _is_over(marks, drag.position):
                index = marks.item_at(drag.position.x - marks.region.x)
                if index >= 0:
                    spot = Spot(pane.endpoint, marks.folders[index])
                    yield self._into(drag, spot, _light(marks, index))

    def _rows(self, drag: FileRows.Drag) -> Aim | None:
        """Return the pane under the pointer, or the folder in it."""
        source = self._source(drag)
        for pane in self.panes:
            drop = pane.drop_at(drag.position, drag.entries, own=pane is source)
            if drop is not None:
                light = partial(pane.show_drop, drop)
                if pane is source:
                    words = _words(pane.spot.endpoint, drop.folder)
                    request = ask.MoveFiles(source, drag.entries, drop.folder)
                    return Aim(words, light, request, moves=True)
                copy = ask.CopyFiles(source, drag.entries, pane, drop.folder, drag.move)
                return Aim(_words(pane.endpoint, drop.folder), light, copy, drag.move)
        return None

    def _into(self, drag: FileRows.Drag, spot: Spot, light: Callable[[], None]) -> Aim | None:
        source = self._source(drag)
        if spot == source.spot:
            return None
        request = ask.CopyToSpot(source, drag.entries, spot, drag.move)
        return Aim(_words(spot.endpoint, spot.path), light, request, drag.move)

    # Showing it

    @property
    def _hosts(self) -> HostList | None:
        return next(iter(self.screen.query(HostList)), None)

    def _show_drag(self) -> None:
        drag = self._drag
        if drag is None:
            return
        aim = self._aim(drag)
        self._darken()
        what = drag.entries[0].label if len(drag.entries) == 1 else ""
        words = f" {clip(what, 24) or count_text(len(drag.entries), 'item')} "
        if aim is not None:
            aim.light()
            words += f"{'move →' if aim.moves else '→'} {aim.words} "
        self._ghost.update(Content(words))
        self._ghost.set_class(aim is None, "-nowhere")
        self._ghost.offset = self._ghost_offset(drag.position, cell_len(words))
        self._ghost.display = True

    def _darken(self) -> None:
        """Light no target."""
        for pane in self.panes:
            pane.show_drop(None)
            pane.tab_bar.drop_item = pane.bookmark_bar.drop_item = -1
        if hosts := self._hosts:
            hosts.drop_item = -1
        for bar in self.screen.query(TabBar):
            bar.drop_item = -1

    def _ghost_offset(self, position: Offset, width: int) -> Offset:
        """Return where the label goes: below right of the pointer, inside the tab."""
        inside = position - self.region.offset
        right = max(self.size.width - width, 0)
        below = inside.y + 1 if inside.y + 1 < self.size.height else inside.y - 1
        return Offset(max(min(inside.x + 2, right), 0), max(below, 0))

    def _scroll_at_edge(self) -> None:
        """Scroll the pane under the pointer while a drag waits at its upper or lower edge."""
        if self._drag is None:
            return
        position = self._drag.position
        for pane in self.panes:
            region = pane.rows.region
            if region.x <= position.x < region.right:
                if position.y == region.y:
                    pane.rows.scroll_up(animate=False)
                elif position.y >= region.bottom - 1:
                    pane.rows.scroll_down(animate=False)
        self._show_drag()

    def _end_drag(self) -> None:
        self._drag = None
        self._edge.pause()
        self._ghost.display = False
        self._darken()
        for pane in self.panes:
            pane.offer_bookmarks(False)


def _is_over(widget: Widget, position: Offset) -> bool:
    return bool(widget.display) and widget.is_on_screen and widget.region.contains_point(position)


def _light(bar: Widget, index: int) -> Callable[[], None]:
    return lambda: setattr(bar, "drop_item", index)


def _words(endpoint: str, folder: bytes) -> str:
    label = clip(clean(endpoint) or "local", 20)
    return f"{label}:{shorten_start(clean(folder, 400), 32)}"
