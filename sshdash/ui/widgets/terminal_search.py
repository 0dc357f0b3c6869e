"""A terminal in which one searches: a bar at the bottom, a mark on every match."""

from typing import Self

from rich.style import Style
from textual import events, on

from sshdash.errors import SSHDashError
from sshdash.terminal.motions import Place
from sshdash.ui.widgets.terminal_finder import Finder, Query
from sshdash.ui.widgets.terminal_paint import Marked
from sshdash.ui.widgets.terminal_scrollback import TerminalScrollback
from sshdash.ui.widgets.terminal_search_bar import SearchBar


class TerminalSearch(TerminalScrollback):
    """Searches the scrollback and the screen."""

    finder: Finder | None = None
    """What was searched for, while its matches are marked."""
    confirmed = False
    """Whether a match was gone to on purpose, so that leaving the bar stays there."""
    _bar: SearchBar | None = None
    _last_query = Query("")
    _came_from: tuple[int, int] | None = None
    """Where one was as the bar opened: the epoch of the grid and its row; None at the end."""

    def on_unmount(self) -> None:
        """Search no more."""
        self.drop_search()

    # -- what is drawn

    @property
    def bar_open(self) -> bool:
        """Whether one types what to search for."""
        return self._bar is not None

    def settle_view(self) -> None:
        """Keep the view in its place and the matches in step with what is new."""
        super().settle_view()
        if self.finder is not None:
            self.finder.keep_up()
            self._show_status(self.finder.status)

    def marked(self) -> dict[int, list[Marked]]:
        """Return the matches in the viewport."""
        marks: dict[int, list[Marked]] = {}
        if self.finder is None:
            return marks
        top = self.grid.top
        match, current = self._style("match"), self._style("current")
        for row, start, end, is_current in self.finder.marks(top, top + self.grid.height):
            marks.setdefault(row - top, []).append((start, end, current if is_current else match))
        return marks

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"terminal--{name}", partial=True)

    @property
    def lift(self) -> int:
        """By how many rows the viewport is moved up, so that the bar hides no row one needs."""
        if self._bar is None:
            return super().lift
        current = self.finder.current if self.finder is not None else None
        return 0 if current is not None and current.row <= self.grid.top else 1

    def _show_status(self, words: str, wrong: bool = False) -> None:
        if self._bar is not None:
            self._bar.show_status(words, wrong)

    # -- the bar

    def action_terminal_search(self) -> None:
        """Search what the terminal has shown."""
        self.open_bar(upwards=True)

    def open_bar(self, upwards: bool, sign: str = "/") -> None:
        """Ask what to search for; `sign` stands before it."""
        if self._bar is not None:
            self._bar.take_focus()
            return
        self.grid.look()
        back = self.grid.top < self.grid.screen
        self._came_from = (self.grid.epoch, self.grid.top) if back else None
        self.held = self.grid.top
        self._bar = SearchBar(self._last_query._replace(upwards=upwards), sign)
        self.mount(self._bar)
        self.find(self._bar.query_typed)

    def focus(self, scroll_visible: bool = True) -> Self:
        """Have the typing go here, or to the bar while it is open."""
        if self._bar is None:
            return super().focus(scroll_visible)
        self._bar.take_focus()
        return self

    def key_to_bar(self, event: events.Key) -> bool:
        """Give the bar a key, if one is open; return whether it took it."""
        return self._bar is not None and self._bar.take_key(event)

    def close_bar(self) -> None:
        """Take the bar away; the view goes where it came from unless a match was gone to."""
        bar, self._bar = self._bar, None
        if bar is None:
            return
        bar.remove()
        self.focus()
        self.left_bar()
        self.draw_all()

    def left_bar(self) -> None:
        """Go back to where one was."""
        self.held = None
        self.drop_search()
        self.grid.look()
        if self._came_from is not None and self._came_from[0] == self.grid.epoch:
            self.grid.show(self._came_from[1])
        else:
            self.session.emulator.scroll_to_bottom()

    # -- searching

    def find(self, query: Query) -> None:
        """Search for something, beginning where one is; go to the nearest match."""
        self.drop_search()
        self._show_status("")
        if query.text:
            self._last_query = query
            try:
                self.finder = Finder(self.grid, query, self.search_origin(), self._found)
            except SSHDashError as error:
                self._show_status(str(error), wrong=True)
        self._found()

    def drop_search(self) -> None:
        """Mark nothing any more."""
        if self.finder is not None:
            self.finder.stop()
        self.finder = None
        self.confirmed = False

    def find_next(self, upwards: bool | None = None) -> bool:
        """Go to the next match, in the search's own direction; return whether there is one."""
        self.grid.look()
        if self.finder is None and self._last_query.text:
            self.find(self._last_query)
        elif self.finder is not None:
            self.finder.follow()
            self.finder.step(self.finder.query.upwards if upwards is None else upwards)
        if self.finder is None or self.finder.place is None:
            return False
        self.confirmed = True
        self.go_to_match(self.finder.place)
        return True

    def _found(self) -> None:
        """Go to the match that was found first, once it is known."""
        finder = self.finder
        if finder is not None and not finder.shown and finder.place is not None:
            finder.shown = True
            self.go_to_match(finder.place)
        self.redraw()

    def search_origin(self) -> Place:
        """Return where a search begins: the end of the view as the bar opened."""
        top = self.grid.screen
        if self._came_from is not None and self._came_from[0] == self.grid.epoch:
            top = self._came_from[1]
        return Place(top + self.grid.height - 1, self.grid.columns)

    def go_to_match(self, place: Place) -> None:
        """Have a match in view."""
        self.scroll_to_row(place.row)

    # -- what the bar says

    @on(SearchBar.Typed)
    def _typed(self, event: SearchBar.Typed) -> None:
        event.stop()
        if self._bar is not None:
            self.grid.look()
            self.find(event.query)

    @on(SearchBar.Stepped)
    def _stepped(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.find_next(event.upwards)

    @on(SearchBar.Submitted)
    def _submitted(self, event: SearchBar.Submitted) -> None:
        event.stop()
        self.submit_search()

    def submit_search(self) -> None:
        """Go to the next match: Enter was pressed in the bar."""
        self.find_next()

    @on(SearchBar.Paged)
    def _paged(self, event: SearchBar.Paged) -> None:
        event.stop()
        self.scroll_pages(event.pages)

    @on(SearchBar.Left)
    def _left(self, event: SearchBar.Left) -> None:
        event.stop()
        self.close_bar()
