"""Tabs: what one is, and the bar that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.containers import Vertical
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from sshdash.ui.command import Place
from sshdash.ui.format import clip
from sshdash.ui.theme import Mark

_WIDEST = 28


class Tab(Vertical):
    """One tab: a terminal, two panes of files, or the tunnels.

    A subclass says where the focus goes, what would end with it, and ends it.
    """

    place: Place = Place.ANYWHERE
    host: str = ""
    """The host it is about, empty where it is about none."""

    tab_title: reactive[str] = reactive("", repaint=False, init=False)
    """Cleaned."""
    tab_mark: reactive[Mark | None] = reactive(None, repaint=False, init=False)
    tab_panes: reactive[int] = reactive(1, repaint=False, init=False)
    """How many shells it holds."""
    tab_alert: reactive[str] = reactive("", repaint=False, init=False)
    """A shape that stands before the title as long as something dangerous goes on in it."""
    tab_flag: reactive[str] = reactive("", repaint=False, init=False)
    """What happened out of sight, as tmux marks it: ``#`` output, ``!`` bell, ``~`` silence."""

    class Changed(Message):
        """The title or the mark of a tab changed."""

    class CloseWanted(Message):
        """The tab asks to be closed."""

        def __init__(self, tab: "Tab") -> None:
            super().__init__()
            self.tab = tab

    class Requested(Message):
        """Something inside the tab asks for what only its controller can do."""

        def __init__(self, tab: "Tab", request: Message) -> None:
            super().__init__()
            self.tab = tab
            self.request = request

    def watch_tab_title(self) -> None:
        """Tell the bar."""
        self.post_message(self.Changed())

    def watch_tab_mark(self) -> None:
        """Tell the bar."""
        self.post_message(self.Changed())

    def watch_tab_panes(self) -> None:
        """Tell the bar."""
        self.post_message(self.Changed())

    def watch_tab_flag(self) -> None:
        """Tell the bar."""
        self.post_message(self.Changed())

    def watch_tab_alert(self) -> None:
        """Tell the bar."""
        self.post_message(self.Changed())

    def on_show_tab(self) -> None:
        """Take the focus: the tab is the one in sight now."""

    def zoom_tab(self, zoomed: bool) -> None:
        """Show no more than what has the focus, or all of it again."""

    def closing_question(self) -> str:
        """Return what closing would end, empty where it ends nothing."""
        return ""

    async def close_tab(self) -> None:
        """End what runs in the tab."""


@dataclass(frozen=True, slots=True)
class TabLabel:
    """One tab as the bar shows it."""

    title: str
    mark: Mark | None = None
    panes: int = 1
    alert: str = ""
    flag: str = ""


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a label is drawn, in cells from the start of the whole bar."""

    start: int
    end: int
    close: int


class TabBar(Widget):
    """The tabs on one line. Too many for the width scroll, the current one always in sight."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tab--label",
        "tab--current",
        "tab--number",
        "tab--hover",
        "tab--drop",
        "tab--panes",
        "tab--alert",
        "tab--close",
        "tab--faint",
        "tab--success",
        "tab--warning",
        "tab--error",
    }

    hovered: reactive[int] = reactive(-1)
    drop_item: reactive[int] = reactive(-1)
    """The tab that what is dragged would be dropped on, -1 for none."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    class CloseClicked(Message):
        """The cross of a tab was clicked, or the tab with the middle button."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[TabLabel, ...] = ()
        self._current = -1
        self._spans: list[_Span] = []
        self._strip = Strip([])
        self._left = 0

    def __repr__(self) -> str:
        titles = [
            f"[{label.title}]" if index == self._current else label.title
            for index, label in enumerate(self._labels)
        ]
        return f"<TabBar {' '.join(titles)}>"

    def show(self, labels: Sequence[TabLabel], current: int) -> None:
        """Show these tabs, one of them as the current one."""
        if (tuple(labels), current) == (self._labels, self._current):
            return
        self._labels, self._current = tuple(labels), current
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the part of the bar in sight."""
        if y:
            return Strip.blank(self.size.width, self.rich_style)
        self._lay_out()
        width = self.size.width
        strip = self._strip.crop(self._left, self._left + width)
        strip = strip.adjust_cell_length(width, self.rich_style)
        return self._with_ends(strip, width)

    def _lay_out(self) -> None:
        segments: list[Segment] = []
        self._spans = []
        start = 0
        for index, label in enumerate(self._labels):
            pieces = self._pieces(index, label)
            width = sum(cell_len(text) for text, _ in pieces)
            self._spans.append(_Span(start, start + width, start + width - 3))
            segments += [Segment(text, style) for text, style in pieces]
            start += width
        self._strip = Strip(segments)
        self._scroll()

    def _scroll(self) -> None:
        width, total = self.size.width, self._strip.cell_length
        if 0 <= self._current < len(self._spans):
            span = self._spans[self._current]
            self._left = min(self._left, max(span.start - 2, 0))
            self._left = max(self._left, span.end + 2 - width)
        self._left = max(min(self._left, total - width), 0)

    def _pieces(self, index: int, label: TabLabel) -> list[tuple[str, Style]]:
        current = index == self._current
        ground = self.get_component_rich_style(
            "tab--current" if current else "tab--hover" if index == self.hovered else "tab--label"
        )
        if index == self.drop_item:
            ground = self.get_component_rich_style("tab--drop")

        def look(name: str) -> Style:
            return ground + self.get_component_rich_style(f"tab--{name}", partial=True)

        number = f" {index + 1} " if index < 9 else " "
        shape = f"{label.mark.shape} " if label.mark else ""
        colour = label.mark.colour if label.mark else "faint"
        return [
            (number, look("number")),
            (f" {label.alert} " if label.alert else "", look("alert")),
            (" " if label.alert else "", ground),
            (shape, look(colour)),
            (clip(label.title, _WIDEST), ground),
            (f" {label.panes}▮" if label.panes > 1 else "", look("panes")),
            (f" {label.flag}" if label.flag else "", look("warning")),
            (" × ", look("close")),
        ]

    def _with_ends(self, strip: Strip, width: int) -> Strip:
        style = self.get_component_rich_style("tab--close")
        if self._left > 0:
            strip = Strip.join([Strip([Segment("‹", style)]), strip.crop(1, width)])
        if self._left + width < self._strip.cell_length:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("›", style)])])
        return strip

    def _at(self, x: int) -> tuple[int, bool]:
        """Return the tab at a column of the widget, -1 for none, and whether on its cross."""
        place = x + self._left
        for index, span in enumerate(self._spans):
            if span.start <= place < span.end:
                return index, place >= span.close
        return -1, False

    def tab_under(self, offset: Offset) -> int:
        """Return the tab at an offset inside the widget, -1 for none."""
        return self._at(offset.x)[0]

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which tab a click would take."""
        self.hovered = self._at(event.x)[0]

    def on_leave(self) -> None:
        """Show no tab as hovered."""
        self.hovered = -1

    def on_click(self, event: events.Click) -> None:
        """Choose or close the clicked tab."""
        index, on_cross = self._at(event.x)
        if index < 0:
            return
        event.stop()
        if on_cross or event.button == 2:
            self.post_message(self.CloseClicked(index))
        else:
            self.post_message(self.Chosen(index))
